"""Registration to the map of a place: a mosaic of training images or georeferenced files, and the network.

The network is trained on the place (`training.registration`), or comes with its weights.
"""

from collections.abc import Mapping
from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated, Any, Protocol, Self

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.offset import NO_OFFSET
from hinted_posenet.core.tensor_files import read_tensors
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.retrieval_database import evenly_spaced
from hinted_posenet.models.registration.camera_prior import CameraPrior
from hinted_posenet.models.registration.ground import Ground
from hinted_posenet.models.registration.ground_registration import (
    CANVAS,
    LEVEL_CELLS,
    GroundRegistration,
    Registered,
    take_surroundings,
)
from hinted_posenet.models.registration.map_ground import (
    FilesGround,
    Frame,
    Surface,
    zero_altitude_m,
)
from hinted_posenet.models.registration.mosaic import Footage, Mosaic
from hinted_posenet.models.registration.search import Views
from hinted_posenet.simulator.world.heights import LevelGround
from hinted_posenet.simulator.world.pixel_grid import Bounds

WEIGHTS = "weights/any_place.pt"  # in this package
RELEASED = "released"
MOST_CAMERAS = 200  # of the training set, that are measured

# A file, a folder or a list, or a mapping date -> any of these
MapSource = str | list[str] | dict[str, str | list[str]]


class PlaceGround(Ground, Protocol):
    """Ground that ends somewhere."""

    @property
    def bounds(self) -> Bounds:
        """Extent of all photos."""


