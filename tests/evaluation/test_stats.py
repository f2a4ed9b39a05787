"""Counts and trivial answers, by hand and on real labels."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from hinted_posenet.core.types import Fault, Pose, View, stack_poses
from hinted_posenet.data.formats import cambridge, seven_scenes
from hinted_posenet.evaluation.metrics import pose_errors, quantile
from hinted_posenet.evaluation.predictions import constant_answer, nearest_answer
from hinted_posenet.evaluation.scene_stats import scene_stats, stats_text


def view(x_m: float, sequence: str = "a", degrees: float = 0.0) -> View:
    half = torch.tensor(degrees / 2, dtype=torch.float64).deg2rad()
    zero = half * 0
    pose = Pose(
        torch.tensor([x_m, 0, 0]).double(), torch.stack([half.cos(), zero, zero, half.sin()])
    )
    K = torch.eye(3, dtype=torch.float64)
    return View(f"{x_m}", Path(), pose, K, sequence, tags={}, size=(640, 480))


def medians(predicted: Pose, truth: Pose) -> list[float]:
    """Median errors in metres and degrees."""
    return [quantile(error, 0.5) for error in pose_errors(predicted, truth)]


def poses(*views: View) -> Pose:
    return stack_poses(view.T_world_cam for view in views)


def test_the_nearest_camera_is_nearest_in_position_whatever_its_rotation() -> None:
    train, test = poses(view(0, degrees=80), view(10)), poses(view(1), view(9), view(4.9))
    found = nearest_answer(train, test).pose
    assert found.t[:, 0].tolist() == [0, 10, 0]
    assert medians(found, test) == pytest.approx([1.0, 80.0])


def test_the_constant_pose_is_the_median_place_and_the_mean_rotation() -> None:
    train = poses(view(0, degrees=10), view(1, degrees=-10), view(1e9))
    test = poses(view(3), view(4), view(-1))
    found = constant_answer(train, test).pose
    assert medians(found, test) == pytest.approx([2.0, 0.0], abs=1e-9)


def test_steps_do_not_cross_sequences() -> None:
    views = [view(0), view(1, degrees=3), view(2, degrees=6), view(50, "b"), view(52, "b")]
    row = scene_stats("x", {"train": views, "test": []})["splits"]["train"]
    assert (row["frames"], row["sequences"], row["extent_m"]) == (5, 2, [52, 0, 0])
    assert row["median_step_m"] == 1 and row["median_turn_deg"] == pytest.approx(3)
    alone = scene_stats("x", {"all": [view(0)]})["splits"]["all"]
    assert (alone["frames"], alone["extent_m"], alone["median_step_m"]) == (1, [0, 0, 0], 0)


def test_a_scene_without_splits_has_no_baselines() -> None:
    stats = scene_stats("x", {"all": [view(0), view(1)]})
    assert stats["baselines"] == {}
    assert "x: 95 % of the cameras" in stats_text(stats)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("scene", "nearest", "constant_m"),
    [
        ("GreatCourt", (0.84, 20.8), 37),
        ("KingsCollege", (0.89, 9.9), 28),
        ("ShopFacade", (0.55, 11.4), 7.5),
    ],
)
def test_the_known_baselines_of_cambridge(
    real_data: Path, scene: str, nearest: tuple[float, float], constant_m: float
) -> None:
    skipped: list[Fault] = []
    known: dict[str, Any] = {"focal_px": 1670, "faults": skipped}
    read = partial(cambridge.read_views, real_data / "cambridge_labels", scene, **known)
    found = scene_stats(scene, {split: read(split) for split in ("train", "test")})["baselines"]
    far = "seq5/frame00297.png"  # 3.36 million km away
    assert [fault.name for fault in skipped] == [far] * (scene == "GreatCourt")
    row = found["test"]["nearest camera (oracle)"]
    assert row["median_t_m"] == pytest.approx(nearest[0], abs=0.005)
    assert row["median_r_deg"] == pytest.approx(nearest[1], abs=0.05)
    constant = found["test"]["constant pose"]["median_t_m"]
    assert constant == pytest.approx(constant_m, rel=0.02)


@pytest.mark.realdata
def test_red_kitchen(real_data: Path) -> None:
    read = partial(seven_scenes.read_views, real_data / "seven_scenes", "redkitchen")
    stats = scene_stats("redkitchen", {split: read(split) for split in ("train", "test")})
    assert stats["focal_px"] == (525, 525) and stats["image_sizes_px"] == [(640, 480)]
    assert stats["splits"]["train"]["sequences"] == 8
