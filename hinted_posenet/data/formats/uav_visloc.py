"""UAV-VisLoc: flights of fixed-wing drones over China, each with a satellite map of its region.

Layout::

    <root>/satellite_ coordinates_range.csv   mapname,LT_lat_map,LT_lon_map,RB_lat_map,RB_lon_map,region; the
                                              published name has the space, many copies have not
    <root>/<scene>/<scene>.csv                num,filename,date,lat,lon,height,Omega,Kappa,Phi1,Phi2
    <root>/<scene>/drone/<filename>           03_0001.JPG
    <root>/<scene>/satellite<scene>.tif       GeoTIFF in degrees; of flight 09, satellite09_01-01.tif ... in four
    <root>/<scene>/train.txt, ...             file names of images, see `listed`; the set has no split

A scene is a flight, "01" to "11". Its world is east, north, up in metres around the middle of its map, see
`scene_origin`. What the set states of a frame is the drone's log: a place, a height above it does not say what,
the heading Phi1 (clockwise from north), the pitch Omega and the roll Kappa of the aircraft in degrees, whose
camera looks down with the top of the image towards the nose. It is taken as the label, so that there is no
prior beside it; labels are 24 to 48 m off the images, see the card. No camera is published: K is square pixels,
the principal point in the middle and ``focal_px``.
"""

import datetime
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin, camera_rotation
from hinted_posenet.core.geometry import quaternion_product
from hinted_posenet.core.text import check_row, read_table
from hinted_posenet.core.types import Fault, Pose, View
from hinted_posenet.data.cameras import Lens, check_focal, intrinsics
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.listed import listed
from hinted_posenet.data.formats.notes import note
from hinted_posenet.data.poses import ValidatedPose, numbers
from hinted_posenet.simulator.world.world import season_of

CARD = "datasets/uav_visloc/README.md"
FLIGHTS = tuple(f"{number:02d}" for number in range(1, 100))
MARKERS = tuple(f"{flight}.csv" for flight in FLIGHTS)
IMAGES = "drone"
RANGES = ("satellite_ coordinates_range.csv", "satellite_coordinates_range.csv")
PLACE = ("lat", "lon", "height")
ANGLES = ("Phi1", "Omega", "Kappa")  # heading, pitch, roll
CORNERS = ("LT_lat_map", "LT_lon_map", "RB_lat_map", "RB_lon_map")
MARGIN_DEG = 0.05  # about 5 km, by which a flight may leave its map
FOCAL_OF_WIDTH = 1.0  # estimates of its users are 0.97 to 1.05 of the image's width
Q_FORWARD_DOWN = (0.5**0.5, -(0.5**0.5), 0.0, 0.0)  # from a camera in the nose to one in the belly


