"""The pose convention of a scene, tested against matched image points; doubtful cases get no verdict."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from tqdm import tqdm

from hinted_posenet.core.geometry import invert, quaternion_inverse, quaternion_product, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.data.checks.checked_scene import Finding, Scene, counted
from hinted_posenet.data.checks.matching import Floats, Pair, candidates, match

# the quaternion of diag(1, -1, -1): half a turn about x leads from OpenGL's camera axes to OpenCV's
HALF_TURN_X = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64)


class Convention(NamedTuple):
    """One way to read the stated poses."""

    name: str
    meaning: str  # what is wrong with the file if this one is right, and what to do
    apply: Callable[[Pose], Pose]  # stated T_world_cam -> T_world_cam, (*, 3) and (*, 4)


def _turned_axes(T: Pose) -> Pose:
    return Pose(T.t, quaternion_product(T.q, HALF_TURN_X.expand_as(T.q)))


CONVENTIONS = (
    Convention("as stated", "The poses are what the layout says", lambda T: T),
    Convention("inverse", "The poses are inverted: invert each", lambda T: Pose(*invert(*T))),
    Convention(
        "inverse rotation",
        "The positions are right and the rotations are inverted: conjugate each quaternion (transpose "
        "each matrix)",
        lambda T: Pose(T.t, quaternion_inverse(T.q)),
    ),
    Convention(
        "translation in place of the position",
        "The rotations are right, but the camera's position is replaced by the translation of "
        "world-to-camera: write t' = -R t, with R camera-to-world",
        lambda T: Pose(-rotate(T.q, T.t), T.q),
    ),
    Convention(
        "position in place of the translation",
        "The rotations are right, but the translation of world-to-camera is replaced by the camera's "
        "position: write t' = -R^T t, with R camera-to-world",
        lambda T: Pose(-rotate(quaternion_inverse(T.q), T.t), T.q),
    ),
    Convention(
        "turn to OpenGL axes",
        "The camera's axes are OpenGL's, with y up and the view along -z, where OpenCV has y down and "
        "+z; change the sign of the second and third column of each camera-to-world rotation",
        _turned_axes,
    ),
    Convention(
        "inverse with OpenGL axes",
        "The poses are inverted and the camera's axes are OpenGL's: invert each, then change the sign "
        "of the second and third column of its rotation",
        lambda T: _turned_axes(Pose(*invert(*T))),
    ),
)

TRIES = 30  # frames, spread evenly over all sequences, each of which may start a pair
TOLERANCE = 0.005  # of the long side: 3 px of 640; raw 7-Scenes poses are off by 1 to 2 px


class Trial(NamedTuple):
    """Pairs of images, and the share of their matches that fit each convention."""

    pairs: list[Pair]
    share: Floats  # (P, C) within [0, 1]; the first convention is the stated one

    @property
    def mean_share(self) -> Floats:
        """(C,) over the pairs; zero where there is none."""
        return self.share.mean(axis=0) if self.pairs else np.zeros(len(CONVENTIONS))


def try_conventions(scene: Scene) -> Trial:
    """Match images of the scene's sequences; there are no pairs without images or intrinsics."""
    usable = np.array([scene.images[view.image].size is not None for view in scene.views], bool)
    places = [
        (track, place) for track in scene.tracks for place in np.flatnonzero(usable[track.views])
    ]
    if not places or not scene.has_intrinsics:
        return Trial([], np.zeros((0, len(CONVENTIONS))))
    chosen = np.unique(np.linspace(0, len(places) - 1, TRIES + 2).round().astype(int)[1:-1])
    pairs = []
    for number in tqdm(chosen, desc=f"convention of {scene.name}", delay=1, leave=False):
        track, place = places[number]
        first = scene.views[track.views[place]]
        for other in candidates(scene, track, place):
            if usable[other] and (pair := match(first, scene.views[other])):
                pairs.append(pair)
                break
    share = [[fit(pair, c).mean() for c in CONVENTIONS] for pair in pairs]
    return Trial(pairs, np.array(share).reshape(-1, len(CONVENTIONS)))


def fit(pair: Pair, convention: Convention) -> npt.NDArray[np.bool_]:
    """Return which matches (M,) of a pair agree with the poses under a convention."""
    a, b = (convention.apply(view.T_world_cam) for view in (pair.a, pair.b))
    distance_px = sampson_px(fundamental(a, b, pair.K_a, pair.K_b), pair.x_a, pair.x_b)
    return np.asarray(distance_px < TOLERANCE * pair.long_side_px)


