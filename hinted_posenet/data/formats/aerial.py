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

import csv
from collections import Counter
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import DepthImage, Fault, Hint, View
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.formats import layout
from hinted_posenet.data.poses import numbers, parse_csv_pose
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
    camera = manifest["camera"]
    K = intrinsics(camera["fx"], camera["fy"], camera["cx"], camera["cy"])
    lens, size = Lens(K, tuple(camera["distortion"])), (camera["width"], camera["height"])
    depth, unit_m = None, 0.0
    if stated_depth := manifest.get("depth"):
        depth, unit_m = folder / stated_depth["folder"], float(stated_depth["unit_m"])
    altitudes_m = manifest.get("altitude_m") or [None] * len(rows)  # earlier data sets have none
    views = []
    for (number, row), altitude_m in zip(rows, altitudes_m, strict=True):
        if row["split"] != split:
            continue
        name, where = row["name"], f"{folder / 'frames.csv'} line {number}"
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
    """Read the manifest of a scene, and check its format, version, camera and counts."""
    manifest = layout.read_json(path, CARD)
    found = manifest.get("format"), manifest.get("version")
    if found != (FORMAT, VERSION):
        raise InputError(
            f"{path}: expected format {FORMAT!r} version {VERSION}, found {found[0]!r} version "
            f"{found[1]}; simulate the scene again, see {CARD}"
        )
    needed = {
        "camera": ("width", "height", "fx", "fy", "cx", "cy", "distortion"),
        "counts": layout.SPLITS,
    }
    for key, fields in needed.items():
        for field in fields:
            if field not in manifest.get(key, {}):
                raise InputError(f"{path}: {key}.{field} is missing; see {CARD}")
    lens = manifest["camera"]["distortion"]
    if not isinstance(lens, list) or len(lens) not in (0, 5):
        raise InputError(
            f"{path}: camera.distortion is {lens}, expected [] or [k1, k2, p1, p2, k3]; see {CARD}"
        )
    altitudes, frames = manifest.get("altitude_m"), sum(manifest["counts"].values())
    if altitudes is not None and len(altitudes) != frames:
        raise InputError(
            f"{path}: altitude_m has {len(altitudes)} numbers, expected {frames}, one per frame; "
            f"simulate the scene again, see {CARD}"
        )
    return dict(manifest)


def read_overview(folder: Path) -> dict[str, Any] | None:
    """Read where a scene's picture from above is, and its bounds; None if the folder has no manifest."""
    if not (folder / "manifest.json").is_file():
        return None
    overview = read_manifest(folder / "manifest.json")["map"]
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
    return Hint.isotropic(T_world_cam, sigma_t_m, sigma_r_deg.deg2rad())


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Read (line number, row) of frames.csv, and check its columns and names."""
    reader = csv.DictReader(layout.read_lines(path, CARD))
    if sorted(reader.fieldnames or []) != sorted(COLUMNS):
        difference = ", ".join(sorted(set(reader.fieldnames or []) ^ set(COLUMNS)))
        raise InputError(
            f"{path} line 1: expected the columns {','.join(COLUMNS)}; too many or missing: "
            f"{difference or 'a column twice'}; see {CARD}"
        )
    rows: dict[str, tuple[int, dict[str, str]]] = {}
    for row in reader:
        where = f"{path} line {reader.line_num}"
        if None in row or None in row.values():
            raise InputError(f"{where}: expected {len(COLUMNS)} fields; correct the line")
        if row["split"] not in layout.SPLITS:
            raise InputError(
                f"{where}: split {row['split']!r} is none of {', '.join(layout.SPLITS)}"
            )
        if row["name"] in rows:
            raise InputError(f"{where}: {row['name']} is already on line {rows[row['name']][0]}")
        rows[row["name"]] = (reader.line_num, row)
    return list(rows.values())
