"""Priors of a data set as the inference hint: refused where there are none, counted where some are missing."""

import logging
from pathlib import Path

import pytest
import torch
from fakes import write_aerial
from tiny import TINY, Workspace, poses, results

from hinted_posenet.cli.compose import compose as config
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, View, no_prior
from hinted_posenet.training.evaluate import evaluate
from hinted_posenet.training.scene_priors import scene_priors
from hinted_posenet.training.train import train

POSE = Pose(torch.zeros(3), torch.tensor([1.0, 0.0, 0.0, 0.0]))


def view(number: int, has_prior: bool) -> View:
    name, where = f"{number}.jpg", f"set/frames.csv line {number}"
    prior = no_prior() if has_prior else None
    return View(name, Path(name), POSE, torch.eye(3), "drive", {}, prior, where=where)


def test_missing_priors_are_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    views = {"val": [view(0, True)], "test": [view(number, number < 2) for number in range(6)]}
    found = scene_priors(views, ["val", "test"], "csv")
    assert found == {
        "files": ["set/frames.csv"],
        "frames": {"test": 2, "val": 1},
        "without": {"test": ["2.jpg", "3.jpg", "4.jpg", "5.jpg"]},
    }
    assert caplog.messages == [
        "4 of 6 images of the test split have no prior (2.jpg, 3.jpg, 4.jpg, ...); they are asked without a hint"
    ]


def test_a_split_without_priors_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"data=csv: no image of the test split has a prior; give it some"
    ):
        scene_priors({"test": [view(0, False)]}, ["test"], "csv")


def test_train_and_evaluate_refuse_before_anything_is_computed(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    with pytest.raises(
        InputError, match="data=seven_scenes: no image of the test split has a prior"
    ):
        place.train("method=hinted_embedding", "inference_hint=prior")
    assert not (tmp_path / "runs").exists() and not (tmp_path / "cache").exists()
    run = place.train("method=posenet", "trainer.max_epochs=1")
    with pytest.raises(InputError, match="no image of the test split has a prior"):
        place.evaluate(run, "prior", "inference_hint=prior")
    assert not (tmp_path / "prior").exists()


def test_results_name_the_file_of_the_priors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an image without one, the answer is that of the network alone."""
    scene = write_aerial(tmp_path / "data" / "aerial", priors=True)
    file = scene / "frames.csv"
    lines = file.read_text().splitlines()
    lines[-1] = ",".join(lines[-1].split(",")[:-9]) + "," * 9  # the last image of the test
    file.write_text("\n".join(lines) + "\n")
    place = [f"paths.{name}={tmp_path / name}" for name in ("data", "runs", "cache")]
    words = [
        "data=aerial",
        f"data.root={scene.parent}",
        "data.scene=prairie",
        "method=hinted_embedding",
        *place,
        *TINY,
    ]
    plain = config("train", *words, "inference_hint=prior")
    with caplog.at_level(logging.WARNING):
        train(plain)
    run = Path(plain["paths"]["run"])
    found = results(run)["priors"]
    assert found["files"] == [str(file)] and found["frames"] == {"test": 3, "val": 4}
    assert found["without"] == {"test": ["f3/000003.jpg"]}
    assert "1 of 4 images of the test split have no prior (f3/000003.jpg)" in caplog.text
    rows = {row["method"]: row for row in results(run)["rows"] if row["group"] == "all"}
    assert rows["hint as the answer"]["median_t_m"] == pytest.approx(0, abs=1e-5)
    arguments = [f"checkpoint={run}", "inference_hint=none", f"out={tmp_path / 'alone'}", *place]
    alone = evaluate(config("evaluate", *arguments, "accelerator=cpu", "threads=1"))
    assert results(alone)["priors"] is None
    asked, unasked = (poses(folder, method="pass 1") for folder in (run, alone))
    assert asked[-1] == unasked[-1] and asked[0] != unasked[0]
