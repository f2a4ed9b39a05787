"""The convention test, on images drawn from known cameras."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from walks import draw_room, scene_of, swing_in_a_room, views_of

from hinted_posenet.core.geometry import invert, quaternion_inverse, quaternion_product, rotate
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.checks import convention, matching
from hinted_posenet.data.checks.checked_scene import Finding
from hinted_posenet.data.checks.convention import CONVENTIONS, check_convention, try_conventions
from hinted_posenet.data.checks.matching import Pair

FRAMES = 16


def wrong_poses(what: str, T: Pose) -> Pose:
    """What a reader makes of a file that was written in a wrong way, from the true T_world_cam."""
    half_turn_x = T.q.new_tensor([0, 1, 0, 0])
    if what == "inverse":
        return Pose(*invert(*T))
    if what == "inverse rotation":
        return Pose(T.t, quaternion_inverse(T.q))
    if what == "turn to OpenGL axes":
        return Pose(T.t, quaternion_product(T.q, half_turn_x))
    if what == "inverse with OpenGL axes":  # world-to-camera of an OpenGL camera
        return Pose(*invert(T.t, quaternion_product(T.q, half_turn_x)))
    if what == "translation in place of the position":
        return Pose(invert(*T)[0], T.q)
    assert what == "position in place of the translation"  # in a layout of world-to-camera poses
    return Pose(-rotate(T.q, T.t), T.q)


@pytest.fixture(scope="module", autouse=True)
def matched_once() -> Iterator[None]:
    """Which points two images share does not depend on the stated poses."""
    pairs: dict[tuple[Path, Path], Pair | None] = {}

    def match(a: View, b: View) -> Pair | None:
        images = (a.image, b.image)
        if images not in pairs:
            pairs[images] = matching.match(a, b)
        pair = pairs[images]
        return pair and pair._replace(a=a, b=b)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convention, "match", match)
        yield


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> list[View]:
    return swing_in_a_room(tmp_path_factory.mktemp("room"))


def verdict(views: list[View]) -> Finding:
    scene = scene_of(views)
    (finding,) = check_convention(scene, try_conventions(scene))
    return finding


def test_true_poses_are_sound(room):
    finding = verdict(room)
    assert finding.severity == "ok", finding


def test_an_orientation_of_exif_changes_nothing(room, tmp_path):
    """Phones held upright write one, and labels are of the pixels before it."""
    turned = []
    for number, view in enumerate(room):
        exif = Image.Exif()
        exif[0x0112] = 6
        path = tmp_path / f"{number:02}.jpg"
        with Image.open(view.image) as image:
            image.save(path, exif=exif, quality=95)
        turned.append(view._replace(image=path))
    assert verdict(turned).severity == "ok"


@pytest.mark.parametrize("what", [other.name for other in CONVENTIONS[1:]])
def test_each_wrong_convention_is_named(room, what):
    views = [view._replace(T_world_cam=wrong_poses(what, view.T_world_cam)) for view in room]
    finding = verdict(views)
    assert finding.severity == "error"
    assert finding.message.startswith(f"the {what} fits better")
    assert "seven_scenes files hold camera-to-world" in finding.fix


def test_poses_of_other_frames_fit_no_convention(room):
    order = np.random.default_rng(0).permutation(len(room))
    views = [
        view._replace(T_world_cam=room[i].T_world_cam) for view, i in zip(room, order, strict=True)
    ]
    finding = verdict(views)
    assert finding.severity == "warning"
    assert finding.message.startswith("no convention fits well")


def test_a_sideways_slide_without_turns_is_not_decidable(tmp_path):
    t = np.linspace(0, 2, FRAMES)[:, None] * [1.0, 0, 0]
    views = views_of(t, folder=tmp_path)
    draw_room(views)
    finding = verdict(views)
    assert finding.severity == "note"
    assert finding.message.startswith("not decidable")
    assert "inverse" in finding.message


def test_a_camera_that_stands_still_is_not_decidable(tmp_path):
    views = views_of(np.zeros((FRAMES, 3)), folder=tmp_path)
    draw_room(views)
    finding = verdict(views)
    assert finding.severity == "note"
    assert finding.message.startswith("not decidable: 0 pairs")


def test_a_camera_that_only_turns_tells_of_rotations(tmp_path):
    phase = np.linspace(0, 6, FRAMES)[:, None]
    turn = np.hstack([0.2 * np.sin(2 * phase), 0.3 * np.sin(phase + 2), 0.3 * np.sin(1.5 * phase)])
    views = views_of(np.zeros((FRAMES, 3)), turn, folder=tmp_path)
    draw_room(views)
    finding = verdict(views)
    assert (
        finding.severity == "note"
    )  # positions that are all the same tell nothing of translations
    assert "translation" in finding.message
    assert "inverse" not in finding.message
    inverse = [view._replace(T_world_cam=Pose(*invert(*view.T_world_cam))) for view in views]
    assert verdict(inverse).severity == "error"


def test_a_few_wrong_labels_do_not_change_the_verdict(room):
    views = list(room)
    for i in (5, 11):
        views[i] = views[i]._replace(T_world_cam=room[i - 5].T_world_cam)
    assert verdict(views).severity == "ok"
