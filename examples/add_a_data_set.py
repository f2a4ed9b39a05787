"""A data set of your own: images with a drone's log, read, checked against known poses, and trained on.

    python examples/add_a_data_set.py [KEY=VALUE ...]     as for `hinted-posenet train`

The reader is my_parts/data_set.py, its config my_parts/configs/data/drone_log.yaml. To have a log whose poses are
known, the small village's poses are written as a drone would log them: the reader must find them again, and a
training must come to what it comes to on the village itself. The same from the command line, in this folder:

    export HINTED_POSENET_EXTENSIONS=my_parts PYTHONPATH=.
    hinted-posenet train data=drone_log paths.data=logged data.scene=small_village
    hinted-posenet data export data=drone_log paths.data=logged data.scene=small_village format=csv out=plain
    hinted-posenet data check plain     # and whatever else reads a layout of the package
"""

import csv
import json
import math
import shutil
import sys
from pathlib import Path

import small_village
import torch
from my_parts.data_set import COLUMNS, read_views

from hinted_posenet.core.geometry import rotate, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.data.formats import aerial
from hinted_posenet.data.formats.layout import SPLITS

LOGGED = Path("logged")  # paths.data of the training


def main(overrides: list[str]) -> None:
    """Write the log, check the reader, train twice."""
    village = small_village.simulate()
    logged = LOGGED / "drone_log" / small_village.SCENE
    write_log(village, logged)
    check_reader(village, logged)
    runs = [
        small_village.train("method=posenet", *words, *overrides)
        for words in ([], ["data=drone_log", f"paths.data={LOGGED}"])
    ]
    # the same errors; but for retrieval, which also looks at the prior that only the village has
    small_village.compare(runs[:1], "add_a_data_set_known.jpg")
    small_village.compare(runs[1:], "add_a_data_set.jpg")


def write_log(village: Path, logged: Path) -> None:
    """Write the village's images and poses as a drone would log them."""
    shutil.copytree(village / "images", logged / "images", dirs_exist_ok=True)
    views = {split: aerial.read_views(village.parent, village.name, split) for split in SPLITS}
    view = views["train"][0]
    assert view.size is not None, "the manifest states it"
    width, height = view.size
    camera = {"width": width, "height": height, "focal_px": float(view.K[0, 0])}
    (logged / "camera.json").write_text(json.dumps(camera) + "\n")
    with (logged / "log.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for split, found in views.items():
            for view in found:
                row = [view.name, split, view.sequence, view.time_s]
                writer.writerow([*row, *view.T_world_cam.t.tolist(), *angles_deg(view.T_world_cam)])


def angles_deg(T_world_cam: Pose) -> tuple[float, float, float]:
    """Heading, pitch and roll of a camera, in degrees."""
    right, _, forward = rotate(T_world_cam.q, torch.eye(3, dtype=torch.float64))
    heading = math.atan2(forward[0], forward[1])
    level = torch.tensor([math.cos(heading), -math.sin(heading), 0.0], dtype=torch.float64)
    below = torch.linalg.cross(forward, level)
    roll = math.atan2(right @ below, right @ level)
    return math.degrees(heading), math.degrees(math.asin(forward[2])), math.degrees(roll)


def check_reader(village: Path, logged: Path) -> None:
    """Check that the poses read from the log are those of the simulator's cameras."""
    off_m, off_deg = 0.0, 0.0
    for split in SPLITS:
        known = aerial.read_views(village.parent, village.name, split)
        for true, read in zip(known, read_views(logged.parent, logged.name, split), strict=True):
            off_m = max(off_m, float((true.T_world_cam.t - read.T_world_cam.t).norm()))
            turn = rotation_angle(true.T_world_cam.q, read.T_world_cam.q)
            off_deg = max(off_deg, float(turn.rad2deg()))
            assert torch.allclose(true.K, read.K), read.name
    print(f"the log's poses are {off_m:.1e} m and {off_deg:.1e} degrees off")
    assert off_m < 1e-6
    assert off_deg < 1e-6


if __name__ == "__main__":
    main(sys.argv[1:])
