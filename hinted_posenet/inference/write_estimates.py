"""Write the poses that were asked for, one row per image, in the formats that other software reads.

| format  | suffix        | content                                                                          |
|---------|---------------|----------------------------------------------------------------------------------|
| csv     | .csv          | columns, see below                                                               |
| tum     | .tum          | ``time tx ty tz qx qy qz qw``, camera-to-world; the time, or else the row's number |
| text    | .txt          | ``name qw qx qy qz tx ty tz``, world-to-camera as in COLMAP                       |
| kml     | .kml          | places and 95 % ellipses, for Google Earth                                       |
| geojson | .geojson      | the same, for QGIS and web maps                                                  |

Columns of the CSV: ``name``, ``time_s`` (empty for photos); ``status``, ``hint``, ``steps`` and ``out_of_map`` as
of `Estimate`; the camera center ``x_m y_m z_m`` in the world; the pose ``T_cam_world_qw`` to ``T_cam_world_tz``
(world-to-camera); one standard deviation per axis of the world ``sigma_x_m sigma_y_m sigma_z_m`` and about it
``sigma_rx_deg sigma_ry_deg sigma_rz_deg``. A scene with a geographic origin adds ``latitude_deg longitude_deg
altitude_m heading_deg``; ``covariance`` adds the upper triangle ``cov_xx cov_xy ... cov_rzrz`` in m^2, m rad and
rad^2.

An image without an answer has nan and its status; text and TUM state the status in a comment before its line.
"""

import csv
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path

import torch

from hinted_posenet.core.errors import InputError, near
from hinted_posenet.core.files import atomic_write, write_text
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import stack_poses
from hinted_posenet.data.poses import AXES, POSE_TEXT_HEADER, SIGMA_COLUMNS, colmap_pose, row_text
from hinted_posenet.inference.estimate_row import EstimateRow
from hinted_posenet.inference.map_marks import heading_rad
from hinted_posenet.inference.write_places import write_geojson, write_kml
from hinted_posenet.simulator.aerial_layout import POSE_COLUMNS

SUFFIXES = {".csv": "csv", ".tum": "tum", ".txt": "text", ".kml": "kml", ".geojson": "geojson"}
PLACED = {
    "kml": write_kml,
    "geojson": write_geojson,
}  # formats that need the scene's place on Earth
ABOUT_COLUMNS = ["name", "time_s", "status", "hint", "steps", "out_of_map"]
CENTER_COLUMNS = ["x_m", "y_m", "z_m"]
PLACE_COLUMNS = ["latitude_deg", "longitude_deg", "altitude_m"]
HEADING_COLUMN = "heading_deg"
PAIRS = list(combinations_with_replacement(range(6), 2))
COVARIANCE_COLUMNS = [f"cov_{AXES[row]}{AXES[column]}" for row, column in PAIRS]
TUM_HEADER = "# {} tx ty tz qx qy qz qw  (T_world_cam: camera-to-world, metres)"


def poses_format(
    path: Path, format: str | None = None, origin: Origin | None = None, covariance: bool = False
) -> str:
    """Return the format that is asked for, or else that of the suffix; see `write_estimates`.

    Raises:
        InputError: Neither names one, or it cannot hold what is asked for.
    """
    known = SUFFIXES.values()
    if format is None:
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"out={path}: expected a suffix among {' '.join(SUFFIXES)}; rename it, or give poses_format"
            )
        format = SUFFIXES[path.suffix.lower()]
    if format not in known:
        expected = f"expected one of {', '.join(known)}{near(format, known)}"
        raise InputError(f"poses_format={format}: {expected}")
    if covariance and format != "csv":
        raise InputError(f"out={path}: covariance=true adds columns to a CSV; write out=poses.csv")
    if format in PLACED and origin is None:
        raise InputError(
            f"out={path}: the scene has no geographic origin, so {format} cannot place it; write .csv, .tum "
            "or .txt, or import the scene with georeference=true"
        )
    return format


