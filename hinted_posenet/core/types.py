"""The NamedTuples that every room shares.

They are NamedTuples because torch's default collate, worker processes and Lightning's device transfers
handle them without further code. Frames: ``T_a_b`` maps points from frame b to frame a.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError

if TYPE_CHECKING:
    from hinted_posenet.core.geodesy import Origin


class Pose(NamedTuple):
    """Rigid motion T_world_cam: ``p_world = R(q) p_cam + t``, so ``t`` is the camera center."""

    t: Tensor  # (*, 3) metres
    q: Tensor  # (*, 4) unit quaternion, (w, x, y, z)

    @classmethod
    def from_matrix(cls, T_world_cam: ArrayLike) -> Self:
        """Return the pose (), float64, of a camera-to-world matrix (4, 4) or (3, 4).

        Raises:
            InputError: It has another shape, or its left part is not a rotation.
        """
        from kornia.geometry.conversions import rotation_matrix_to_quaternion

        T = torch.as_tensor(np.asarray(T_world_cam, np.float64))
        if T.shape not in ((4, 4), (3, 4)) or not T.isfinite().all():
            raise InputError(f"T_world_cam: shape {tuple(T.shape)}, expected a finite (4, 4)")
        R = T[:3, :3]
        if (R.mT @ R - torch.eye(3)).abs().max() > 1e-3 or torch.linalg.det(R) < 0:
            raise InputError("T_world_cam: its upper left 3x3 block is not a rotation")
        return cls(T[:3, 3].clone(), normalize(rotation_matrix_to_quaternion(R), dim=-1))

    @classmethod
    def from_angles(
        cls, position_m: ArrayLike, heading_deg: float, pitch_deg: float, roll_deg: float = 0.0
    ) -> Self:
        """Return the pose (), float64, of a camera in a world of east, north, up.

        Heading turns clockwise from north, pitch lifts the optical axis above the horizon (-90 looks straight
        down), roll lowers the camera's right side, see `core.geodesy.camera_rotation`.
        """
        from hinted_posenet.core.geodesy import camera_rotation

        return cls(_vector(position_m), camera_rotation(heading_deg, pitch_deg, roll_deg))

    def matrix(self) -> Tensor:
        """Return camera-to-world matrices (*, 4, 4)."""
        from kornia.geometry.conversions import quaternion_to_rotation_matrix

        T = torch.eye(4, dtype=self.t.dtype, device=self.t.device).repeat(*self.t.shape[:-1], 1, 1)
        T[..., :3, :3] = quaternion_to_rotation_matrix(self.q)
        T[..., :3, 3] = self.t
        return T

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
    """What is known of a pose: a prior, or an answer.

    The covariance is of the position along the world's axes, in square metres, then of a small rotation about
    the world's fixed axes, in square radians: the true rotation is ``exp(turn) q``. This is the order and the
    convention of ROS ``PoseWithCovariance``. What is not known has infinite variance, and zeros beside it.
    """

    pose: Pose
    covariance: Tensor  # (*, 6, 6)
    # (*, K) int64, rows of the training images that it was retrieved from; K = 0: none
    neighbours: Tensor = NO_NEIGHBOURS

    @classmethod
    def isotropic(
        cls, pose: Pose, sigma_t_m: Tensor, sigma_r_rad: Tensor, neighbours: Tensor = NO_NEIGHBOURS
    ) -> Self:
        """Return hints of poses (*,) with one standard deviation per axis, metres and radians, each (*,) or ()."""
        rows = pose.t.shape[:-1]
        sigmas = [
            sigma.expand(rows).unsqueeze(-1).expand(*rows, 3) for sigma in (sigma_t_m, sigma_r_rad)
        ]
        return cls(pose, torch.cat(sigmas, dim=-1).square().diag_embed(), neighbours)

    @classmethod
    def from_position(cls, position_m: ArrayLike, sigma_m: ArrayLike) -> Self:
        """Return a hint (), float64, of a position (3,) in the world, such as a GPS's; the rotation is not known.

        ``sigma_m`` is one standard deviation of all axes, [horizontal, vertical], or one of each axis; inf for an
        axis that is not known.

        Raises:
            InputError: A known coordinate is not finite, or a sigma is not above 0.
        """
        return cls.from_pose(Pose(_vector(position_m), _IDENTITY), sigma_m, math.inf)

    @classmethod
    def from_latitude_longitude(
        cls,
        latitude_deg: float,
        longitude_deg: float,
        altitude_m: float | None,
        sigma_m: ArrayLike,
        origin: "Origin",
        above: str | None = None,
    ) -> Self:
        """Return a hint (), float64, of a place on Earth in the world of an origin (`Localizer.origin`).

        ``altitude_m`` is above the "ellipsoid" or the "geoid", as ``above`` says, or None if it is not known;
        for ``sigma_m`` see `from_position`.

        Raises:
            InputError: A number is out of range, or the altitude cannot be converted to the origin's.
        """
        if altitude_m is not None and above is None:
            raise InputError("altitude_m: say what it is above: above='ellipsoid' or 'geoid'")
        known_m = math.nan if altitude_m is None else altitude_m
        position_m = origin.to_world(latitude_deg, longitude_deg, known_m, above)
        variance = _sigmas(sigma_m, "sigma_m").square()
        if altitude_m is None:
            position_m[2], variance[2] = 0.0, math.inf
        return cls.from_pose(Pose(position_m, _IDENTITY), variance.sqrt(), math.inf)

    @classmethod
    def from_pose(cls, pose: Pose, sigma_m: ArrayLike, sigma_deg: ArrayLike) -> Self:
        """Return a hint (), float64, of a pose (), such as an odometry's.

        For ``sigma_m`` see `from_position`. ``sigma_deg`` is one standard deviation about all axes of the world,
        [tilt, heading], or one about each axis; inf for what is not known.

        Raises:
            InputError: A known coordinate is not finite, or a sigma is not above 0.
        """
        sigma_m, sigma_deg = _sigmas(sigma_m, "sigma_m"), _sigmas(sigma_deg, "sigma_deg")
        t, q = pose.t.double(), pose.q.double()
        if not (t.isfinite() | sigma_m.isinf()).all() or not q.isfinite().all():
            raise InputError(f"hint: {t.tolist()} {q.tolist()}, expected finite numbers")
        pose = Pose(t.where(t.isfinite(), 0.0), normalize(q, dim=-1))
        return cls(pose, torch.cat([sigma_m, sigma_deg.deg2rad()]).square().diag())

    @property
    def variance(self) -> Tensor:
        """Diagonal of the covariance (*, 6)."""
        return self.covariance.diagonal(dim1=-2, dim2=-1)

    @property
    def sigma_t_m(self) -> Tensor:
        """Root mean square of the position's standard deviations (*,) in metres; inf if one axis is not known."""
        return self.variance[..., :3].mean(dim=-1).sqrt()

    @property
    def sigma_r_rad(self) -> Tensor:
        """Root mean square of the rotation's standard deviations (*,) in radians; inf if one axis is not known."""
        return self.variance[..., 3:].mean(dim=-1).sqrt()


