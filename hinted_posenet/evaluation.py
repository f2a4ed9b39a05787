"""One split answered, scored, written and printed: what training ends with and evaluate does."""

import time
from pathlib import Path
from typing import Any

from hinted_posenet.localizer import Localizer
from hinted_posenet.results import frames_of, provenance, write_run
from hinted_posenet.scene import Scene
from hinted_posenet.scoring import Controls, predict_split, with_simulated_prior


def score_split(
    config: dict[str, Any],
    scene: Scene,
    localizer: Localizer,
    controls: Controls,
    split: str,
    folder: Path,
    started: float,
) -> None:
    """Write results.json, poses.csv and frames.csv into ``folder`` and print the table.

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
    about = {
        "name": config["name"],
        "data": scene.identity,
        "split": split,
        "seed": config["seed"],
        "oracle": localizer.start_hint.oracle,
        "start_hint": type(localizer.start_hint).__name__,
        "frames": {name: len(views) for name, views in scene.views.items()},
        "excluded_frames": scene.excluded,
        "card_notes": scene.card_notes,
        "map": scene.map,
        "wall_time_s": round(time.monotonic() - started, 1),
        **provenance(str(device)),
        "config": config,
    }
    frames, train = (frames_of(scene.views[name]) for name in (split, "train"))
    recall_m_deg = config["data"]["recall_m_deg"]
    write_run(folder, about, frames, train, answers, samples.T_world_cam, recall_m_deg)
