"""The scene in plan view: its axes, where training images were taken, and a picture from above if there is one."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.decode import thumbnail
from hinted_posenet.data.formats.aerial import read_overview
from hinted_posenet.inference.locate import Localizer
from hinted_posenet.inference.map_localizer import MapLocalizer
from hinted_posenet.inference.map_marks import EAST_NORTH, plan_of
from hinted_posenet.inference.service_models import OriginOnEarth, Picture, Scene
from hinted_posenet.simulator.world import Bounds
from hinted_posenet.simulator.world.map_files import MapFiles

PICTURE_PX = 1536  # longer side
PICTURE_URL = "scene/picture.jpg"
MARGIN = 0.08  # of what is shown beside the training cameras
UP_M = 50.0  # above the ground, where the hint of a map begins
XYZ, ENU = ("x", "y", "z"), ("east", "north", "up")


class Drawn(NamedTuple):
    """A scene, and its picture as a JPEG file."""

    scene: Scene
    picture: bytes | None


class Photo(NamedTuple):
    """A picture from above."""

    pixels: NDArray[np.uint8]  # (H, W, 3) RGB
    bounds: Bounds


def drawn_scene(localizer: Localizer | MapLocalizer, max_mb: float) -> Drawn:
    """Return what a page needs to know of a localizer's scene."""
    if isinstance(localizer, MapLocalizer):
        name, positions_m = "map", None
        photo: Photo | None = photo_of_map(localizer.files)
        plane = EAST_NORTH
    else:
        name, positions_m = localizer.scene_folder.name, localizer.positions_m
        photo = photo_of_scene(localizer.scene_folder)
        plane = EAST_NORTH if photo or localizer.origin else plan_of(positions_m)
    center, _ = localizer.extent
    (third,) = {0, 1, 2} - {*plane}
    names = ENU if localizer.origin else XYZ
    # of a map it is a height above ground, which has no usual value
    third_m = UP_M if positions_m is None else float(positions_m[:, third].quantile(0.5))
    bounds = photo.bounds if photo else bounds_around(positions_m, center, plane)
    origin = localizer.origin
    scene = Scene(
        name=name,
        takes_hints=localizer.takes_hints,
        needs_hint=isinstance(localizer, MapLocalizer),
        has_ground=isinstance(localizer, MapLocalizer),
        plane=plane,
        axes=(names[plane[0]], names[plane[1]], names[third]),
        bounds_m=bounds,
        cameras_m=[] if positions_m is None else positions_m[:, plane].tolist(),
        third_m=third_m,
        picture=Picture(url=PICTURE_URL, bounds_m=photo.bounds) if photo else None,
        origin=None
        if origin is None
        else OriginOnEarth(
            latitude=origin.latitude_deg,
            longitude=origin.longitude_deg,
            altitude=origin.altitude_m,
            altitude_above=origin.vertical,
        ),
        max_mb=max_mb,
    )
    return Drawn(scene, _jpeg(photo.pixels) if photo else None)


def bounds_around(positions_m: Tensor | None, center: Tensor, plane: tuple[int, int]) -> Bounds:
    """Return what of the plan is shown, with a margin around positions (N, 3)."""
    shown = (center[None] if positions_m is None else positions_m)[:, plane].double().numpy()
    low, high = shown.min(0), shown.max(0)
    margin = MARGIN * float((high - low).max()) or 1.0
    return Bounds(*(low - margin).tolist(), *(high + margin).tolist())


def photo_of_scene(folder: Path) -> Photo | None:
    """Return the overview of a data set; None where it has none, or the set is not on this machine."""
    try:
        overview = read_overview(folder)
    except InputError:
        return None
    pixels = thumbnail(Path(overview["image"]), PICTURE_PX) if overview else None
    if overview is None or pixels is None:
        return None
    return Photo(pixels, Bounds(*(float(edge) for edge in overview["bounds_m"])))


def photo_of_map(files: MapFiles) -> Photo:
    """Return all of a map, its last date, white where it shows nothing."""
    bounds = files.bounds
    side_m = max(bounds.width_m, bounds.height_m)
    cells = max(1, min(PICTURE_PX, round(side_m / files.resolution_m)))
    part = files.part(bounds.center_m, cells, side_m / cells)
    pixels = np.where(part.known[-1, ..., None], part.photo[-1], 255).astype(np.uint8)
    return Photo(pixels, Bounds.around(*bounds.center_m, side_m / 2))


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