def write_estimates(
    path: Path,
    rows: Sequence[EstimateRow],
    format: str | None = None,
    origin: Origin | None = None,
    covariance: bool = False,
) -> None:
    """Write rows, at least one, atomically; see the module for the formats.

    ``origin`` is where the scene lies on Earth, None if unknown; ``covariance`` adds 21 columns to a CSV.

    Raises:
        InputError: The format is not known or cannot hold these rows, see `poses_format`.
    """
    format = poses_format(path, format, origin, covariance)
    if format == "csv":
        _write_csv(path, rows, origin, covariance)
    elif origin is not None and format in PLACED:
        PLACED[format](path, rows, origin)
    else:
        {"tum": _write_tum, "text": _write_text}[format](path, rows)


def csv_columns(origin: Origin | None, covariance: bool) -> list[str]:
    """Return the names of the columns of a CSV, see the module."""
    columns = [*ABOUT_COLUMNS, *CENTER_COLUMNS, *POSE_COLUMNS, *SIGMA_COLUMNS]
    if origin is not None:
        columns += [*PLACE_COLUMNS, HEADING_COLUMN]
    return columns + COVARIANCE_COLUMNS * covariance


def csv_values(
    rows: Sequence[EstimateRow], origin: Origin | None, covariance: bool
) -> list[list[object]]:
    """Return what stands in the columns of a CSV for rows, at least one."""
    poses = stack_poses(row.pose for row in rows)
    sigma = torch.stack([row.sigma for row in rows])
    t_cam_world, q_cam_world = invert(*poses)
    parts = [poses.t, q_cam_world, t_cam_world, sigma[:, :3], sigma[:, 3:].rad2deg()]
    if origin is not None:
        heading = heading_rad(poses.q).rad2deg() % 360.0
        parts.append(torch.stack([*origin.to_geographic(poses.t), heading], dim=1))
    if covariance:
        first, second = zip(*PAIRS, strict=True)
        parts.append(torch.stack([row.covariance for row in rows])[:, first, second])
    numbers = torch.cat(parts, dim=1).tolist()
    found: list[list[object]] = []
    for row, values in zip(rows, numbers, strict=True):
        time_s = "" if row.time_s is None else repr(row.time_s)
        about = [row.name, time_s, row.status, row.hint, row.steps, f"{row.out_of_map:.4g}"]
        found.append([*about, *values])
    return found


def _write_csv(
    path: Path, rows: Sequence[EstimateRow], origin: Origin | None, covariance: bool
) -> None:
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(csv_columns(origin, covariance))
        writer.writerows(csv_values(rows, origin, covariance))


def _write_tum(path: Path, rows: Sequence[EstimateRow]) -> None:
    timed = [row for row in rows if row.time_s is not None]
    if timed and len(timed) < len(rows):
        name = next(row.name for row in rows if row.time_s is None)
        raise InputError(f"out={path}: {name} has no time, others have; write .csv or .txt")
    lines = [TUM_HEADER.format("time_s" if timed else "row")]
    for number, row in enumerate(rows):
        t, (w, *xyz) = row.pose.t.tolist(), row.pose.q.tolist()
        time = number if row.time_s is None else row.time_s
        lines += [*_reason(row), row_text([time, *t, *xyz, w])]
    write_text(path, "\n".join(lines) + "\n")


def _write_text(path: Path, rows: Sequence[EstimateRow]) -> None:
    lines = [POSE_TEXT_HEADER]
    for row in rows:
        lines += [*_reason(row), row_text([row.name, *colmap_pose(row.pose)])]
    write_text(path, "\n".join(lines) + "\n")


def _reason(row: EstimateRow) -> list[str]:
    """Return the comment in front of the line of an image without an answer."""
    return [] if row.answered else [f"# {row.name}: {row.status}"]
