"""Aerial data sets as the simulator writes them, see `hinted_posenet.simulator.aerial_layout`.

Layout::

    <root>/<scene>/manifest.json   {"format": "hinted_posenet aerial", "version": 2, "scene": ...,
                                    "camera": {"width", "height", "fx", "fy", "cx", "cy",
                                               "distortion": [] or [k1, k2, p1, p2, k3]},
                                    "counts": {"train": n, "val": n, "test": n},
                                    "altitude_m": [above the ground, one per row of frames.csv], ...}
    <root>/<scene>/frames.csv      one row per frame: name, split, flight, season, date, solar_hour, time_s,
                                   T_cam_world_*, prior_T_cam_world_*, prior_sigma_t_m,
                                   prior_sigma_r_deg (empty where there is no prior)
    <root>/<scene>/images/<flight>/<index:06d>.jpg      a frame's name is <flight>/<index:06d>.jpg
    <root>/<scene>/depth/<flight>/<index:06d>.png       where the manifest has "depth": {"folder", "unit_m"}

World: east, north, up in metres. Flights are the sequences; season, date and, where known,
solar hour are the tags.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import check_row, read_table, whole_number
from hinted_posenet.core.types import DepthImage, Fault, Hint, View
from hinted_posenet.data.cameras import CSV_PINHOLE, DISTORTION, Lens, parse_csv_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.poses import check_fields, numbers, parse_csv_pose
from hinted_posenet.data.priors.check import impossible
from hinted_posenet.simulator.aerial_layout import COLUMNS, POSE_COLUMNS, PRIOR_COLUMNS

CARD = "datasets/aerial/README.md"
FORMAT, VERSION = "hinted_posenet aerial", 2


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, in the order of the table, see `ReadViews`."""
    layout.check_split(split)
    folder = layout.scene_folder(root, scene, "manifest.json", CARD)
    manifest = read_manifest(folder / "manifest.json")
    rows = _read_rows(folder / "frames.csv")
    found = Counter(row["split"] for _, row in rows)
    for name in layout.SPLITS:
        if manifest["counts"][name] != found[name]:
            raise InputError(
                f"{scene}: manifest.json says {manifest['counts'][name]} {name} frames, "
                f"frames.csv has {found[name]}; simulate the scene again, see {CARD}"
            )
    lens, size = _camera(manifest["camera"], f"{folder / 'manifest.json'} camera")
    depth, unit_m = None, 0.0
    if stated_depth := manifest.get("depth"):
        depth, unit_m = folder / stated_depth["folder"], float(stated_depth["unit_m"])
    altitudes_m = manifest.get("altitude_m") or [None] * len(rows)  # earlier data sets have none
    views = []
    for (where, row), altitude_m in zip(rows, altitudes_m, strict=True):
        if row["split"] != split:
            continue
        name = row["name"]
        with layout.collecting(faults, name):
            image, stated = folder / "images" / name, parse_csv_pose(row, where)
            view = layout.labelled_view(name, image, stated, lens, where, row["flight"], size)
            tags = {tag: row[tag] for tag in ("season", "date")}
            if row["solar_hour"]:
                tags["solar_hour"] = row["solar_hour"]
            view = view._replace(
                tags=tags,
                prior=_prior(row, where),
                time_s=float(numbers([row["time_s"]], where)) if row["time_s"] else None,
                depth=depth and DepthImage((depth / name).with_suffix(".png"), unit_m),
                altitude_m=altitude_m,
            )
            views.append(view)
    return views


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of a scene, and check its format, version, camera, counts, heights and depth."""
    manifest = layout.read_json(path, CARD)
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: expected an object, simulate the scene again, see {CARD}")
    found = manifest.get("format"), manifest.get("version")
    if found != (FORMAT, VERSION):
        raise InputError(
            f"{path}: expected format {FORMAT!r} version {VERSION}, found {found[0]!r} version "
            f"{found[1]}; simulate the scene again, see {CARD}"
        )
    camera = _fields(manifest, "camera", ("width", "height", *CSV_PINHOLE, "distortion"), path)
    _camera(camera, f"{path} camera")
    counts = _fields(manifest, "counts", layout.SPLITS, path)
    of_splits = (whole_number(counts[key], f"{path} counts.{key}") for key in layout.SPLITS)
    altitudes, frames = manifest.get("altitude_m"), sum(of_splits)
    if altitudes is not None:
        if not isinstance(altitudes, list) or len(altitudes) != frames:
            found_count = len(altitudes) if isinstance(altitudes, list) else "no list of"
            raise InputError(
                f"{path}: altitude_m has {found_count} numbers, expected {frames}, one per frame; "
                f"simulate the scene again, see {CARD}"
            )
        numbers(altitudes, f"{path} altitude_m")
    if manifest.get("depth"):
        depth = _fields(manifest, "depth", ("folder", "unit_m"), path)
        layout.check_name(str(depth["folder"]), f"{path} depth.folder")
        if not numbers([depth["unit_m"]], f"{path} depth.unit_m") > 0:
            raise InputError(f"{path}: depth.unit_m is {depth['unit_m']}, expected metres above 0")
    return manifest


def _camera(stated: dict[str, Any], where: str) -> tuple[Lens, tuple[int, int]]:
    """Return the lens and the (width, height) of the camera of a manifest."""
    width, height = (whole_number(stated[key], f"{where}.{key}", 1) for key in ("width", "height"))
    distortion = stated["distortion"]
    if not isinstance(distortion, list) or len(distortion) not in (0, 5):
        raise InputError(
            f"{where}.distortion is {distortion}, expected [] or [k1, k2, p1, p2, k3]; see {CARD}"
        )
    coefficients = dict(zip(DISTORTION, distortion, strict=False))
    return parse_csv_camera({**stated, **coefficients}, where), (width, height)


def _fields(
    manifest: dict[str, Any], key: str, fields: Sequence[str], path: Path
) -> dict[str, Any]:
    """Return the object at a key of the manifest, which must have all of the fields."""
    found = manifest.get(key)
    for field in fields:
        if not isinstance(found, dict) or field not in found:
            raise InputError(f"{path}: {key}.{field} is missing; see {CARD}")
    assert isinstance(found, dict)
    return found


def read_overview(folder: Path) -> dict[str, Any] | None:
    """Read where a scene's picture from above is, and its bounds; None if the folder has no manifest."""
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    overview = _fields(read_manifest(path), "map", ("image", "bounds_m"), path)
    layout.check_name(str(overview["image"]), f"{path} map.image")
    check_fields(overview["bounds_m"], "west south east north", f"{path} map.bounds_m")
    numbers(overview["bounds_m"], f"{path} map.bounds_m")
    return {**overview, "image": str((folder / overview["image"]).resolve())}


