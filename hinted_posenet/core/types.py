"""The NamedTuples that every room shares.

They are NamedTuples because torch's default collate, worker processes and Lightning's device transfers
handle them without further code. Frames: ``T_a_b`` maps points from frame b to frame a.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor


class Pose(NamedTuple):
    """Rigid motion T_world_cam: ``p_world = R(q) p_cam + t``, so ``t`` is the camera center."""

    t: Tensor  # (*, 3) metres
    q: Tensor  # (*, 4) unit quaternion, (w, x, y, z)

    def where(self, chosen: Tensor, other: "Pose") -> "Pose":
        """Return these poses where ``chosen`` (*,) is true, the others elsewhere."""
        pairs = zip(self, other, strict=True)
        return Pose(*(torch.where(chosen.unsqueeze(-1), *pair) for pair in pairs))


def stack_poses(poses: Iterable[Pose]) -> Pose:
    """Stack poses (*,), at least one, to one (N, *)."""
    t, q = zip(*poses, strict=True)
    return Pose(torch.stack(t), torch.stack(q))


NO_NEIGHBOURS = torch.empty(0, dtype=torch.int64)


class Hint(NamedTuple):
    """A prior of the pose with its uncertainty."""

    pose: Pose
    sigma_t_m: Tensor  # (*,) metres, one standard deviation per axis; inf = no hint
    sigma_r_rad: Tensor  # (*,) radians, one standard deviation per axis; inf = no hint
    # (*, K) int64, rows of the training images that it was retrieved from; K = 0: none
    neighbours: Tensor = NO_NEIGHBOURS

    @classmethod
    def with_sigma(
        cls, pose: Pose, sigma_t_m: Tensor, sigma_r_rad: Tensor, neighbours: Tensor = NO_NEIGHBOURS
    ) -> Self:
        """Return hints of poses (N,) that share the sigmas ()."""
        rows = len(pose.t)
        return cls(pose, sigma_t_m.expand(rows), sigma_r_rad.expand(rows), neighbours)


def no_prior(dtype: torch.dtype = torch.float32) -> Hint:
    """Return the uninformative prior (): identity pose, infinite sigma."""
    pose = Pose(torch.zeros(3, dtype=dtype), torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=dtype))
    return Hint(pose, torch.tensor(torch.inf), torch.tensor(torch.inf))


class Query(NamedTuple):
    """What is known at inference; nothing derived from the label may enter."""

    image: Tensor  # (*, 3, H, W) RGB float in [0, 1]; empty where `feature` replaces it
    feature: Tensor  # (*, C, G, G) pooled backbone features computed beforehand; else empty
    K: Tensor  # (*, 3, 3) pixels; the center of the top-left pixel is (0.5, 0.5)
    prior: Hint  # (*,) sensor prior; sigma inf where there is none
    # unique within its scene, or with the scene in front where there are several
    name: str | Sequence[str]
    scene: Tensor  # (*,) int64, which of the scenes that one network was trained on; 0 for a single one


class Sample(NamedTuple):
    """A query and its truth, which only losses, metrics and training hints take."""

    query: Query
    T_world_cam: Pose


class DepthImage(NamedTuple):
    """A 16-bit PNG of depth along the camera's z axis; 0 where there is no surface."""

    image: Path
    unit_m: float


class Fault(NamedTuple):
    """A problem with one frame of a dataset."""

    name: str  # of the frame
    message: str  # one line: file and line, what was expected, how to fix it


class View(NamedTuple):
    """One labeled image on disk as a reader found it; not decoded yet, and the file may be missing."""

    name: str  # unique within its scene
    image: Path
    T_world_cam: Pose  # float64, (3,) and (4,)
    # (3, 3) float64 pixels of the image as stored, center of the top-left pixel at (0.5, 0.5)
    K: Tensor
    sequence: str
    # what results are broken down by, such as {"season": "winter", "date": "2018-01-15"}
    tags: dict[str, str]
    prior: Hint | None = None  # a sensor's estimate of T_world_cam, float64
    time_s: float | None = None  # since the first image of the sequence
    distortion: tuple[float, ...] = ()  # OpenCV's k1, k2, p1, p2, k3 of the image as stored
    depth: DepthImage | None = None  # of the same camera and lens; only used by `export`
    size: tuple[int, int] | None = None  # (width, height) in pixels that K refers to; None: unknown
    where: str = ""  # file and line of the label
    # deviation of the stated rotation from a rotation: | |q| - 1 |, or max |R^T R - I|
    rotation_error: float = 0.0
    scene: int = 0  # index among several scenes that are read together
    altitude_m: float | None = None  # above the ground below the camera; None: unknown
