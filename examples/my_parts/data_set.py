"""A data set: images with the log of a drone, as its autopilot and its gimbal state them.

Layout::

    <root>/<scene>/log.csv       one row an image: image,split,flight,time_s,
                                 east_m,north_m,up_m,heading_deg,pitch_deg,roll_deg
    <root>/<scene>/camera.json   {"width": 96, "height": 96, "focal_px": 83.1}, the pixels of all images
    <root>/<scene>/images/<image>

Heading is clockwise from north, pitch above the horizon (-90 looks straight down), and roll clockwise as the
pilot sees it.
"""

import csv
import json
import math
from pathlib import Path

import torch
from kornia.geometry.conversions import rotation_matrix_to_quaternion
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, Pose, View
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.formats.layout import check_split, collecting, scene_folder
from hinted_posenet.data.poses import numbers

CARD = "examples/my_parts/data_set.py"  # where an error sends the user
PLACE = ("east_m", "north_m", "up_m", "heading_deg", "pitch_deg", "roll_deg")
COLUMNS = ("image", "split", "flight", "time_s", *PLACE)


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read views of one split of a scene, in the order of the log.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene.
        split: train, val or test.
        faults: Takes what is wrong with single frames; None raises the first.
    """
    check_split(split)
    folder = scene_folder(root, scene, "log.csv", CARD)
    camera = json.loads((folder / "camera.json").read_text(encoding="utf-8"))
    size = camera["width"], camera["height"]
    K = intrinsics(camera["focal_px"], camera["focal_px"], size[0] / 2, size[1] / 2)
    path = folder / "log.csv"
    views = []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise InputError(f"{path} line 1: no column {missing[0]}; see {CARD}")
        for row in reader:
            if row["split"] != split:
                continue
            name, where = row["image"], f"{path} line {reader.line_num}"
            with collecting(faults, name):
                place = numbers([row[column] for column in PLACE], where)
                R_world_cam = rotation_from_angles(*place[3:].tolist())
                views.append(
                    View(
                        name,
                        folder / "images" / name,
                        Pose(place[:3], rotation_matrix_to_quaternion(R_world_cam)),
                        K,
                        sequence=row["flight"],
                        tags={},
                        time_s=float(row["time_s"]),
                        size=size,
                        where=where,
                    )
                )
    return views


def rotation_from_angles(heading_deg: float, pitch_deg: float, roll_deg: float) -> Tensor:
    """R_world_cam (3, 3), float64: its columns are right, down and forward of the camera, in east, north, up."""
    heading, pitch, roll = (math.radians(angle) for angle in (heading_deg, pitch_deg, roll_deg))
    level = torch.tensor([math.cos(heading), -math.sin(heading), 0.0], dtype=torch.float64)
    ahead = torch.tensor([math.sin(heading), math.cos(heading), 0.0], dtype=torch.float64)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    forward = math.cos(pitch) * ahead + math.sin(pitch) * up
    below = torch.linalg.cross(forward, level)
    right = math.cos(roll) * level + math.sin(roll) * below
    down = math.cos(roll) * below - math.sin(roll) * level
    return torch.stack([right, down, forward], dim=1)
