"""Counts, extents and pose-only baselines of one scene."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch

from hinted_posenet.core.formatting import degrees, length
from hinted_posenet.core.geometry import robust_box, rotation_angle
from hinted_posenet.core.tables import text_table
from hinted_posenet.core.types import View, stack_poses
from hinted_posenet.evaluation.metrics import pose_errors, quantile
from hinted_posenet.evaluation.predictions import constant_answer, method_title, nearest_answer


def scene_stats(
    name: str, splits: Mapping[str, Sequence[View]], has_intrinsics: bool = True
) -> dict[str, Any]:
    """Return counts, extents and baselines of a scene; lengths in metres, angles in degrees.

    Baselines answer "test" (and "val") from "train", where there are both.
    """
    everything = [view for views in splits.values() for view in views]
    center_m, half_m = robust_box(stack_poses(view.T_world_cam for view in everything).t)
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
    """Return the result of `scene_stats` as text."""
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
    rows = [["", "frames", "sequences", "extent x y z", "step", "turn"]]
    for split, row in stats["splits"].items():
        extent = " ".join(map(length, row["extent_m"]))
        numbers = [f"{row['frames']:,}", f"{row['sequences']:,}", extent]
        step = [length(row["median_step_m"]), degrees(row["median_turn_deg"])]
        rows.append([f"  {split}", *numbers, *step])
    lines.append(text_table(rows))
    for split, found in stats["baselines"].items():
        lines += ["", f"  median errors on {split} of answers that use no image:"]
        lines += [
            f"    {method}: {length(row['median_t_m'])}, {degrees(row['median_r_deg'])}"
            for method, row in found.items()
        ]
    return "\n".join(lines)


def _counts(views: Sequence[View]) -> dict[str, Any]:
    """Return the numbers of one split; steps are between consecutive frames of a sequence."""
    counts = {"frames": len(views), "sequences": len({view.sequence for view in views})}
    found = {**counts, "extent_m": [0.0] * 3, "median_step_m": 0.0, "median_turn_deg": 0.0}
    if not views:
        return found
    t, q = stack_poses(view.T_world_cam for view in views)
    found["extent_m"] = (t.amax(0) - t.amin(0)).tolist()
    same = torch.tensor([a.sequence == b.sequence for a, b in pairwise(views)], dtype=torch.bool)
    if same.any():
        found["median_step_m"] = quantile((t[1:] - t[:-1]).norm(dim=-1)[same], 0.5)
        found["median_turn_deg"] = quantile(rotation_angle(q[1:], q[:-1]).rad2deg()[same], 0.5)
    return found


def _baselines(splits: Mapping[str, Sequence[View]]) -> dict[str, Any]:
    poses = {
        split: stack_poses(view.T_world_cam for view in splits[split])
        for split in ("train", "val", "test")
        if splits.get(split)
    }
    train = poses.pop("train", None)
    if train is None:
        return {}
    found: dict[str, Any] = {}
    for split, truth in poses.items():
        for answer in (nearest_answer(train, truth), constant_answer(train, truth)):
            t_m, r_deg = (quantile(error, 0.5) for error in pose_errors(answer.pose, truth))
            row = {"median_t_m": t_m, "median_r_deg": r_deg}
            found.setdefault(split, {})[method_title(answer.method, None)] = row
    return found
