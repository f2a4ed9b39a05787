"""Cascades of trained networks on real images: they converge, and their stop rule keeps the better answer."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny import config, results

from hinted_posenet.training.study import SceneStudy

RETRIEVAL = {"_target_": "hinted_posenet.hints.retrieval.RetrievalHint"}


@pytest.mark.slow
@pytest.mark.realdata
def test_twenty_passes_do_not_drift(real_data: Path, tmp_path: Path) -> None:
    paths = [f"paths.{name}={tmp_path / name}" for name in ("runs", "cache")]
    common = ["data=seven_scenes", "data.scene=redkitchen", f"paths.data={real_data}", *paths]
    common += ["augmented_views=1", "refinement_steps=20", "trainer.max_epochs=15", "threads=1"]
    for method in ("hinted_embedding", "hinted_residual", "hinted_fusion"):
        plain = config("train", *common, f"method={method}", "resume=true", "accelerator=cpu")
        SceneStudy({"retrieval": RETRIEVAL}).run(plain, None)
        run = Path(plain["paths"]["run"])

        for curve in json.loads((run / "curves.json").read_text())["contraction"].values():
            refinement_steps = [np.median(one["t_m"]) for one in curve["refinement_steps"]]
            assert len(refinement_steps) == 20
            # never stopped, they settle: what they lose is lost early, and no pass after that adds to it
            assert refinement_steps[19] < 1.1 * refinement_steps[9], method
            assert abs(refinement_steps[19] - refinement_steps[18]) < 0.02 * refinement_steps[18], (
                method
            )

        rows = {row["method"]: row["median_t_m"] for row in results(run / "from-retrieval")["rows"]}
        assert rows["pass 20"] < 1.1 * rows["pass 1"], method  # stopped, they lose nothing
