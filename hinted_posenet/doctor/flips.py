"""Frames that look elsewhere than the frame before and the frame after."""

import math
from functools import partial

import numpy as np
from torch import Tensor

from hinted_posenet.doctor.excursion import Floats, Ints, out_of_line
from hinted_posenet.doctor.finding import Finding
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.doctor.text import counted
from hinted_posenet.geometry import rotation_angle

JUMP = 5.0  # usual turns; good frames leave their line and return by up to 3.1 (Great Court)
LEAST_TURN_RAD = math.radians(0.5)
LEAST_FLIP_RAD = math.radians(45)  # a hand can turn out and back by 28 degrees (Great Court)


def check_flips(scene: Scene) -> list[Finding]:
    """Frames turned against both their neighbours; q and -q are one rotation."""
    wrong = {}
    for track in scene.tracks:
        q = scene.T_world_cam.q[track.views]
        off_rad = out_of_line(
            track.number,
            partial(_turn, q),
            factor=JUMP,
            least_step=LEAST_TURN_RAD,
            least_jump=LEAST_FLIP_RAD,
        )
        for place, off in off_rad.items():
            name = scene.views[track.views[place]].name
            wrong[name] = f"turned by {math.degrees(off):.0f} deg against the frames beside it"
    if wrong:
        message = f"{counted(wrong, 'frame')} turned against the frames around"
        return [Finding("flips", "error", message, wrong, "exclude them (--write-exclude)")]
    return [Finding("flips", "ok", "no frame is turned against its neighbours")] * bool(scene.views)


def _turn(q: Tensor, a: Ints, b: Ints) -> Floats:
    return np.asarray(rotation_angle(q[a], q[b]).numpy())
