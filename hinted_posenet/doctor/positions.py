"""Positions that cannot be: far from the whole scene, or off the way of their sequence and back."""

from functools import partial

import numpy as np

from hinted_posenet.doctor.excursion import Floats, Ints, out_of_line
from hinted_posenet.doctor.finding import Finding
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.doctor.text import counted, metres

JUMP = 6.0  # usual steps; good frames leave their line and return by up to 4.3 (Great Court)
LEAST_STEP = 0.01  # of the scene's half size: a camera that hardly moves has no jumps
FAR = 20.0  # half sizes of the scene, from its centre


def check_positions(scene: Scene) -> list[Finding]:
    """Frames whose camera is where it cannot be."""
    t = scene.T_world_cam.t.numpy()
    if not len(t):
        return []
    from_centre = np.linalg.norm(t - np.median(t, axis=0), axis=-1)
    is_far = from_centre > FAR * scene.scale_m
    findings, wrong = [], {}
    for track in scene.tracks:
        far = is_far[track.views]
        if far.mean() > 0.5 and len(far) > 1:
            away = metres(float(np.median(from_centre[track.views])))
            findings.append(
                Finding("positions", "note", f"all of {track.name} is {away} from the rest")
            )
            continue
        for i in track.views[far].tolist():
            wrong[scene.views[i].name] = f"{metres(from_centre[i])} from the rest of the scene"
        index = track.views[~far]
        off_m = out_of_line(
            track.number[~far],
            partial(_away, t[index]),
            factor=JUMP,
            least_step=LEAST_STEP * scene.scale_m,
            least_jump=0.0,
        )
        for place, off in off_m.items():
            wrong[scene.views[index[place]].name] = f"{metres(off)} off the frames beside it"
    if wrong:
        message = f"{counted(wrong, 'camera')} where no camera can have been"
        findings.append(
            Finding("positions", "error", message, wrong, "exclude them (--write-exclude)")
        )
    else:
        size = metres(2 * scene.scale_m)
        findings.append(
            Finding("positions", "ok", f"no outliers; 95 % of the cameras in a cube of {size}")
        )
    return findings


def _away(t: Floats, a: Ints, b: Ints) -> Floats:
    return np.asarray(np.linalg.norm(t[a] - t[b], axis=-1))
