"""The ground that all dates show."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.world.geotiff import Extent, union
from hinted_posenet.simulator.world.lattice import Bounds, Lattice, Window
from hinted_posenet.simulator.world.mosaic import Mosaic
from hinted_posenet.types import InputError


def common_grid(
    extents: Mapping[str, Sequence[Extent]], resolution_m: float | None = None
) -> Lattice:
    """Pixels over what the bounds of all dates share; null takes the finest file's resolution."""
    finest_m = min(extent.resolution_m for files in extents.values() for extent in files)
    res_m = resolution_m or finest_m
    boxes = [union([extent.bounds for extent in files]) for files in extents.values()]
    common = Bounds(
        max(box.xmin for box in boxes),
        max(box.ymin for box in boxes),
        min(box.xmax for box in boxes),
        min(box.ymax for box in boxes),
    )
    if common.width_m < res_m or common.height_m < res_m:
        names = ", ".join(str(files[0].path) for files in extents.values())
        raise InputError(
            f"{names}: these orthophotos have no ground in common; give dates of one place"
        )
    rows, cols = int(common.height_m / res_m), int(common.width_m / res_m)
    return Lattice(common.xmin, common.ymax, res_m, rows, cols)


def shared_window(mosaics: Sequence[Mosaic]) -> Window:
    """The part of the grid that every mosaic covers, but for few holes.

    Warped rasters have empty wedges at their borders; there is no ground to see in them.
    """
    _, valid, factors = zip(*(mosaic.whole() for mosaic in mosaics), strict=True)
    factor = factors[0]  # of one grid
    top, bottom, left, right = _covered(np.logical_and.reduce(valid))
    coarse = Window(top * factor, left * factor, (bottom - top) * factor, (right - left) * factor)
    return coarse.overlap(mosaics[0].grid.window)


def _covered(valid: NDArray[np.bool_], holes: float = 0.01) -> tuple[int, int, int, int]:
    """Rows [top, bottom), columns [left, right) whose borders are valid but for few holes."""
    top, left, (bottom, right) = 0, 0, valid.shape
    while top < bottom and left < right:
        missing = {
            "top": 1 - valid[top, left:right].mean(),
            "bottom": 1 - valid[bottom - 1, left:right].mean(),
            "left": 1 - valid[top:bottom, left].mean(),
            "right": 1 - valid[top:bottom, right - 1].mean(),
        }
        worst = max(missing, key=missing.__getitem__)
        if missing[worst] <= holes:
            return top, bottom, left, right
        top, bottom = top + (worst == "top"), bottom - (worst == "bottom")
        left, right = left + (worst == "left"), right - (worst == "right")
    raise InputError(
        "world.source: the dates share no ground without nodata; give dates of one place"
    )
