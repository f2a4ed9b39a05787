"""Ground from georeferenced files, which is read patch by patch, however large the map is."""

import torch

from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.simulator.world.map_files import MapFiles


class FileGround:
    """The photos and heights of a map on disk, see `Ground`."""

    def __init__(self, files: MapFiles) -> None:
        self.files = files
        self.resolution_m = files.resolution_m

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of the photos."""
        return self.files.dates

    def patch(self, center_m: tuple[float, float], cells: int, cell_m: float) -> GroundPatch:
        """See `Ground`."""
        photo, known, height_m = self.files.part(center_m, cells, cell_m)
        return GroundPatch(
            torch.from_numpy(photo).permute(0, 3, 1, 2).unsqueeze(0),
            torch.from_numpy(known).unsqueeze(0),
            torch.from_numpy(height_m).unsqueeze(0),
            torch.tensor([center_m], dtype=torch.float64),
            torch.tensor([cell_m]),
        )
