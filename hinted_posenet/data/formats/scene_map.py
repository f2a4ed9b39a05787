"""The map of a scene of the data sets that have one: georeferenced files, and where the world of the views lies.

`MapFiles(found.photos, found.dem or None, origin=found.origin)` opens a map in the world of its scene's views.

Positions of the views, `read_views`, are metres east, north and up of ``SceneMap.origin``. UAV-VisLoc has
GeoTIFFs. AnyVisLoc and OrthoLoC have pixels in metres of their own, which are written as GeoTIFFs once, see
`simulator.world.local_raster`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.text import check_file, reading
from hinted_posenet.data.formats import anyvisloc, ortholoc, uav_visloc
from hinted_posenet.simulator.world import local_raster

DEM_BYTES = 1 << 36  # of heights, which are read strip by strip


class SceneMap(NamedTuple):
    """Files of a map, and the frame of the scene's world."""

    photos: tuple[Path, ...]  # all of one date
    dem: tuple[Path, ...]  # heights in metres in the scene's world; empty: the set has none
    origin: Origin
    on_earth: bool  # whether the origin is a place on Earth; otherwise a stand-in


def scene_map(folder: Path, out: Path, mode: str = "aerial", frame: str | None = None) -> SceneMap:
    """Return the map of the scene in a folder, and write into ``out`` what the set keeps in other files.

    ``mode`` is "aerial" or "satellite" (AnyVisLoc), ``frame`` the name of the view whose map is meant (OrthoLoC,
    where each has its own). What is in ``out`` already is not written again.

    Raises:
        InputError: The folder is no scene with a map, or its map is missing or damaged.
    """
    if uav_visloc.is_scene(folder):
        photos = tuple(uav_visloc.map_files(folder))
        return SceneMap(photos, (), uav_visloc.scene_origin(folder), True)
    if any((folder / marker).exists() for marker in anyvisloc.MARKERS):
        return _of_reference(anyvisloc.read_reference(folder, mode), out / f"{folder.name}-{mode}")
    if any((folder / marker).exists() for marker in ortholoc.MARKERS):
        if frame is None:
            raise InputError(f"{folder}: each frame has its own map; name one as frame=")
        return _of_sample(folder / Path(frame).with_suffix(".npz"), out / frame.replace("/", "-"))
    raise InputError(f"{folder}: no scene of a data set with a map; see docs/data.md")


def _of_reference(reference: anyvisloc.Reference, out: Path) -> SceneMap:
    photo, dem = out.with_name(f"{out.name}.tif"), out.with_name(f"{out.name}-dem.tif")
    if not photo.exists():
        local_raster.copy_photo(
            reference.photo, photo, reference.photo_corner_m, reference.photo_cell_m
        )
    if not dem.exists():
        heights = _heights(reference.heights)
        local_raster.write_array(dem, heights, reference.heights_corner_m, reference.heights_cell_m)
    return SceneMap((photo,), (dem,), local_raster.STAND_IN, False)


def _heights(path: Path) -> np.ndarray:
    """Open heights (H, W) of an .npy file without reading them."""
    check_file(path, DEM_BYTES, "fetch it again")
    try:
        with reading(path, "fetch it again"):
            heights = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: no array of heights ({text}); fetch it again") from None
    heights = np.asarray(heights[..., 0] if heights.ndim == 3 else heights)
    if heights.ndim != 2 or heights.dtype.kind not in "fiu" or not heights.size:
        raise InputError(
            f"{path}: {heights.dtype} of shape {heights.shape}, expected heights (H, W); fetch it again"
        )
    return heights


def _of_sample(path: Path, out: Path) -> SceneMap:
    stem = out.name.rpartition(".")[0] or out.name
    photo, dem = out.with_name(f"{stem}.tif"), out.with_name(f"{stem}-dem.tif")
    if not (photo.exists() and dem.exists()):
        found = ortholoc.sample_map(path)
        local_raster.write_array(photo, found.photo, found.corner_m, found.cell_m)
        local_raster.write_array(dem, found.height_m, found.corner_m, found.cell_m)
    return SceneMap((photo,), (dem,), local_raster.STAND_IN, False)
