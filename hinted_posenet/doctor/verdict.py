"""The verdict on the convention of a scene's poses; in doubt there is none."""

import numpy as np

from hinted_posenet.doctor.conventions import CONVENTIONS
from hinted_posenet.doctor.finding import Finding, counted
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.doctor.trial import Trial

FEWEST_PAIRS = 4
FITS = 0.5  # mean share of matches; raw 7-Scenes poses reach 0.75
CLEAR = 0.2  # between the mean shares of two conventions
WINS = 0.8  # of the pairs that tell two conventions apart
POOR = 0.3
# what the files of each layout hold; `pose_io` has the table
HOLDS = {
    "cambridge": "the camera's position and the world-to-camera quaternion w x y z",
    "seven_scenes": "camera-to-world 4x4 matrices",
    "twelve_scenes": "camera-to-world 4x4 matrices",
    "aerial": "world-to-camera, quaternion w x y z and translation",
    "colmap": "world-to-camera, quaternion w x y z and translation",
    "transforms": "camera-to-world 4x4 matrices with OpenGL's camera axes",
    "tum": "the camera's position and the camera-to-world quaternion x y z w",
    "csv": "what the names of the columns say: T_world_cam is camera-to-world",
}


def check_convention(scene: Scene, trial: Trial) -> list[Finding]:
    """Whether the stated convention fits the images, or another does."""
    if not scene.has_images:
        return []
    if len(trial.pairs) < FEWEST_PAIRS:
        message = (
            f"not decidable: {counted(len(trial.pairs), 'pair')} of images with enough matches and "
            f"motion, {FEWEST_PAIRS} are needed"
        )
        return [Finding("convention", "note", message)]
    shares = trial.mean_share
    stated, best = float(shares[0]), int(shares.argmax())
    if best and shares[best] - stated > CLEAR and _wins(trial, best):
        return [_other(scene, trial, best)]
    if stated < FITS:
        return [_none(stated, float(shares[best]), best, len(trial.pairs))]
    alike = [c.name for c, share in zip(CONVENTIONS, shares, strict=True) if stated - share < CLEAR]
    what = f"{stated:.0%} of matched points fit the stated poses ({len(trial.pairs)} pairs)"
    if len(alike) > 1:
        message = (
            f"not decidable: {what}, but too little turns to tell from: {', '.join(alike[1:])}"
        )
        return [Finding("convention", "note", message)]
    other = int(shares[1:].argmax()) + 1
    message = f"{what}; the next best, {CONVENTIONS[other].name}, {shares[other]:.0%}"
    return [Finding("convention", "ok", message)]


def _wins(trial: Trial, other: int) -> bool:
    """Whether nearly all pairs that tell the two apart are for the other."""
    lead = trial.share[:, other] - trial.share[:, 0]
    telling = np.abs(lead) > CLEAR
    return telling.sum() >= FEWEST_PAIRS and bool((lead[telling] > 0).mean() >= WINS)


def _other(scene: Scene, trial: Trial, best: int) -> Finding:
    shares = trial.mean_share
    message = (
        f"the {CONVENTIONS[best].name} fits better: {shares[best]:.0%} of matched points, against "
        f"{shares[0]:.0%} as stated ({len(trial.pairs)} pairs)"
    )
    rivals = [
        c.name
        for i, c in enumerate(CONVENTIONS)
        if i not in (0, best) and shares[best] - shares[i] < CLEAR
    ]
    message += f"; hardly worse: {', '.join(rivals)}" if rivals else ""
    fix = f"{scene.layout} files hold {HOLDS[scene.layout]}. {CONVENTIONS[best].meaning}"
    return Finding("convention", "error", message, fix=fix)


def _none(stated: float, most: float, best: int, pairs: int) -> Finding:
    message = (
        f"no convention fits well: {stated:.0%} of matched points as stated, at most {most:.0%} "
        f"({CONVENTIONS[best].name}; {pairs} pairs)"
    )
    fix = "check the focal length, the order of the quaternion, and that images and poses are paired rightly"
    return Finding("convention", "warning" if stated < POOR else "note", message, fix=fix)
