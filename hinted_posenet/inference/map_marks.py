"""How an estimate is drawn on a map: the ellipse that holds it with 95 %, and where the camera heads."""

import math

import torch
from torch import Tensor

from hinted_posenet.core.geometry import rotate

CHI_95 = math.sqrt(-2 * math.log(0.05))  # radius of a 2-D Gaussian that holds 95 %: 2.45 sigma
POINTS = 64  # of an ellipse

Plane = tuple[int, int]  # the axes of the world that are to the right and upwards on a map
EAST_NORTH: Plane = (0, 1)


def plan_of(positions_m: Tensor) -> Plane:
    """Return the two axes of the world along which positions (N, 3) spread most."""
    spread_m = positions_m.amax(0) - positions_m.amin(0)
    first, second = sorted(spread_m.argsort(stable=True)[1:].tolist())
    return first, second


def ellipse_95(covariance: Tensor, plane: Plane = EAST_NORTH) -> Tensor | None:
    """Return the outline (65, 2) in metres that holds a position in the plane with 95 % probability.

    It is closed, anticlockwise, and centered at zero; ``covariance`` (6, 6) is an estimate's. None where a part of
    it is not known.
    """
    horizontal = covariance[plane, :][:, plane].double()
    if not horizontal.isfinite().all():
        return None
    angles = torch.linspace(0, 2 * torch.pi, POINTS + 1, dtype=torch.float64)
    variances, axes = torch.linalg.eigh(horizontal)
    circle = torch.stack([angles.cos(), angles.sin()], dim=1)
    root = axes * variances.clamp_min(0).sqrt() @ axes.T
    outline: Tensor = CHI_95 * circle @ root
    return outline


def pointer(q: Tensor, plane: Plane = EAST_NORTH) -> Tensor:
    """Return the direction (*, 2) on a map in which cameras q (*, 4) of T_world_cam head.

    It is that of the optical axis if the camera looks along the map, and that of the top of the image if it looks
    down on it; in between the two are blended, and agree for a camera that is not rolled.
    """
    axes = torch.eye(3, dtype=q.dtype)
    ahead, top = rotate(q, axes[2]), rotate(q, -axes[1])
    (normal,) = {0, 1, 2} - set(plane)
    return (ahead - ahead[..., normal, None] * top)[..., plane]


def heading_rad(q: Tensor) -> Tensor:
    """Return the heading (*,) clockwise from north (y) to east (x) of cameras q (*, 4), see `pointer`."""
    east, north = pointer(q).unbind(-1)
    return torch.atan2(east, north)
