"""One split answered, scored, written and printed: what training ends with and evaluate does."""

import time
from pathlib import Path
from typing import Any

from hinted_posenet.localizer import Localizer
from hinted_posenet.report.table import print_results
from hinted_posenet.results import provenance, write_poses, write_results
from hinted_posenet.scene import Scene
from hinted_posenet.scoring import (
    Controls,
    group_frames,
    predict_split,
    score,
    with_simulated_prior,
)


def score_split(
    config: dict[str, Any],
    scene: Scene,
    localizer: Localizer,
    controls: Controls,
    split: str,
    folder: Path,
    started: float,
) -> None:
    """Write poses.csv and results.json into ``folder`` and print the table.

    Args:
        config: of the run; goes into results.json.
        scene: its views of ``split`` and of the training split.
        localizer: trained, in evaluation mode.
        controls: beside the network, see ``scoring.fit_controls``.
        split: train, val or test.
        folder: made if need be.
        started: ``time.monotonic()`` when the run began.
    """
    device = localizer.model.frame.center_m.device
    samples = with_simulated_prior(
        localizer.start_hint, scene.features(localizer.model, split, device)
    )
    answers = predict_split(
        localizer, controls, samples, config["feature_batch_size"], config["seed"]
    )
    views = scene.views[split]
    groups = group_frames(views, scene.views["train"])
    frame_groups = [
        [name for name, frames in groups.items() if frames[index]] for index in range(len(views))
    ]
    thresholds = [tuple(pair) for pair in config["data"]["recall_m_deg"]]
    folder.mkdir(parents=True, exist_ok=True)
    write_poses(folder / "poses.csv", views, answers, samples.T_world_cam)
    results = {
        "name": config["name"],
        "data": scene.identity,
        "split": split,
        "seed": config["seed"],
        "oracle": localizer.start_hint.oracle,
        "start_hint": type(localizer.start_hint).__name__,
        "rows": score(answers, samples.T_world_cam, groups, thresholds),
        "frames": {name: len(group) for name, group in scene.views.items()},
        "frame_groups": frame_groups,
        "excluded_frames": scene.excluded,
        "card_notes": scene.card_notes,
        "map": scene.map,
        "wall_time_s": round(time.monotonic() - started, 1),
        **provenance(str(device)),
        "config": config,
    }
    write_results(folder / "results.json", results)
    print_results(results)
    print(f"written: {folder / 'results.json'}, {folder / 'poses.csv'}")