_IDENTITY = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)


def _vector(position_m: ArrayLike) -> Tensor:
    position = torch.as_tensor(np.asarray(position_m, np.float64))
    if position.shape != (3,):
        raise InputError(f"position_m: shape {tuple(position.shape)}, expected x, y, z in metres")
    return position


def _sigmas(sigma: ArrayLike, name: str) -> Tensor:
    """Return (3,) of one number, of [first two axes, last axis], or of three."""
    given = torch.as_tensor(np.asarray(sigma, np.float64)).flatten()
    if len(given) not in (1, 2, 3) or not (given > 0).all():
        raise InputError(f"{name}={given.tolist()}: expected 1, 2 or 3 numbers above 0")
    return given[[0, 0, 1]] if len(given) == 2 else given.expand(3).clone()


class Modes(NamedTuple):
    """Several answers to one query, with weights that sum to 1."""

    log_weight: Tensor  # (*, K)
    pose: Pose  # (*, K)
    covariance: Tensor  # (*, K, 6, 6), as in `Hint`

    def likeliest(self) -> Hint:
        """Return the mode (*,) with the largest weight: never between two places that look alike."""
        best = self.log_weight.argmax(dim=-1)[..., None, None]
        t, q = (part.take_along_dim(best, dim=-2).squeeze(-2) for part in self.pose)
        covariance = self.covariance.take_along_dim(best.unsqueeze(-1), dim=-3).squeeze(-3)
        return Hint(Pose(t, q), covariance)


def no_prior(dtype: torch.dtype = torch.float32) -> Hint:
    """Return the uninformative prior (): identity pose, infinite sigma."""
    pose = Pose(torch.zeros(3, dtype=dtype), torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=dtype))
    nothing = torch.tensor(torch.inf, dtype=dtype)
    return Hint.isotropic(pose, nothing, nothing)


class LocalFeatures(NamedTuple):
    """Keypoints of images, each with the same number of rows; unused rows have a score of 0 and zeros."""

    ray: Tensor  # (*, N, 2) float32, x/z and y/z in the camera, lens distortion removed
    score: Tensor  # (*, N) float32, above 0; 0 where unused
    descriptor: Tensor  # (*, N, D) float16, unit length
    # (*,) float32, pixels of the image in which they were detected, per unit of ray
    focal_px: Tensor


NO_LOCAL_FEATURES = LocalFeatures(
    torch.empty(0, 2), torch.empty(0), torch.empty(0, 0, dtype=torch.float16), torch.empty(0)
)


def without_local(rows: int) -> LocalFeatures:
    """Return features (rows,) of images without any."""
    return LocalFeatures(*(part.expand(rows, *part.shape) for part in NO_LOCAL_FEATURES))


class Query(NamedTuple):
    """What is known at inference; nothing derived from the label may enter."""

    image: Tensor  # (*, 3, H, W) RGB float in [0, 1]; empty where `feature` replaces it
    feature: Tensor  # (*, C, G, G) pooled backbone features computed beforehand; else empty
    K: Tensor  # (*, 3, 3) pixels; the center of the top-left pixel is (0.5, 0.5)
    prior: Hint  # (*,) sensor prior; infinite variance where there is none
    # unique within its scene, or with the scene in front where there are several
    name: str | Sequence[str]
    scene: Tensor  # (*,) int64, which of the scenes that one network was trained on; 0 for a single one
    local: LocalFeatures = (
        NO_LOCAL_FEATURES  # (*,) only for localizers that have landmarks; else empty
    )


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
    # of the lens of the image as stored: OpenCV's, or a `Fisheye`, see `data.distortion`
    distortion: tuple[float, ...] = ()
    depth: DepthImage | None = None  # of the same camera and lens; only used by `export`
    size: tuple[int, int] | None = None  # (width, height) in pixels that K refers to; None: unknown
    where: str = ""  # file and line of the label
    # deviation of the stated rotation from a rotation: | |q| - 1 |, or max |R^T R - I|
    rotation_error: float = 0.0
    scene: int = 0  # index among several scenes that are read together
    altitude_m: float | None = None  # above the ground below the camera; None: unknown
