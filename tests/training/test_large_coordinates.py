"""Scenes in UTM or ECEF metres: the same errors as near the origin, and answers in the coordinates of the file."""

import csv
from collections.abc import Iterator
from pathlib import Path

import fakes
import pytest
import torch
from tiny import TINY, results

from hinted_posenet import load
from hinted_posenet.cli.compose import compose
from hinted_posenet.core.types import Hint
from hinted_posenet.training.evaluate import evaluate
from hinted_posenet.training.train import train

FAR_M = (5e6, -3e6, 1e6)
PARTS = [f"T_world_cam_t{axis}" for axis in "xyz"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """A hinted run near the origin, and one on the same scene moved by FAR_M."""
    folder = tmp_path_factory.mktemp("far")
    found = []
    for name, move_m in (("near", (0.0, 0.0, 0.0)), ("far", FAR_M)):
        root = folder / name
        labels = fakes.write_csv(root, "garden", frames=6) / "frames.csv"
        with labels.open() as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            moved = (
                round(float(row[part]), 6) + by for part, by in zip(PARTS, move_m, strict=True)
            )
            row |= {part: repr(value) for part, value in zip(PARTS, moved, strict=True)}
        with labels.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        config = compose(
            "train",
            *(
                "data=csv",
                "data.scene=garden",
                f"data.root={root}",
                "method=hinted_residual",
                *TINY,
            ),
            *(f"paths.runs={root}/runs", f"paths.cache={root}/cache", "refinement_steps=2"),
        )
        train(config)
        found.append(Path(config["paths"]["run"]))
    yield found


def test_a_scene_far_from_the_origin_has_the_same_errors(runs: list[Path]) -> None:
    near, far = (results(run)["rows"] for run in runs)
    assert len(near) == len(far)
    for a, b in zip(near, far, strict=True):
        assert a["method"] == b["method"]
        for key, value in a.items():
            if key.endswith(("_t_m", "_r_deg")) and isinstance(value, float):
                assert b[key] == pytest.approx(value, abs=1e-9), (a["method"], key)


def test_files_of_a_run_are_in_the_world(runs: list[Path]) -> None:
    near, far = (list(csv.DictReader((run / "poses.csv").open())) for run in runs)
    for a, b in zip(near, far, strict=True):
        for kind in ("predicted", "true"):
            moved = [
                float(b[f"{kind}_{axis}_m"]) - by for axis, by in zip("xyz", FAR_M, strict=True)
            ]
            assert moved == pytest.approx(
                [float(a[f"{kind}_{axis}_m"]) for axis in "xyz"], abs=1e-6
            )


def test_another_inference_hint_is_measured_in_the_same_coordinates(runs: list[Path]) -> None:
    errors = []
    for run in runs:
        asked = compose(
            "evaluate",
            *(
                f"checkpoint={run}",
                "inference_hint=oracle",
                "inference_hint.sigma_t_m=1",
                "inference_hint.sigma_r_deg=5",
            ),
            *("accelerator=cpu", "threads=1", f"paths.cache={run.parents[4]}/cache"),
        )
        rows = results(evaluate(asked))["rows"]
        errors.append([row["median_t_m"] for row in rows])
    assert errors[0] == pytest.approx(errors[1], abs=1e-9)


def test_locate_takes_and_gives_the_coordinates_of_the_file(runs: list[Path]) -> None:
    near, far = (load(run, "cpu", 1) for run in runs)
    image = next(runs[0].parents[4].rglob("garden/images/d/0.png"))
    move_m = torch.tensor(FAR_M, dtype=torch.float64)
    assert torch.allclose(far.positions_m, near.positions_m + move_m, rtol=0, atol=1e-6)
    here_m = near.extent[0] + torch.tensor([0.3, -0.2, 0.1])
    answers = [
        found.locate(image, hint=Hint.from_position(here_m + by, 0.5))
        for found, by in ((near, 0 * move_m), (far, move_m))
    ]
    a, b = answers
    assert a.hint == b.hint == "given"
    assert torch.allclose(b.pose.t - move_m, a.pose.t, rtol=0, atol=1e-6)
    assert torch.allclose(b.covariance, a.covariance, rtol=1e-4)
    for one, other in zip(a.modes, b.modes, strict=True):
        assert torch.allclose(other.pose.t - move_m, one.pose.t, rtol=0, atol=1e-6)
