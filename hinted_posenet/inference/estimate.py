"""Estimate: what is answered to one image and its hint."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.map_marks import heading_rad

Status = Literal["ok", "uncertain", "outside the map"]
# quantile of chi-square with 3 degrees of freedom: the ellipsoid that holds 95 %
CHI2_3_95 = 7.8147


@dataclass(frozen=True)
class Mode:
    """One of several places that an image may show."""

    weight: float  # of all modes: they sum to 1
    pose: Pose  # T_world_cam, (3,) metres and (4,), float64
    covariance: (
        Tensor  # (6, 6) float64, along and about the axes that `Estimate` has, if this is the place
    )


@dataclass(frozen=True)
class Estimate:
    """A pose with its covariance.

    Attributes:
        pose: T_world_cam in the world of the training data: ``t`` (3,) in metres, ``q`` (4,) as (w, x, y, z);
            float64.
        covariance: (6, 6) float64 of the position along the world's axes in square metres, then of a small
            rotation about the world's fixed axes in square radians, as of ROS ``PoseWithCovariance``. It is scaled
            so that the 95 % ellipsoid holds 95 % of calibration images.
        status: "ok"; "uncertain" where the position is less certain than that of 99 % of the validation images;
            "outside the map" where the image is unlike all training images.
        hint: where the answer started from: "given", "contradicted" where landmarks in the image, or the map,
            exclude the given one, so that it was left out, "ignored" where the localizer takes none, or the name
            of its own source, such as "retrieval" or "none".
        steps: how many refinement steps changed the answer, at least 1.
        out_of_map: how unlike all training images the image is; at 1 it is no nearer to any of them than a
            quarter of the pairs of training images of different dates are to each other.
        modes: the places that the image may show: that of ``pose``, then others by their weight. Their covariances
            are those of the network if the place is the right one. Empty where none were asked for.
        origin: where the world lies on Earth; None if that is not known.
        landmarks: how many landmarks agree on the pose; 0 where too few do, and the answer is the hint; None for
            localizers without landmarks.
        fits_map: whether the image fits the map that it was registered to, else the answer is the hint; None for
            localizers without one.
        image: what the image says alone, where it was registered to a map and fits it; the answer is that with the
            hint, and its pose is weighed by the likeliest covariance rather than by this one, which holds 95 %.
    """

    pose: Pose
    covariance: Tensor
    status: Status
    hint: str
    steps: int
    out_of_map: float
    modes: tuple[Mode, ...]
    origin: Origin | None = None
    landmarks: int | None = None
    fits_map: bool | None = None
    image: Hint | None = None

    @property
    def position_m(self) -> tuple[float, float, float]:
        """The camera's center in the world."""
        x, y, z = self.pose.t.tolist()
        return x, y, z

    @property
    def T_world_cam(self) -> Tensor:  # noqa: N802
        """The pose as a matrix (4, 4) float64."""
        return self.pose.matrix()

    @property
    def sigma_m(self) -> Tensor:
        """Standard deviations (3,) of the position along the world's axes."""
        return self.covariance.diagonal()[:3].sqrt()

    @property
    def sigma_deg(self) -> Tensor:
        """Standard deviations (3,) of the rotation about the world's axes."""
        return self.covariance.diagonal()[3:].sqrt().rad2deg()

    @property
    def radius_95_m(self) -> float:
        """Longest half axis of the ellipsoid that holds the position with 95 %."""
        return math.sqrt(CHI2_3_95 * float(torch.linalg.eigvalsh(self.covariance[:3, :3])[-1]))

    @property
    def heading_deg(self) -> float:
        """Heading from 0 to 360, clockwise from north (y), see `map_marks.heading_rad`.

        It is that of the optical axis, or of the top of an image that was taken looking down.
        """
        return math.degrees(float(heading_rad(self.pose.q))) % 360.0

    @property
    def sigma_heading_deg(self) -> float:
        """Standard deviation of the heading."""
        return float(self.sigma_deg[2])

    @property
    def latitude_longitude_altitude(self) -> tuple[float, float, float] | None:
        """Degrees, degrees and metres above ``origin.vertical``; None for a world without an origin."""
        if self.origin is None:
            return None
        latitude, longitude, altitude = self.origin.to_geographic(self.pose.t)
        return latitude.item(), longitude.item(), altitude.item()
