"""Pictures are hard to test by eye in a suite: that they show what was found, by colour."""

import cv2
import numpy as np
import pytest
from walks import scene_of, swing_in_a_room, views_of, walk

from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.checks.convention import check_convention, try_conventions
from hinted_posenet.data.checks.examine import Examination
from hinted_posenet.data.checks.outliers import check_positions
from hinted_posenet.data.checks.pictures import write_pictures


def examined(views: list[View]) -> Examination:
    scene = scene_of(views)
    trial = try_conventions(scene)
    return Examination(scene, [*check_positions(scene), *check_convention(scene, trial)], trial)


def red(path) -> float:
    """Share of the pixels in the colour of flagged cameras."""
    image = cv2.imread(str(path)).astype(int)
    return float((np.abs(image - [47, 36, 209]).max(axis=-1) < 12).mean())


@pytest.mark.parametrize("far_m", [30.0, 1e9], ids=["inside", "outside"])
def test_flagged_cameras_are_marked(tmp_path, far_m):
    t, turn = walk(0)
    (sound,) = write_pictures(tmp_path / "sound", examined(views_of(t, turn)))
    t[70] += [0, far_m, 0]
    (flagged,) = write_pictures(tmp_path / "flagged", examined(views_of(t, turn)))
    assert red(sound) == 0
    assert red(flagged) > 1e-4


def test_one_camera_alone_can_be_drawn(tmp_path):
    (picture,) = write_pictures(tmp_path, examined(views_of(np.zeros((1, 3)))))
    assert picture.name == "walk-cameras.png"


def test_the_better_convention_is_drawn_beside_the_stated_one(tmp_path):
    room = swing_in_a_room(tmp_path / "room")
    views = [view._replace(T_world_cam=Pose(*invert(*view.T_world_cam))) for view in room]
    _, picture = write_pictures(tmp_path, examined(views))
    assert picture.name == "walk-convention.png"
    assert cv2.imread(str(picture)).shape[1] > 1500
