"""Locate a drone's photos over a map, without training: the Python twin of ``hinted-posenet locate``.

    python examples/locate_over_map.py [--make FOLDER]

The map is an orthophoto of July with heights, the photos are of September, a GPS is off by some 25 m, and the
compass by some 5 degrees. All of it lies in examples/flight_over_map and was rendered from a generated world;
``--make`` renders it again.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image
from pyproj.crs import CompoundCRS
from rasterio.transform import from_origin
from torch import Tensor

import hinted_posenet as hp
from hinted_posenet.core.errors import one_line_errors
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import PixelGrid, World
from hinted_posenet.simulator.world.generated.generated_world import GeneratedWorld

FOLDER = Path(__file__).parent / "flight_over_map"
SEASONS = {"map": Season("2024-07-10"), "flight": Season("2025-09-20", solar_hour=14.0)}
CAMERA = Camera(360, 270, focal_px=300.0)
LENS: dict[int, float] = {  # as EXIF states it: 3 mm, and a sensor of 100 pixels per mm
    ExifTags.Base.FocalLength: CAMERA.focal_px / 100,
    ExifTags.Base.FocalPlaneXResolution: 100.0,
    ExifTags.Base.FocalPlaneResolutionUnit: 4,
}
POSES = {  # east, north and height above ground in metres; heading, pitch and roll in degrees
    "a.jpg": (-120.0, 60.0, 150.0, 35.0, -88.0, 1.0),
    "b.jpg": (70.0, 110.0, 165.0, 120.0, -91.0, -2.0),
    "c.jpg": (110.0, -90.0, 140.0, 250.0, -86.0, 0.5),
}
GPS_SIGMA_M, ALTITUDE_SIGMA_M, HEADING_SIGMA_DEG, TILT_SIGMA_DEG = 25.0, 5.0, 5.0, 2.0
SIGMAS = GPS_SIGMA_M, ALTITUDE_SIGMA_M, HEADING_SIGMA_DEG


def main() -> None:
    """Locate the photos, and print how far prior and answer are from the truth."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="render the sample again")
    folder = parser.parse_args().make
    with one_line_errors():
        if folder is not None:
            make(folder)
        locate(folder or FOLDER)


def locate(folder: Path) -> None:
    """Ask for the pose of each photo with its prior."""
    world_map = hp.open_map(folder / "ortho_2024-07-10.tif", dem=folder / "dem.tif")
    truth = {row["name"]: place_of(row, world_map.origin) for row in rows(folder / "truth.csv")}
    for row in rows(folder / "priors.csv"):
        place = place_of(row, world_map.origin)
        looks_down = hp.Pose.from_angles(place, float(row["heading_deg"]), pitch_deg=-90)
        prior = hp.Hint.from_pose(
            looks_down,
            sigma_m=[GPS_SIGMA_M, ALTITUDE_SIGMA_M],
            sigma_deg=[TILT_SIGMA_DEG, HEADING_SIGMA_DEG],
        )
        found = world_map.locate(folder / "photos" / row["name"], hint=prior)
        answer_m, prior_m = (
            float((t - truth[row["name"]])[:2].norm()) for t in (found.pose.t, place)
        )
        latitude, longitude, altitude = found.latitude_longitude_altitude or (0.0, 0.0, 0.0)
        print(
            f"{row['name']}: {latitude:.6f} {longitude:.6f}, altitude {altitude:.1f} m, heading "
            f"{found.heading_deg:.1f} degrees, {found.status}; off by {answer_m:.1f} m, the GPS by {prior_m:.1f} m"
        )


