"""A result is a file: poses.csv and results.json of a run."""

import csv
import json
import math
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hinted_posenet.geometry import invert
from hinted_posenet.metric.pose_errors import pose_errors
from hinted_posenet.scoring import Answer
from hinted_posenet.types import Pose, View

PACKAGES = (
    "hinted_posenet",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "timm",
    "kornia",
    "opencv-python",
)
CENTRE = ("x_m", "y_m", "z_m")
T_CAM_WORLD = tuple(f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))


def write_poses(path: Path, views: list[View], answers: list[Answer], truth: Pose) -> None:
    """One line per frame and method: world-to-camera pose as COLMAP, errors, true and predicted centre."""
    tags = sorted({tag for view in views for tag in view.tags})
    header = ["method", "name", "sequence", *tags, *T_CAM_WORLD, "error_t_m", "error_r_deg"]
    header += [f"predicted_{axis}" for axis in CENTRE] + [f"true_{axis}" for axis in CENTRE]
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for answer in answers:
            error_t_m, error_r_deg = pose_errors(answer.pose, truth)
            t_cam_world, q_cam_world = invert(answer.pose.t.double(), answer.pose.q.double())
            columns = (q_cam_world, t_cam_world, error_t_m, error_r_deg, answer.pose.t, truth.t)
            for view, *values in zip(views, *(column.tolist() for column in columns), strict=True):
                numbers = [
                    n for value in values for n in (value if isinstance(value, list) else [value])
                ]
                labels = [
                    answer.method,
                    view.name,
                    view.sequence,
                    *(view.tags.get(t, "") for t in tags),
                ]
                writer.writerow([*labels, *(f"{number:.9g}" for number in numbers)])
    partial.replace(path)


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Write JSON atomically; infinite errors become the string "inf", since JSON has no such number."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(_plain(results), indent=1, allow_nan=False) + "\n")
    partial.replace(path)


def provenance(device: str) -> dict[str, Any]:
    """Versions, git revision and machine of a run."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "git_revision": git_revision(),
        "device": device,
        "cpu_count": os.cpu_count(),
        "platform": platform.platform(),
    }


def git_revision() -> str | None:
    """Revision of the checkout that this package runs from; None for an installed one."""
    checkout = Path(__file__).parents[1]
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return value