def fundamental(a: Pose, b: Pose, K_a: Floats, K_b: Floats) -> Floats:
    """Return F (3, 3) with ``x_b^T F x_a = 0`` for homogeneous pixels of a point seen by both cameras.

    ``a`` and ``b`` are T_world_cam; K_a and K_b (3, 3) are in pixels.
    """
    return np.asarray(np.linalg.inv(K_b).T @ essential(a, b) @ np.linalg.inv(K_a))


def essential(a: Pose, b: Pose) -> Floats:
    """Return E (3, 3), of a baseline of length 1, with ``p_b^T E p_a = 0`` for a point in two cameras' frames.

    ``a`` and ``b`` are T_world_cam.
    """
    to_b = quaternion_inverse(b.q)
    R = quaternion_to_rotation_matrix(quaternion_product(to_b, a.q)).numpy()
    t = rotate(to_b, a.t - b.t)
    length = float(t.norm())
    # any direction will do where there is no baseline: a right rotation satisfies all, a wrong one none
    baseline = t.numpy() / length if length > 0 else np.array([1.0, 0.0, 0.0])
    return np.asarray(np.cross(np.eye(3), baseline) @ R)


def sampson_px(F: Floats, x_a: Floats, x_b: Floats) -> Floats:
    """Return the first-order distance (*, M) in pixels of matches x_a, x_b (M, 2) from satisfying F (*, 3, 3)."""
    ones = np.ones((len(x_a), 1))
    a, b = np.hstack([x_a, ones]), np.hstack([x_b, ones])
    lines_b, lines_a = a @ np.swapaxes(F, -1, -2), b @ F
    error = np.abs((b * lines_b).sum(axis=-1))
    slope = np.sqrt((lines_b[..., :2] ** 2).sum(axis=-1) + (lines_a[..., :2] ** 2).sum(axis=-1))
    return np.asarray(error / np.maximum(slope, 1e-300))


FEWEST_PAIRS = 4
FITS = 0.5  # mean share of matches; raw 7-Scenes poses reach 0.75
CLEAR = 0.2  # between the mean shares of two conventions
WINS = 0.8  # of the pairs that distinguish two conventions
POOR = 0.3
# what the files of each layout contain
HOLDS = {
    "cambridge": "the camera's position and the world-to-camera quaternion w x y z",
    "seven_scenes": "camera-to-world 4x4 matrices",
    "twelve_scenes": "camera-to-world 4x4 matrices",
    "aerial": "world-to-camera, quaternion w x y z and translation",
    "colmap": "world-to-camera, quaternion w x y z and translation",
    "transforms": "camera-to-world 4x4 matrices with OpenGL's camera axes",
    "ace": "camera-to-world 4x4 matrices",
    "llff": "camera-to-world 3x4 matrices with the camera's axes down, right, backwards",
    "kapture": "world-to-camera, quaternion w x y z and translation",
    "polycam": "camera-to-world 3x4 matrices with ARKit's camera axes, as in OpenGL",
    "record3d": "camera-to-world, quaternion x y z w and position, with ARKit's camera axes",
    "ortholoc": "world-to-camera 3x4 matrices",
    "anyvisloc": "camera-to-world 4x4 matrices, whose world has y to the south",
    "uav_visloc": "latitude, longitude, height and the angles of the aircraft",
    "tum": "the camera's position and the camera-to-world quaternion x y z w",
    "csv": "what the names of the columns say: T_world_cam is camera-to-world",
}


def check_convention(scene: Scene, trial: Trial) -> list[Finding]:
    """Check whether the stated convention fits the images, or another does."""
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
    lead = trial.share[:, best] - trial.share[:, 0]
    decisive = np.abs(lead) > CLEAR  # the pairs that distinguish the two
    wins = decisive.sum() >= FEWEST_PAIRS and (lead[decisive] > 0).mean() >= WINS
    if best and shares[best] - stated > CLEAR and wins:
        return [_other(scene, trial, best)]
    if stated < FITS:
        message = (
            f"no convention fits well: {stated:.0%} of matched points as stated, at most "
            f"{shares[best]:.0%} ({CONVENTIONS[best].name}; {len(trial.pairs)} pairs)"
        )
        fix = "check the focal length, the order of the quaternion, and the pairing of images and poses"
        return [Finding("convention", "warning" if stated < POOR else "note", message, fix=fix)]
    alike = [c.name for c, share in zip(CONVENTIONS, shares, strict=True) if stated - share < CLEAR]
    what = f"{stated:.0%} of matched points fit the stated poses ({len(trial.pairs)} pairs)"
    if len(alike) > 1:
        message = f"not decidable: {what}, but rotations are too small to rule out: {', '.join(alike[1:])}"
        return [Finding("convention", "note", message)]
    other = int(shares[1:].argmax()) + 1
    message = f"{what}; the next best, {CONVENTIONS[other].name}, {shares[other]:.0%}"
    return [Finding("convention", "ok", message)]


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