def place_of(row: dict[str, str], origin: hp.Origin) -> Tensor:
    """Return the position (3,) in the world of an origin that a row states; altitudes are above the geoid."""
    latitude, longitude, altitude = (
        float(row[key]) for key in ("latitude", "longitude", "altitude")
    )
    return origin.to_world(latitude, longitude, altitude, "geoid")


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def make(folder: Path) -> None:
    """Write the map, the photos, their priors and the truth."""
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    world = GeneratedWorld(
        3, SEASONS, size_m=720, settlement_spacing_m=400, relief_m=30, resolution_m=1.0, node_m=2.0
    )
    write_map(folder, world)
    renderer, noise = Renderer(world, CAMERA), np.random.default_rng(1)
    truth, priors = [], []
    for name, (east, north, height, *angles) in POSES.items():
        position = np.array([east, north, world.terrain_at(east, north) + height])
        image = renderer.render(hp.Pose.from_angles(position, *angles), world.captures[1]).rgb
        photo = Image.fromarray(image)
        exif = photo.getexif()
        exif.get_ifd(ExifTags.IFD.Exif).update(LENS)
        photo.save(folder / "photos" / name, quality=85, exif=exif)
        off_m = noise.normal(size=3) * [GPS_SIGMA_M, GPS_SIGMA_M, ALTITUDE_SIGMA_M]
        heading = angles[0] + HEADING_SIGMA_DEG * noise.normal()
        truth.append((name, *on_earth(world, position), *angles))
        place, above = on_earth(world, position + off_m), "geoid"
        priors.append((name, *place, above, round(heading, 1), *SIGMAS))
    place_columns = ["name", "latitude", "longitude", "altitude"]
    angle_columns = ["heading_deg", "pitch_deg", "roll_deg"]
    sigma_columns = ["sigma_horizontal_m", "sigma_vertical_m", "sigma_heading_deg"]
    write_rows(folder / "truth.csv", [*place_columns, *angle_columns], truth)
    columns = [*place_columns, "altitude_above", "heading_deg", *sigma_columns]
    write_rows(folder / "priors.csv", columns, priors)


def on_earth(world: World, position_m: NDArray[np.float64]) -> list[float]:
    """Return latitude, longitude and altitude of a position (3,)."""
    assert world.origin is not None
    latitude, longitude, altitude = world.origin.to_geographic(torch.from_numpy(position_m))
    return [round(latitude.item(), 7), round(longitude.item(), 7), round(altitude.item(), 2)]


def write_map(folder: Path, world: World) -> None:
    """Write orthophoto and heights of the surface as GeoTIFFs in the plane of the world."""
    grid, origin = world.pixel_grid, world.origin
    assert origin is not None
    plane = pyproj.CRS.from_proj4(origin.projection)
    photo = world.photo(grid.window, world.captures[0]).transpose(2, 0, 1)
    jpeg = {"compress": "jpeg", "jpeg_quality": 75, "photometric": "ycbcr", "tiled": True}
    write_tiff(folder / "ortho_2024-07-10.tif", photo, plane, grid, 1.0, jpeg)
    # every second node, from the corner on, to 0.25 m, so that the file is small
    heights = np.rint(world.surface(grid.window)[None, :-1:2, :-1:2] * 4) / 4
    above_geoid = CompoundCRS("plane and geoid", [plane, pyproj.CRS.from_epsg(5773)])
    step_m = 2 * world.node_px * grid.resolution_m
    corner = grid._replace(xmin=grid.xmin - step_m / 2, ymax=grid.ymax + step_m / 2)
    packed = {"compress": "deflate", "predictor": 3}
    write_tiff(folder / "dem.tif", heights, above_geoid, corner, step_m, packed)


def write_tiff(
    path: Path,
    bands: NDArray[np.generic],
    crs: pyproj.CRS,
    grid: PixelGrid,
    step_m: float,
    options: dict[str, Any],
) -> None:
    """Write bands (n, rows, cols) from the north-western corner of a grid on."""
    count, height, width = bands.shape
    place = {"crs": crs.to_wkt(), "transform": from_origin(grid.xmin, grid.ymax, step_m, step_m)}
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place, **options) as file:
        file.write(bands)


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
