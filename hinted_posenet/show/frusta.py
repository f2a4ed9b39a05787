"""Frusta: cameras as wire pyramids."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.geometry import rotate
from hinted_posenet.show.relief import Relief
from hinted_posenet.types import View

Points = NDArray[np.float64]  # (..., 3) in the world
EDGES = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1)]  # between corners


def frusta(views: Sequence[View], size_m: float) -> Points:
    """Corners (N, 5, 3) of cameras, ``size_m`` long: the centre, then the image's corners clockwise."""
    if not views:
        return np.zeros((0, 5, 3))
    width, height = (2 * views[0].K[axis, 2] for axis in (0, 1))
    corners = torch.tensor([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], dtype=torch.float64)
    pixels = corners * torch.tensor([width, height, 1.0], dtype=torch.float64)
    K = torch.stack([view.K for view in views])
    t, q = (
        torch.stack(parts)[:, None] for parts in zip(*(v.T_world_cam for v in views), strict=True)
    )
    rays = size_m * torch.linalg.solve(K, pixels.T).mT  # (N, 4, 3)
    return np.asarray(torch.cat([t, rotate(q, rays) + t], dim=1))


def frustum_size_m(relief: Relief) -> float:
    """How long frusta are drawn."""
    return 0.02 * max(relief.bounds.width_m, relief.bounds.height_m)
