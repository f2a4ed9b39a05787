"""Counts, extents and pose-only baselines of one scene."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch

from hinted_posenet.core.formatting import length
from hinted_posenet.core.geometry import robust_box, rotation_angle
from hinted_posenet.core.tables import text_table
from hinted_posenet.core.types import Pose, View, stack_poses
from hinted_posenet.evaluation.controls import constant_pose, median_errors, nearest_camera

BASELINES = {
    "nearest training camera (oracle)": nearest_camera,
    "constant pose": constant_pose,
}


def scene_stats(
    name: str, splits: Mapping[str, Sequence[View]], has_intrinsics: bool = True
) -> dict[str, Any]:
    """What a scene is like, as plain numbers; lengths in metres, angles in degrees.

    Args:
        name: of the scene.
        splits: its views; baselines answer "test" (and "val") from "train", where there are both.
        has_intrinsics: whether the focal lengths of the views are known.
    """
    everything = [view for views in splits.values() for view in views]
    center_m, half_m = robust_box(_poses(everything).t)
    focal_px = [float(view.K[0, 0]) for view in everything]
    return {
        "scene": name,
        "splits": {split: _counts(views) for split, views in splits.items()},
        "center_m": center_m.tolist(),
        "size_of_95_percent_m": 2 * float(half_m),
        "image_sizes_px": sorted({view.size for view in everything if view.size}),
        "focal_px": (min(focal_px), max(focal_px)) if has_intrinsics else None,
        "baselines": _baselines(splits),
    }


def stats_text(stats: Mapping[str, Any]) -> str:
    """The numbers of `scene_stats` for a terminal."""
    sizes = ", ".join(f"{width}x{height}" for width, height in stats["image_sizes_px"])
    low, high = stats["focal_px"] or (0.0, 0.0)
    focal = f"{low:.1f} px" if high - low < 0.05 else f"{low:.1f} to {high:.1f} px"
    center = " ".join(f"{x:.2f}" for x in stats["center_m"])
    lines = [
        f"{stats['scene']}: 95 % of the cameras in a cube of {length(stats['size_of_95_percent_m'])} "
        f"around ({center}) m",
        f"  images {sizes or 'of unknown size'}, focal length {focal if high else 'unknown'}",
        "",
    ]
    header = ["", "frames", "sequences", "extent x y z", "step", "turn"]
    rows = [
        [
            f"  {split}",
            f"{row['frames']:,}",
            f"{row['sequences']:,}",
            " ".join(length(extent) for extent in row["extent_m"]),
            length(row["median_step_m"]),
            f"{row['median_turn_deg']:.1f}°",
        ]
        for split, row in stats["splits"].items()
    ]
    lines.append(text_table([header, *rows]))
    for split, found in stats["baselines"].items():
        lines += ["", f"  median errors on {split} of answers that look at no image:"]
        lines += [
            f"    {method}: {length(row['median_t_m'])}, {row['median_r_deg']:.1f}°"
            for method, row in found.items()
        ]
    return "\n".join(lines)


def _counts(views: Sequence[View]) -> dict[str, Any]:
    """Numbers of one split; steps are those between consecutive frames of a sequence."""
    counts = {"frames": len(views), "sequences": len({view.sequence for view in views})}
    steps = {"median_step_m": 0.0, "median_turn_deg": 0.0}
    if not views:
        return {**counts, "extent_m": [0.0] * 3, **steps}
    t, q = _poses(views)
    same = torch.tensor([a.sequence == b.sequence for a, b in pairwise(views)], dtype=torch.bool)
    if same.any():
        step_m = (t[1:] - t[:-1]).norm(dim=-1)[same]
        turn_deg = rotation_angle(q[1:], q[:-1]).rad2deg()[same]
        steps = {
            "median_step_m": float(step_m.quantile(0.5)),
            "median_turn_deg": float(turn_deg.quantile(0.5)),
        }
    return {**counts, "extent_m": (t.amax(0) - t.amin(0)).tolist(), **steps}


def _baselines(splits: Mapping[str, Sequence[View]]) -> dict[str, Any]:
    if not splits.get("train"):
        return {}
    train = _poses(splits["train"])
    found: dict[str, Any] = {}
    for split in ("val", "test"):
        if views := splits.get(split):
            truth = _poses(views)
            for method, answer in BASELINES.items():
                t_m, r_deg = median_errors(answer(train, truth), truth)
                row = {"median_t_m": t_m, "median_r_deg": r_deg}
                found.setdefault(split, {})[method] = row
    return found


def _poses(views: Sequence[View]) -> Pose:
    return stack_poses(view.T_world_cam for view in views)
