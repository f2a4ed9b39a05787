from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world import ArrayWorld, Capture, PixelGrid, World
from hinted_posenet.simulator.world.generated.generated_world import GeneratedWorld

SEASONS = {
    "spring": Season("2025-04-30"),
    "summer": Season("2025-07-10"),
    "autumn": Season("2025-10-16"),
    "winter": Season("2025-01-20"),
}


@pytest.fixture(scope="session")
def small_world() -> World:
    return GeneratedWorld(
        3, SEASONS, size_m=300, settlement_spacing_m=200, district_m=120, relief_m=20
    )


def dotted_world(x_m: float, y_m: float, surface_m: np.ndarray) -> World:
    """A black world of 200 x 200 m at 0.5 m with a soft white dot at (x_m, y_m)."""
    res = 0.5
    center = np.arange(400) * res + 0.5 * res - 100
    distance2 = (center[None, :] - x_m) ** 2 + (-center[:, None] - y_m) ** 2
    photo = np.repeat((255 * np.exp(-distance2 / 8)).astype(np.uint8)[..., None], 3, axis=2)
    return ArrayWorld(
        PixelGrid(-100, 100, res, 400, 400),
        {Capture("summer", "summer", "2025-07-01"): photo},
        surface_m.astype(np.float32),
        node_px=512 if len(surface_m) == 2 else 400 // (len(surface_m) - 1),
    )


def photo_of(world: World, capture: Capture) -> np.ndarray:
    """The whole orthophoto."""
    return world.photo(world.pixel_grid.window, capture)


def noise(rows: int, cols: int, bands: int = 3) -> np.ndarray:
    """Random bytes (rows, cols, bands), none of them 0."""
    return np.random.default_rng(0).integers(1, 255, (rows, cols, bands), dtype=np.uint8)


def write_geotiff(
    path: Path, rgb: np.ndarray, crs: str | None, west: float, north: float, res: float
):
    """(rows, cols, bands) uint8 -> GeoTIFF; crs None leaves the georeference out."""
    where = {} if crs is None else {"crs": crs, "transform": from_origin(west, north, res, res)}
    rows, cols, bands = rgb.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=cols, height=rows, count=bands, dtype="uint8", **where
    ) as file:
        file.write(rgb.transpose(2, 0, 1))
    return path
