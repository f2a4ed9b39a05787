"""Ground and heights from files, in the coordinates that networks count in."""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin, converted_altitude
from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.simulator.world.heights import HeightSource
from hinted_posenet.simulator.world.pixel_grid import Bounds, PixelGrid

if TYPE_CHECKING:  # it needs an extra, which a mosaic over level ground does not
    from hinted_posenet.simulator.world.map_files import MapFiles


class Frame(NamedTuple):
    """Where coordinates that networks count in lie."""

    origin: Origin | None  # of the world; None: its place on Earth is not known
    offset_m: Tensor  # (3,) float64, the place in the world that is counted from


class FilesGround:
    """A map from files, read part by part; see `ground.Ground`.

    Args:
        files: in the frame's world, but for the heights.
        frame: that patches are in.
        altitude_m: that is z = 0 of the world, as the files count heights.
    """

    def __init__(self, files: "MapFiles", frame: Frame, altitude_m: float):
        self._files, self._altitude_m = files, altitude_m
        self._east_m, self._north_m, self._up_m = frame.offset_m.tolist()
        self.resolution_m = files.resolution_m

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of the photos."""
        return self._files.dates

    @property
    def bounds(self) -> Bounds:
        """Extent of all photos, in the world."""
        return self._files.bounds

    def patch(self, center_m: tuple[float, float], cells: int, cell_m: float) -> GroundPatch:
        """Read the patch (1,) around a place."""
        place_m = center_m[0] + self._east_m, center_m[1] + self._north_m
        photo, known, height_m = self._files.part(place_m, cells, cell_m)
        return GroundPatch(
            torch.from_numpy(photo).permute(0, 3, 1, 2).unsqueeze(0),
            torch.from_numpy(known).unsqueeze(0),
            torch.from_numpy(height_m - self._altitude_m - self._up_m).float().unsqueeze(0),
            torch.tensor([center_m], dtype=torch.float64),
            torch.tensor([cell_m]),
        )


class Surface(NamedTuple):
    """Heights, in the coordinates that networks count in."""

    heights: HeightSource
    frame: Frame
    altitude_m: float  # that is z = 0 of the world, as the heights are counted

    def on(self, bounds: Bounds, rows: int, cols: int) -> Tensor:
        """Return z (rows, cols) float32 at the centers of square cells within bounds."""
        east_m, north_m, up_m = self.frame.offset_m.tolist()
        size_m = bounds.width_m / cols
        grid = PixelGrid(bounds.xmin + east_m, bounds.ymax + north_m, size_m, rows, cols)
        height_m, _ = self.heights.part(grid)
        return torch.from_numpy(height_m - self.altitude_m - up_m).float()


def zero_altitude_m(frame: Frame, vertical: str) -> float:
    """Return the altitude of z = 0 of a world, above what a map's heights count from (one of `VERTICALS`).

    Where one of the two does not say what its altitudes are above, they are taken for the same.

    Raises:
        InputError: They differ, and there is no grid of the geoid.
    """
    origin = frame.origin
    if origin is None:
        return 0.0
    if vertical == origin.vertical or "unknown" in (vertical, origin.vertical):
        return float(origin.altitude_m)
    place = origin.altitude_m, origin.latitude_deg, origin.longitude_deg
    try:
        return float(converted_altitude(*place, origin.vertical, vertical))
    except InputError as error:
        raise InputError(f"refine.dem: {error}") from None
