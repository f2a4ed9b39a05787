"""Way points from a file: a path in WGS84, flown in equal steps."""

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rasterio.crs import CRS
from rasterio.warp import transform

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.camera import Camera, pose_at, sees_only
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.world.geotiff import enu_crs

COLUMNS = ["longitude_deg", "latitude_deg", "altitude_m"]
OPTIONAL = ["heading_deg", "gimbal_pitch_deg"]


class WayPoint(NamedTuple):
    """One point of the path."""

    where: str  # file and line or feature, for error messages
    longitude_deg: float
    latitude_deg: float
    altitude_m: float
    heading_deg: float | None = None  # None looks along the path
    gimbal_pitch_deg: float = 0.0


@dataclass(frozen=True)
class WayPointsPlan:
    """Straight lines between way points, with evenly spaced stations for the images.

    Headings take the shorter turn between way points.

    Args:
        file: CSV with the columns longitude_deg, latitude_deg, altitude_m and optionally
            heading_deg, gimbal_pitch_deg; or GeoJSON of Point features (those names as properties)
            or one LineString (the third coordinate is the altitude).
        tilt_deg: largest deviation of roll and of pitch from the planned one.
        above_ground: whether altitudes count from the terrain below; else from the world's z = 0.
    """

    file: str | Path
    tilt_deg: float = 0.0
    above_ground: bool = True
    sequential = True

    def poses(
        self, world: World, camera: Camera, count: int, generator: np.random.Generator
    ) -> list[Pose]:
        """See `Plan`."""
        if world.origin is None:
            raise InputError(
                f"{self.file}: way points need a world that knows its place on Earth; "
                "set the world's origin, or use another plan"
            )
        points = read_way_points(Path(self.file))
        longitudes, latitudes = zip(*(point[1:3] for point in points), strict=True)
        enu = enu_crs(world.origin)
        xy = np.transpose(transform(CRS.from_epsg(4326), enu, longitudes, latitudes))
        bounds = world.bounds
        for point, (x_m, y_m) in zip(points, xy, strict=True):
            if not (bounds.xmin < x_m < bounds.xmax and bounds.ymin < y_m < bounds.ymax):
                raise InputError(
                    f"{point.where}: lies outside of the world (east {x_m:.0f} m, north "
                    f"{y_m:.0f} m; the world is {', '.join(f'{b:.0f}' for b in bounds)}); move it"
                )
        legs_m = np.hypot(*np.diff(xy, axis=0).T)
        if not (legs_m > 0).all():
            number = int(np.argmin(legs_m)) + 1
            raise InputError(f"{points[number].where}: same place as the one before; remove one")
        along_m = np.concatenate([[0.0], legs_m.cumsum()])
        poses = []
        for s_m in np.linspace(0.0, along_m[-1], count):
            leg = min(int(np.searchsorted(along_m, s_m, side="right")) - 1, len(legs_m) - 1)
            share = (s_m - along_m[leg]) / legs_m[leg]
            start, end = points[leg], points[leg + 1]
            x_m, y_m = ((1 - share) * xy[leg] + share * xy[leg + 1]).tolist()
            z_m = (1 - share) * start.altitude_m + share * end.altitude_m
            z_m += world.terrain_at(x_m, y_m) if self.above_ground else 0.0
            course_deg = math.degrees(math.atan2(*(xy[leg + 1] - xy[leg])))
            headings = (point.heading_deg for point in (start, end))
            first, last = (course_deg if turn is None else turn for turn in headings)
            heading_deg = first + share * ((last - first + 180) % 360 - 180)
            gimbal_deg = (1 - share) * start.gimbal_pitch_deg + share * end.gimbal_pitch_deg
            pitch_deg, roll_deg = generator.uniform(-self.tilt_deg, self.tilt_deg, size=2)
            pose = pose_at((x_m, y_m, z_m), heading_deg, gimbal_deg + pitch_deg, roll_deg)
            if not sees_only(world, camera, pose):
                raise InputError(
                    f"{start.where}: the image {share * legs_m[leg]:.0f} m after it would show "
                    "ground outside of the world; move it inwards, lower its altitude_m or "
                    "gimbal_pitch_deg"
                )
            poses.append(pose)
        return poses


def read_way_points(path: Path) -> list[WayPoint]:
    """Read the way points of a CSV or GeoJSON file, at least two."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the path") from None
    points = _from_csv(path, text) if path.suffix.lower() == ".csv" else _from_geojson(path, text)
    if len(points) < 2:
        raise InputError(f"{path}: {len(points)} way points; give at least 2")
    return points


def _from_csv(path: Path, text: str) -> list[WayPoint]:
    reader = csv.DictReader(text.splitlines())
    columns = reader.fieldnames or []
    if not set(COLUMNS) <= set(columns) <= {*COLUMNS, *OPTIONAL}:
        raise InputError(
            f"{path} line 1: expected the columns {','.join(COLUMNS)}[,{','.join(OPTIONAL)}], "
            f"found {','.join(columns)}; correct the line"
        )
    return [_way_point(f"{path} line {reader.line_num}", row) for row in reader]


def _from_geojson(path: Path, text: str) -> list[WayPoint]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} line {error.lineno}: not valid JSON ({error.msg}); correct it"
        ) from None
    features = content.get("features", [content]) if isinstance(content, dict) else [content]
    points = []
    for number, feature in enumerate(features):
        where = f"{path} feature {number}"
        try:
            geometry, properties = feature.get("geometry", feature), feature.get("properties") or {}
            kind, place = geometry["type"], geometry["coordinates"]
            lines = {"Point": [place], "LineString": place}[kind]
            for vertex, coordinates in enumerate(lines):
                row = {**dict.fromkeys(COLUMNS), **properties}
                row |= dict(zip(COLUMNS, coordinates, strict=False))
                at = where if kind == "Point" else f"{where} vertex {vertex}"
                points.append(_way_point(at, row))
        except (AttributeError, KeyError, TypeError):
            raise InputError(
                f"{where}: expected a Point or LineString with coordinates [longitude, latitude, "
                "altitude_m]; correct it"
            ) from None
    return points


def _way_point(where: str, row: dict[str, Any]) -> WayPoint:
    try:
        numbers = [float(row[column]) for column in COLUMNS]
        optional = [float(v) if (v := row.get(key)) not in (None, "") else None for key in OPTIONAL]
    except (TypeError, ValueError):
        numbers, optional = [math.nan], [None, None]
    if not all(math.isfinite(n) for n in [*numbers, *(n for n in optional if n is not None)]):
        raise InputError(f"{where}: expected numbers for {', '.join(COLUMNS)}; correct the line")
    longitude, latitude, altitude = numbers
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise InputError(
            f"{where}: longitude {longitude}, latitude {latitude} is no place in WGS84 degrees; "
            "longitude comes first"
        )
    return WayPoint(where, longitude, latitude, altitude, optional[0], optional[1] or 0.0)
