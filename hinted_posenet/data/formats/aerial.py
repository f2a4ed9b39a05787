"""Aerial data sets as the simulator writes them.

Layout::

    <root>/<scene>/manifest.json   {"format": "hinted_posenet aerial", "version": 2, "scene": ...,
                                    "camera": {"width", "height", "fx", "fy", "cx", "cy",
                                               "distortion": [] or [k1, k2, p1, p2, k3]},
                                    "counts": {"train": n, "val": n, "test": n},
                                    "altitude_m": [above the ground, one a row of frames.csv], ...}
    <root>/<scene>/frames.csv      one row a frame: name, split, flight, season, date, solar_hour, time_s,
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
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.formats.layout import (
    SPLITS,
    check_split,
    collecting,
    read_json,
    read_lines,
    scene_folder,
)
from hinted_posenet.data.poses import AERIAL_POSE_COLUMNS, numbers, parse_csv_pose

CARD = "datasets/aerial/README.md"
FORMAT, VERSION = "hinted_posenet aerial", 2
PRIOR_SIGMAS = ["prior_sigma_t_m", "prior_sigma_r_deg"]
PRIOR_COLUMNS = [*(f"prior_{column}" for column in AERIAL_POSE_COLUMNS), *PRIOR_SIGMAS]
COLUMNS = ["name", "split", "flight", "season", "date", "solar_hour", "time_s"]
COLUMNS += [*AERIAL_POSE_COLUMNS, *PRIOR_COLUMNS]


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Views of one split of a scene, in the order of the table, see `ReadViews`."""
    check_split(split)
    folder = scene_folder(root, scene, "manifest.json", CARD)
    manifest = read_manifest(folder / "manifest.json")
    rows = _read_rows(folder / "frames.csv")
    _check_counts(folder, manifest, rows)
    camera = manifest["camera"]
    K = intrinsics(camera["fx"], camera["fy"], camera["cx"], camera["cy"])
    altitudes_m = manifest.get("altitude_m") or [None] * len(rows)  # earlier data sets have none
    views = []
    for (number, row), altitude_m in zip(rows, altitudes_m, strict=True):
        if row["split"] != split:
            continue
        where = f"{folder / 'frames.csv'} line {number}"
        with collecting(faults, row["name"]):
            tags = {"season": row["season"], "date": row["date"]}
            if row["solar_hour"]:
                tags["solar_hour"] = row["solar_hour"]
            stated = parse_csv_pose(row, where)
            views.append(
                View(
                    row["name"],
                    folder / "images" / row["name"],
                    stated.T_world_cam,
                    K,
                    row["flight"],
                    tags,
                    prior=_prior(row, where),
                    time_s=float(numbers([row["time_s"]], where)) if row["time_s"] else None,
                    distortion=tuple(camera["distortion"]),
                    depth=_depth(folder, manifest, row["name"]),
                    size=(camera["width"], camera["height"]),
                    where=where,
                    rotation_error=stated.rotation_error,
                    altitude_m=altitude_m,
                )
            )
    return views


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a scene, once its format, version, camera and counts are there."""
    manifest = read_json(path, CARD)
    found = manifest.get("format"), manifest.get("version")
    if found != (FORMAT, VERSION):
        raise InputError(
            f"{path}: expected format {FORMAT!r} version {VERSION}, found {found[0]!r} version "
            f"{found[1]}; simulate the scene again, see {CARD}"
        )
    needed = {"camera": ("width", "height", "fx", "fy", "cx", "cy", "distortion"), "counts": SPLITS}
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
            f"{path}: altitude_m has {len(altitudes)} numbers, expected {frames}, one a frame; simulate "
            f"the scene again, see {CARD}"
        )
    return dict(manifest)


def read_overview(folder: Path) -> dict[str, Any] | None:
    """A scene's picture from above, its absolute path and bounds; None where the folder has no manifest."""
    if not (folder / "manifest.json").is_file():
        return None
    overview = read_manifest(folder / "manifest.json")["map"]
    return {**overview, "image": str((folder / overview["image"]).resolve())}


def _depth(folder: Path, manifest: dict[str, Any], name: str) -> DepthImage | None:
    """The depth image of a frame, where the manifest says that there are any."""
    depth = manifest.get("depth")
    if not depth:
        return None
    return DepthImage((folder / depth["folder"] / name).with_suffix(".png"), float(depth["unit_m"]))


def _prior(row: dict[str, str], where: str) -> Hint | None:
    """The prior of a row; None where its columns are empty."""
    if not any(row[column] for column in PRIOR_COLUMNS):
        return None
    pose = {column: row[f"prior_{column}"] for column in AERIAL_POSE_COLUMNS}
    sigma_t_m, sigma_r_deg = numbers([row[column] for column in PRIOR_SIGMAS], where)
    if not (sigma_t_m > 0 and sigma_r_deg > 0):
        raise InputError(f"{where}: expected prior sigmas above 0; correct or empty the prior")
    return Hint(parse_csv_pose(pose, where).T_world_cam, sigma_t_m, sigma_r_deg.deg2rad())


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line number, row) of frames.csv, with its columns and names checked."""
    reader = csv.DictReader(read_lines(path, CARD))
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
        if row["split"] not in SPLITS:
            raise InputError(f"{where}: split {row['split']!r} is none of {', '.join(SPLITS)}")
        if row["name"] in rows:
            raise InputError(f"{where}: {row['name']} is already on line {rows[row['name']][0]}")
        rows[row["name"]] = (reader.line_num, row)
    return list(rows.values())


def _check_counts(
    folder: Path, manifest: dict[str, Any], rows: list[tuple[int, dict[str, str]]]
) -> None:
    found = Counter(row["split"] for _, row in rows)
    for split in SPLITS:
        if manifest["counts"][split] != found[split]:
            raise InputError(
                f"{folder.name}: manifest.json says {manifest['counts'][split]} {split} frames, "
                f"frames.csv has {found[split]}; simulate the scene again, see {CARD}"
            )
