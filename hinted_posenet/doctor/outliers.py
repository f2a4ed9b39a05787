"""Cameras that are where no camera can be, or look elsewhere than the frames around: wrong labels."""

import math
from functools import partial

import numpy as np
from torch import Tensor

from hinted_posenet.doctor.excursion import Floats, Ints, out_of_line
from hinted_posenet.doctor.finding import Finding, counted, metres
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.geometry import rotation_angle

# good frames leave their line and return by up to 4.3 usual steps, 3.1 usual turns, 28 degrees (Great Court)
JUMP_STEPS, JUMP_TURNS = 6.0, 5.0
LEAST_FLIP_RAD = math.radians(45)
LEAST_STEP = 0.01  # of the scene's half size: a camera that hardly moves has no jumps
LEAST_TURN_RAD = math.radians(0.5)
FAR = 20.0  # half sizes of the scene, from its centre
FIX = "exclude them (--write-exclude)"


def check_positions(scene: Scene) -> list[Finding]:
    """Cameras far from the whole scene, or off the way of their sequence and back."""
    t = scene.T_world_cam.t.numpy()
    from_centre_m = np.linalg.norm(t - np.median(t, axis=0), axis=-1)
    is_far = from_centre_m > FAR * scene.scale_m
    findings, wrong = [], {}
    for track in scene.tracks:
        far = is_far[track.views]
        if far.mean() > 0.5 and len(far) > 1:
            away = metres(float(np.median(from_centre_m[track.views])))
            message = f"all of {track.name} is {away} from the rest"
            findings.append(Finding("positions", "note", message))
            continue
        for i in track.views[far].tolist():
            wrong[scene.views[i].name] = f"{metres(from_centre_m[i])} from the rest of the scene"
        index = track.views[~far]
        off_m = out_of_line(
            track.number[~far],
            partial(_away_m, t[index]),
            factor=JUMP_STEPS,
            least_step=LEAST_STEP * scene.scale_m,
            least_jump=0.0,
        )
        for place, off in off_m.items():
            wrong[scene.views[index[place]].name] = f"{metres(off)} off the frames beside it"
    if wrong:
        message = f"{counted(wrong, 'camera')} where no camera can have been"
        return [*findings, Finding("positions", "error", message, wrong, FIX)]
    message = f"no outliers; 95 % of the cameras in a cube of {metres(2 * scene.scale_m)}"
    return [*findings, Finding("positions", "ok", message)]


def check_flips(scene: Scene) -> list[Finding]:
    """Frames turned against both their neighbours; q and -q are one rotation."""
    wrong = {}
    for track in scene.tracks:
        off_rad = out_of_line(
            track.number,
            partial(_turn_rad, scene.T_world_cam.q[track.views]),
            factor=JUMP_TURNS,
            least_step=LEAST_TURN_RAD,
            least_jump=LEAST_FLIP_RAD,
        )
        for place, off in off_rad.items():
            name = scene.views[track.views[place]].name
            wrong[name] = f"turned by {math.degrees(off):.0f} deg against the frames beside it"
    if wrong:
        message = f"{counted(wrong, 'frame')} turned against the frames around"
        return [Finding("flips", "error", message, wrong, FIX)]
    return [Finding("flips", "ok", "no frame is turned against its neighbours")]


def _away_m(t: Floats, a: Ints, b: Ints) -> Floats:
    return np.asarray(np.linalg.norm(t[a] - t[b], axis=-1))


def _turn_rad(q: Tensor, a: Ints, b: Ints) -> Floats:
    return np.asarray(rotation_angle(q[a], q[b]).numpy())