class MapRegistration(nn.Module):
    """A network that registers images to a map, the map, and what is known of the cameras over it.

    It computes on the CPU, wherever the rest of a localizer is.

    Args:
        map: georeferenced photos, see `MapFiles`; None is a mosaic of the training images, a photo for each date.
        dem: rasters of heights; None is level ground.
        dem_above: what these heights are above: ellipsoid or geoid; None takes it from the files.
        ground_m: z of level ground; None is what the training images say of their heights above ground, or 0.
        cell_m: size of a mosaic's cells; None is that of the images' pixels.
        held_out_dates: dates of the map that are not used.
        own_date: whether an evaluation may hold an image against the photo of its own date.
        weights: released (trained on generated worlds), None (random), or a path.
        steps: of training on the place; 0 takes the network as it is.
    """

    def __init__(
        self,
        map: MapSource | None = None,  # the name of its key
        dem: str | list[str] | None = None,
        dem_above: str | None = None,
        ground_m: float | None = None,
        cell_m: Annotated[float, Gt(0)] | None = None,
        held_out_dates: list[str] | None = None,
        own_date: bool = True,
        weights: str | None = None,
        steps: Annotated[int, Ge(0)] = 60,
    ):
        super().__init__()
        if held_out_dates and map is None:
            raise InputError(
                "refine.held_out_dates: are dates of files, refine.map=FILES; data.exclude leaves training images "
                "out, which a mosaic is made of"
            )
        self.source, self.dem, self.dem_above = map, dem, dem_above
        self.ground_m, self.cell_m = ground_m, cell_m
        self.held_out_dates, self.own_date = tuple(held_out_dates or ()), own_date
        self.steps = steps
        self.network = GroundRegistration()
        self.network.requires_grad_(False)  # training a localizer's other parts leaves it alone
        if weights is not None:
            load_network(self.network, weights)
        self.mosaic, self.cameras = Mosaic(), CameraPrior()
        self.register_buffer("train_s", torch.zeros(()))  # that training on the place took
        self.register_buffer("level_m", torch.zeros(()))  # z of level ground in the world
        self._frame = Frame(None, NO_OFFSET)
        # in a tuple, since torch would make ground that is a module a part of this one
        self._opened: tuple[PlaceGround, ...] = ()

    train_s: Tensor
    level_m: Tensor

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Stay on the CPU: patches are read from files or from a large mosaic, a few at a time."""
        return self

    @property
    def ground(self) -> PlaceGround | None:
        """The map; None before there is one."""
        return self._opened[0] if self._opened else None

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of its photos."""
        return self.ground.dates if self.ground else ()

    def open(self, frame: Frame) -> None:
        """Open the files of the map, in the frame that a network counts in, or take the mosaic that is there.

        Raises:
            InputError: A file is gone or cannot be used, or the world has no place on Earth.
        """
        self._frame = frame
        if self.source is None:
            ground = self.mosaic.ground
            self._opened = () if ground is None else (ground,)
            if self.dem is not None:
                self._surface()  # finds mistakes early
            return
        if frame.origin is None:
            raise InputError(
                f"refine.map={self.source}: the scene has no place on Earth, so that no map fits it; state its "
                "georeference (docs/priors.md), or use refine.map=null"
            )
        from hinted_posenet.simulator.world.map_files import MapFiles

        try:
            files = MapFiles(
                self.source,
                self.dem,
                self.dem_above,
                float(self.level_m) if self.ground_m is None else self.ground_m,
                frame.origin._replace(altitude_m=0.0),
                self.held_out_dates,
            )
        except InputError as error:
            raise InputError(f"refine.map: {error}") from None
        zero_m = 0.0 if self.dem is None else zero_altitude_m(frame, files.origin.vertical)
        self._opened = (FilesGround(files, frame, zero_m),)

    def fit(self, footage: Footage, above_m: Tensor | None) -> None:
        """Make the mosaic if there are no files, and measure the cameras.

        ``above_m`` (N,) are heights above ground where the data state them.
        """
        t = footage.pose.t
        if self.ground_m is not None:
            self.level_m.fill_(self.ground_m)
        elif above_m is not None:
            up_m = float(self._frame.offset_m[2])
            self.level_m.fill_(round(float((t[:, 2] - above_m).quantile(0.5)), 2) + up_m)
        if self.source is None:
            self.mosaic.fit(footage, self._surface(), self.cell_m)
        if self.source is None or self.dem is None:  # whose ground is known only now
            self.open(self._frame)
        rows = evenly_spaced(len(t), MOST_CAMERAS)
        level_m = torch.tensor([self.level_at((x, y)) for x, y in t[rows, :2].tolist()])
        self.cameras.fit(Pose(t[rows], footage.pose.q[rows]), t[rows, 2] - level_m)

    def level_at(self, place_m: tuple[float, float]) -> float:
        """Return the mean height of the ground around a place."""
        assert self.ground is not None
        patch = self.ground.patch(place_m, LEVEL_CELLS, self.ground.resolution_m)
        return float(patch.height_m.mean())

    def prior_of(self, hint: Hint) -> Hint:
        """Complete a hint () by what is known of the cameras, float64."""
        return self.cameras.completed(hint, self.level_at)

    def usual_cell_m(self, focal_px: float, size: tuple[int, int]) -> float:
        """Return the cells in which images of a size are compared, taken from the usual height."""
        assert self.ground is not None
        across_m = max(size) * float(self.cameras.above_m) / focal_px
        return max(self.ground.resolution_m, across_m / CANVAS)

    @torch.no_grad()
    def locate(self, views: Views, prior: Hint, allowed: Tensor | None = None) -> Registered:
        """Register images (1, 3, H, W) with priors (1,), known in all parts; ``allowed`` (D,) are photos."""
        assert self.ground is not None
        around = take_surroundings(self.ground, views, prior)
        known = around.patch.known.flatten(2).any(dim=2)
        allowed = known if allowed is None else known & allowed
        registered: Registered = self.network(views, prior, around, allowed)
        return registered

    def photo_of(self, date: str) -> int | None:
        """Return the number of the photo of a date, None if there is none."""
        return self.dates.index(date) if date in self.dates else None

    def check(self) -> None:
        """Refuse a map that does not fit together, as a checkpoint's may not.

        Raises:
            InputError: It does not.
        """
        self.mosaic.check()
        if self.source is not None and len(self.mosaic.photo):
            raise InputError("it has a mosaic beside the files of its map")
        if not self.cameras.check() or not bool(self.level_m.isfinite()):
            raise InputError("what it knows of the cameras is not finite")

    def about(self) -> dict[str, Any]:
        """Return what results say about the map."""
        ground = self.ground
        if ground is None:
            return {}
        is_mosaic = self.source is None
        return {
            "map": "mosaic of training images" if is_mosaic else self.source,
            "dem": self.dem,
            "dates": list(ground.dates),
            "held_out_dates": list(self.held_out_dates),
            "own_date": self.own_date,
            "size_m": [round(ground.bounds.width_m, 1), round(ground.bounds.height_m, 1)],
            "cell_m": round(ground.resolution_m, 4),
            "build_s": round(float(self.mosaic.build_s), 1),
            "train_s": round(float(self.train_s), 1),
            "steps": self.steps,
        }

    def _surface(self) -> Surface:
        """Return the heights that a mosaic lies on."""
        frame = self._frame
        if self.dem is None:
            return Surface(LevelGround(float(self.level_m)), frame, 0.0)
        if frame.origin is None:
            raise InputError(
                "refine.dem: the scene has no place on Earth; state its georeference (docs/priors.md)"
            )
        from hinted_posenet.simulator.world import map_heights
        from hinted_posenet.simulator.world.geotiff import enu_crs
        from hinted_posenet.simulator.world.map_photos import map_files

        paths = map_files(self.dem, "refine.dem")
        vertical = map_heights.vertical_of(paths, self.dem_above)
        heights = map_heights.DemFiles(paths, enu_crs(frame.origin))
        return Surface(heights, frame, zero_altitude_m(frame, vertical))


def load_network(network: GroundRegistration, weights: str, key: str = "refine.weights") -> None:
    """Load the weights of a network: released, or a path; errors name ``key``.

    Raises:
        InputError: There are none, or they are those of another network.
    """
    path = Path(weights)
    if weights == RELEASED:
        path = Path(str(package_files("hinted_posenet.models.registration"))) / WEIGHTS
    state = read_tensors(path, f"{key}: choose released, or another path")
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    fits = isinstance(state, Mapping) and wanted == {
        name: value.shape if isinstance(value, Tensor) else None for name, value in state.items()
    }
    if not fits or not all(value.isfinite().all() for value in state.values()):
        raise InputError(
            f"{key}={weights}: weights of another network; choose released, or another path"
        )
    network.load_state_dict(state)


def one(hint: Hint, row: int) -> Hint:
    """Return one of hints (B,), float64 on the CPU."""
    pose = Pose(*(part[row].double().cpu() for part in hint.pose))
    return Hint(pose, hint.covariance[row].double().cpu())
