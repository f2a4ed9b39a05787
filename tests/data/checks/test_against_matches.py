"""Wrong poses and focal lengths against matched points, on images drawn from known cameras."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from walks import draw_room, scene_of, views_of

from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.checks import matched
from hinted_posenet.data.checks.against_matches import check_matches
from hinted_posenet.data.checks.checked_scene import FAULTS, Finding

FRAMES = 24
PAIRS = 150  # more than half of the frames are the middle of a group
FOCAL_PX = 260.0
SHIFT_M = 1.6  # 0.3 of the depth of the scene
BAD = (4, 11, 18)


@pytest.fixture(scope="module", autouse=True)
def matched_once() -> Iterator[None]:
    """Which points two images share depends neither on poses nor on focal lengths."""
    points, pairs, find, match = {}, {}, matched.find_points, matched.match_points

    def find_points(view: View):
        if view.image not in points:
            points[view.image] = find(view)
        K = view.K.numpy()
        return points[view.image] and points[view.image]._replace(K=K)

    def match_points(a, b, first, second):
        if first is None or second is None:
            return None
        key = (a, b, id(first.descriptor))
        if key not in pairs:
            pairs[key] = match(a, b, first, second)
        return pairs[key] and pairs[key]._replace(K_a=first.K, K_b=second.K)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matched, "POINTS", 300)  # for the speed of the tests
        patch.setattr(matched, "find_points", find_points)
        patch.setattr(matched, "match_points", match_points)
        yield


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> list[View]:
    """A camera that sways through a room with walls 4 m and 7 m ahead, and turns about all axes."""
    phase = np.linspace(0, 6, FRAMES)[:, None]
    t = np.hstack([1.2 * np.sin(phase), 0.5 * np.sin(2 * phase + 1), 0.8 * np.cos(1.7 * phase)])
    turn = np.hstack([0.2 * np.sin(2 * phase), 0.3 * np.sin(phase + 2), 0.4 * np.sin(1.5 * phase)])
    views = views_of(t, turn, folder=tmp_path_factory.mktemp("room"))
    draw_room(views)
    return views


def shifted(pose: Pose) -> Pose:
    return Pose(pose.t + pose.t.new_tensor([0.5, 0.8, -0.3]) * SHIFT_M, pose.q)


def turned(pose: Pose) -> Pose:
    axis = torch.tensor([0.6, 0.64, 0.48], dtype=torch.float64)
    return Pose(pose.t, quaternion_product(pose.q, quaternion_exp(np.radians(10) * axis)))


def with_poses(room: list[View], poses: Mapping[int, Pose]) -> list[View]:
    return [
        view._replace(T_world_cam=poses.get(i, view.T_world_cam)) for i, view in enumerate(room)
    ]


def with_focal(room: list[View], factor: float) -> list[View]:
    zoom = torch.tensor([[factor, 1, 1], [1, factor, 1], [1, 1, 1]], dtype=torch.float64)
    return [view._replace(K=view.K * zoom) for view in room]


def found(views: list[View], pairs: int = PAIRS) -> dict[str, Finding]:
    return {finding.check: finding for finding in check_matches(scene_of(views), pairs)}


def faults(views: list[View]) -> dict[str, Finding]:
    return {check: f for check, f in found(views).items() if f.severity in FAULTS}


def names(room: list[View], frames=BAD) -> set[str]:
    return {room[i].name for i in frames}


def test_true_poses_and_focal_length_are_sound(room):
    findings = found(room)
    assert {check: f.severity for check, f in findings.items()} == {
        "focal length": "ok",
        "neighbours": "ok",
    }
    assert "none" not in findings["neighbours"].message
    assert f"{FRAMES} of {FRAMES} frames" in findings["neighbours"].message


@pytest.mark.parametrize("wrong", [shifted, turned])
def test_wrong_poses_are_named_and_nobody_else(room, wrong):
    told = faults(with_poses(room, {i: wrong(room[i].T_world_cam) for i in BAD}))
    assert told.keys() == {"neighbours"}
    assert set(told["neighbours"].frames) == names(room)
    assert told["neighbours"].message.startswith("these 3 poses contradict their neighbours")


def test_how_far_off_a_pose_is(room):
    told = faults(with_poses(room, {11: turned(shifted(room[11].T_world_cam))}))
    (why,) = told["neighbours"].frames.values()
    off_m = SHIFT_M * np.linalg.norm([0.5, 0.8, -0.3])
    said_m, said_deg = (float(why.split(" about ")[n].split()[0].rstrip("°")) for n in (1, 2))
    assert why.startswith("position about") and said_m == pytest.approx(off_m, rel=0.1)
    assert said_deg == pytest.approx(10, abs=0.5)


def test_poses_that_changed_places_are_named(room):
    poses = [room[i].T_world_cam for i in (18, 4, 11)]
    told = faults(with_poses(room, dict(zip(BAD, poses, strict=True))))
    assert set(told["neighbours"].frames) == names(room)


@pytest.mark.parametrize("factor", [0.8, 2.02])
def test_a_wrong_focal_length_is_told_with_the_right_one(room, factor):
    told = faults(with_focal(room, factor))
    assert told.keys() == {"focal length"}
    message = told["focal length"].message
    assert message.startswith(f"stated focal length {factor * FOCAL_PX:.0f} px, matches say ")
    assert float(message.split("matches say ")[1].split()[0]) == pytest.approx(FOCAL_PX, rel=0.02)
    assert "data.reader.focal_px=" in told["focal length"].fix


def test_a_focal_length_that_nobody_states_is_estimated(room):
    scene = replace(scene_of(with_focal(room, 1000 / FOCAL_PX)), has_intrinsics=False)
    focal, neighbours = check_matches(scene, PAIRS)
    assert (focal.severity, neighbours.severity) == ("note", "ok")
    assert focal.message.startswith("no focal length is stated, matches say 2")
    assert float(focal.fix.split("=")[1]) == pytest.approx(FOCAL_PX, rel=0.02)


def test_wrong_poses_and_a_wrong_focal_length_are_told_apart(room):
    wrong = with_poses(room, {i: turned(shifted(room[i].T_world_cam)) for i in BAD})
    told = faults(with_focal(wrong, 1.2))
    assert told.keys() == {"focal length", "neighbours"}
    assert set(told["neighbours"].frames) == names(room)


def test_far_from_the_origin_and_in_other_units_everything_is_the_same(room):
    far = torch.tensor([5e5, 5e6, 200.0], dtype=torch.float64)
    wrong = with_poses(room, {i: shifted(room[i].T_world_cam) for i in BAD})
    away = [
        v._replace(T_world_cam=Pose(v.T_world_cam.t * 100 + far, v.T_world_cam.q)) for v in wrong
    ]
    told = faults(away)
    assert told.keys() == {"neighbours"}
    assert set(told["neighbours"].frames) == names(room)


def test_small_errors_of_all_poses_are_no_fault(room):
    rng = np.random.default_rng(0)
    poses = {}
    for i, view in enumerate(room):
        turn = torch.from_numpy(rng.normal(0, np.radians(0.3), 3))
        t = view.T_world_cam.t + torch.from_numpy(rng.normal(0, 0.02, 3))
        poses[i] = Pose(t, quaternion_product(view.T_world_cam.q, quaternion_exp(turn)))
    assert faults(with_poses(room, poses)) == {}


def test_a_camera_that_only_turns_decides_nothing_but_rotations(tmp_path):
    phase = np.linspace(0, 6, 16)[:, None]
    turn = np.hstack([0.2 * np.sin(2 * phase), 0.3 * np.sin(phase + 2), 0.3 * np.sin(1.5 * phase)])
    views = views_of(np.zeros((16, 3)), turn, folder=tmp_path)
    draw_room(views)
    moved = with_poses(views, {7: shifted(views[7].T_world_cam)})
    assert faults(moved) == {}  # where the camera was cannot be seen
    told = faults(with_poses(views, {7: turned(views[7].T_world_cam)}))
    assert set(told["neighbours"].frames) == {views[7].name}


def test_a_sideways_slide_does_not_determine_the_focal_length(tmp_path):
    t = np.linspace(0, 2, 16)[:, None] * [1.0, 0, 0]
    views = views_of(t, folder=tmp_path)
    draw_room(views)
    assert "focal length" not in found(with_focal(views, 1.5))


def test_images_that_cannot_be_read_are_left_to_others(room, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"not an image")
    views = [room[0]._replace(image=tmp_path / "broken.png"), *room[1:]]
    assert faults(views) == {}
    assert check_matches(scene_of(views_of(np.zeros((5, 3)))), PAIRS) == []


def test_no_pairs_match_nothing(room):
    assert check_matches(scene_of(room), 0) == []
