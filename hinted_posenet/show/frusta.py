"""Frusta: cameras as wire pyramids."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.geometry import rotate
from hinted_posenet.types import Pose, View, stack_poses

Points = NDArray[np.float64]  # (..., 3) in the world
EDGES = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1)]  # between corners


def frusta(views: Sequence[View], size_m: float) -> Points:
    """Corners (N, 5, 3) of cameras, see `pyramids`."""
    if not views:
        return np.zeros((0, 5, 3))
    K = torch.stack([view.K for view in views])
    slopes = K[:, :2, 2] / K[:, [0, 1], [0, 1]]
    return pyramids(stack_poses(view.T_world_cam for view in views), slopes, size_m)


def pyramids(T_world_cam: Pose, slopes: torch.Tensor, size_m: float) -> Points:
    """Corners (N, 5, 3), ``size_m`` long: the centre, then the image's corners clockwise.

    Args:
        T_world_cam: N poses.
        slopes: (N, 2) half an image's width and height, over its focal length.
        size_m: from the centre to the image.
    """
    signs = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)
    corners = torch.nn.functional.pad(signs * slopes[:, None], (0, 1), value=1.0)  # (N, 4, 3)
    t, q = (part[:, None] for part in T_world_cam)
    return np.asarray(torch.cat([t, rotate(q, size_m * corners) + t], dim=1))