def _prior(row: dict[str, str], where: str) -> Hint | None:
    """Parse the prior of a row; None where its columns are empty."""
    if not any(row[column] for column in PRIOR_COLUMNS):
        return None
    pose = {column: row[f"prior_{column}"] for column in POSE_COLUMNS}
    sigma_t_m, sigma_r_deg = numbers([row["prior_sigma_t_m"], row["prior_sigma_r_deg"]], where)
    if not (sigma_t_m > 0 and sigma_r_deg > 0):
        raise InputError(f"{where}: expected prior sigmas above 0; correct or empty the prior")
    T_world_cam = parse_csv_pose(pose, where).T_world_cam
    hint = Hint.isotropic(T_world_cam, sigma_t_m, sigma_r_deg.deg2rad())
    if why := impossible(hint):
        raise InputError(f"{where}: its prior {why}; correct or empty it")
    return hint


def _read_rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Read (file and line, row) of frames.csv, and check its columns and names."""
    columns, found = read_table(path, f"see {CARD}")
    if sorted(columns) != sorted(COLUMNS):
        difference = ", ".join(sorted(set(columns) ^ set(COLUMNS)))
        raise InputError(
            f"{path} line 1: expected the columns {','.join(COLUMNS)}; too many or missing: "
            f"{difference or 'a column twice'}; see {CARD}"
        )
    rows: dict[str, tuple[str, dict[str, str]]] = {}
    for where, row in found:
        check_row(row, where)
        if row["split"] not in layout.SPLITS:
            raise InputError(
                f"{where}: split {row['split']!r} is none of {', '.join(layout.SPLITS)}"
            )
        if row["name"] in rows:
            line = rows[row["name"]][0].rpartition(f"{path.name} ")[2]
            raise InputError(f"{where}: {row['name']} is already on {line}; remove one of them")
        rows[row["name"]] = (where, row)
    return list(rows.values())
