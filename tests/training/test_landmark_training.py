"""Training with landmarks alone: their map is built, and a killed run goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes import write_seven_scenes

from hinted_posenet.cli.compose import compose
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.models.landmarks import landmark_map
from hinted_posenet.training.train import train

IMAGES = 8  # a third sequence is for validation


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(landmark_map, "BLOCK", 3)
    write_seven_scenes(tmp_path / "data" / "seven_scenes")
    return compose(
        *("train", "method=hinted_landmarks", "data=seven_scenes", "data.scene=redkitchen"),
        *(f"paths.{key}={tmp_path / key}" for key in ("data", "runs", "cache")),
        *("data.height=64", "data.width=64", "backbone.weights=null", "refine.spacing=0"),
        *("accelerator=cpu", "threads=1", "logger=none"),
    )


def test_a_killed_training_goes_on(config, monkeypatch):
    run = Path(config["paths"]["run"])
    triangulated: list[int] = []
    original, stop = landmark_map.image_landmarks, [True]

    def counted(row: int, *more: Any) -> landmark_map.Landmarks:
        triangulated.append(row)
        # the distance to the scene asks for each image once
        if stop[0] and len(triangulated) == IMAGES + 5:
            raise KeyboardInterrupt
        return original(row, *more)

    monkeypatch.setattr(landmark_map, "image_landmarks", counted)
    with pytest.raises(KeyboardInterrupt):
        train(config)
    assert len(list((run / "landmarks").iterdir())) == 1
    stop[0] = False
    triangulated.clear()
    train(config)
    assert triangulated == [*range(IMAGES), *range(3, IMAGES)]
    assert not (run / "landmarks").exists()
    results = json.loads((run / "results.json").read_text())
    assert results["landmarks"]["images"] == IMAGES
    known = load_localizer(read_checkpoint(run)).refinement.landmarks.map
    assert results["landmarks"]["landmarks"] == len(known.point_m) > 0
    assert torch.equal(known.row, torch.arange(IMAGES))