class MapRange(NamedTuple):
    """Where the satellite map of a flight lies, in degrees."""

    south: float
    west: float
    north: float
    east: float
    region: str

    @property
    def origin(self) -> Origin:
        """The middle of the map; what heights are above is not known."""
        return Origin((self.west + self.east) / 2, (self.south + self.north) / 2)


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    focal_px: float | None = None,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Read the views of one split of a flight, see `ReadViews`; "all" has them in the order of the table.

    ``focal_px`` is the focal length in pixels of the images as stored; None takes the width of the image.
    """
    layout.check_split(split, "all")
    check_focal(focal_px)
    folder = layout.scene_folder(root, scene, MARKERS[0], CARD, *MARKERS[1:])
    place = map_range(folder)
    rows = _read_rows(folder / f"{folder.name}.csv", faults)
    size_of = layout.folder_sizes(None)
    if focal_px is None:
        note(
            f"{folder}: publishes no camera, so that the focal length is taken to be the width of its images; "
            "state data.reader.focal_px if you know it"
        )
    started = min((row["date"] for _, row in rows.values()), default="")
    views = []
    for name, (where, row) in listed(folder, split, rows, faults):
        with layout.collecting(faults, name):
            layout.check_name(name, where)
            image = folder / IMAGES / name
            size = size_of(image)
            if size is None:
                raise InputError(f"{where}: {image} is missing or unreadable; fetch it, see {CARD}")
            width, height = size
            focal = focal_px or FOCAL_OF_WIDTH * width
            lens = Lens(intrinsics(focal, focal, width / 2, height / 2), ())
            stated = ValidatedPose(_pose(row, where, place), 0.0)
            view = layout.labelled_view(name, image, stated, lens, where, folder.name, size)
            views.append(
                view._replace(tags=_tags(row["date"], place), time_s=_seconds(started, row["date"]))
            )
    return views


def is_scene(folder: Path) -> bool:
    """Return whether a folder is a flight."""
    return (folder / f"{folder.name}.csv").is_file() and (folder / IMAGES).is_dir()


def scene_origin(folder: Path) -> Origin:
    """Return where the world of the flight in a folder lies on Earth."""
    return map_range(folder).origin


def map_files(folder: Path) -> list[Path]:
    """Return the GeoTIFFs of the map of the flight in a folder; the set has no heights.

    Raises:
        InputError: There is none.
    """
    found = sorted(folder.glob("satellite*.tif"))
    if not found:
        raise InputError(f"{folder}: no satellite{folder.name}.tif; fetch it, see {CARD}")
    return found


def map_range(folder: Path) -> MapRange:
    """Read where the map of the flight in a folder lies.

    Raises:
        InputError: The table is missing, has no line of the flight, or places it nowhere on Earth.
    """
    path = next((folder.parent / name for name in RANGES if (folder.parent / name).exists()), None)
    if path is None:
        raise InputError(f"{folder.parent / RANGES[0]}: missing; fetch it, see {CARD}")
    columns, rows = read_table(path, f"see {CARD}")
    _check_columns(columns, ("mapname", *CORNERS), path)
    for where, row in rows:
        check_row(row, where)
        number = re.search(r"\d+", row["mapname"])
        if number is None or number[0].lstrip("0") != folder.name.lstrip("0"):
            continue
        top, left, bottom, right = numbers([row[key] for key in CORNERS], where).tolist()
        if not (-90 < bottom < top < 90 and -180 <= left < right <= 180):
            raise InputError(
                f"{where}: the map reaches from {top:g}, {left:g} to {bottom:g}, {right:g}, expected latitude and "
                "longitude of its left top and right bottom corner; correct the line"
            )
        return MapRange(bottom, left, top, right, row.get("region", ""))
    raise InputError(f"{path}: has no line of satellite{folder.name}.tif; add it, see {CARD}")


def _read_rows(path: Path, faults: list[Fault] | None) -> dict[str, tuple[str, dict[str, str]]]:
    """Read name -> (file and line, row) of the table of a flight."""
    columns, rows = read_table(path, f"see {CARD}")
    _check_columns(columns, ("filename", "date", *PLACE, *ANGLES), path)
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for where, row in rows:
        name = (row.get("filename") or "").strip()
        with layout.collecting(faults, name or where):
            check_row(row, where)
            layout.check_new(name, found, where)
            found[name] = where, row
    return found


def _check_columns(columns: Sequence[str], needed: Sequence[str], path: Path) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        why = "; flight 07 is published without angles" if set(missing) <= set(ANGLES) else ""
        raise InputError(
            f"{path} line 1: no column {', '.join(missing)}, found {','.join(columns)}{why}; fetch the table "
            f"again, see {CARD}"
        )


def _pose(row: dict[str, str], where: str, place: MapRange) -> Pose:
    """Return T_world_cam of a row: a camera in the belly of an aircraft."""
    latitude, longitude, height_m = numbers([row[key] for key in PLACE], where).tolist()
    inside = place.south - MARGIN_DEG <= latitude <= place.north + MARGIN_DEG
    if not (inside and place.west - MARGIN_DEG <= longitude <= place.east + MARGIN_DEG):
        raise InputError(
            f"{where}: lat {latitude:g}, lon {longitude:g} is outside of the map, {place.south:g} to "
            f"{place.north:g} and {place.west:g} to {place.east:g}; correct or exclude the frame"
        )
    heading_deg, pitch_deg, roll_deg = numbers([row[key] for key in ANGLES], where).tolist()
    q_forward = camera_rotation(heading_deg, pitch_deg, roll_deg)
    down = torch.tensor(Q_FORWARD_DOWN, dtype=torch.float64)
    t = place.origin.to_world(latitude, longitude, height_m)
    return Pose(t, quaternion_product(q_forward, down))


def _tags(date: str, place: MapRange) -> dict[str, str]:
    day = date.strip()[:10].replace("/", "-")
    tags = {"place": place.region.strip()} if place.region.strip() else {}
    try:
        day = datetime.date.fromisoformat(day).isoformat()
    except ValueError:  # a date is no part of the label
        return tags
    return {**tags, "date": day, "season": season_of(day)}


def _seconds(started: str, date: str) -> float | None:
    """Return the time of a frame since the first; None if one of them is no time."""
    try:
        first, this = (datetime.datetime.fromisoformat(text.strip()) for text in (started, date))
        seconds = (this - first).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
