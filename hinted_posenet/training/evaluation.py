"""One split answered, scored, written and printed: what training ends with and evaluate does."""

import time
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor
from tqdm import tqdm

from hinted_posenet.core.types import Hint, Sample
from hinted_posenet.data.stacked import batches, joined, to
from hinted_posenet.evaluation.predictions import Answer
from hinted_posenet.evaluation.write_run import frames_of, provenance, write_run
from hinted_posenet.hints.prior import OracleHint
from hinted_posenet.hints.protocol import InferenceHints
from hinted_posenet.hints.retrieval import NearestHint, RetrievalHint
from hinted_posenet.hints.trivial import ConstantHint, NoHint
from hinted_posenet.training.localizer import Localizer
from hinted_posenet.training.scene import Scene

Controls = dict[str, Any]  # name -> module with the ``fit`` and ``at_inference`` of a hint


def fit_controls(train: Sample, sequence: Tensor, device: torch.device) -> Controls:
    """Constant pose and retrieval (the nearest training image in the same features), from the training images."""
    controls: Controls = {"constant pose": ConstantHint(), "retrieval": RetrievalHint()}
    for control in controls.values():
        control.fit(train.T_world_cam, train.query.feature, sequence)
        control.to(device)
    return controls


def with_simulated_prior(inference_hint: InferenceHints, sample: Sample) -> Sample:
    """The stacked sample with priors made from its labels, if the first hint is an oracle; else as it is."""
    if not isinstance(inference_hint, OracleHint | NearestHint):
        return sample
    return sample._replace(
        query=sample.query._replace(prior=inference_hint.simulate_reading(sample.T_world_cam))
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
    """Write results.json, poses.csv and frames.csv into ``folder`` and print the table.

    Args:
        config: of the run; goes into results.json.
        scene: its views of ``split`` and of the training split.
        localizer: trained, in evaluation mode.
        controls: beside the network, see ``fit_controls``.
        split: train, val or test.
        folder: made if need be.
        started: ``time.monotonic()`` when the run began.
    """
    device = localizer.model.frame.center_m.device
    samples = with_simulated_prior(
        localizer.inference_hint, scene.features(localizer.model, split, device)
    )
    answers = predict_split(
        localizer, controls, samples, config["feature_batch_size"], config["seed"]
    )
    about = {
        "name": config["name"],
        "data": scene.identity,
        "split": split,
        "seed": config["seed"],
        "oracle": localizer.inference_hint.oracle,
        "inference_hint": type(localizer.inference_hint).__name__,
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


@torch.inference_mode()
def predict_split(
    localizer: Localizer, controls: Controls, split: Sample, batch_size: int, seed: int
) -> list[Answer]:
    """The localizer's passes on a split, and its controls beside them.

    Two more than those given: the first hint taken as the answer, and the network with another image's
    feature (if that is as good, it copies its hint).

    Args:
        localizer: trained, in evaluation mode.
        controls: name -> fitted source of poses.
        split: stacked features to answer; its labels are not looked at.
        batch_size: queries at a time.
        seed: of the permutation that hands out other images.
    """
    device = localizer.model.frame.center_m.device
    hints: dict[str, list[Hint]] = {}
    order = torch.randperm(len(split.query.name), generator=Generator().manual_seed(seed))
    others = torch.split(split.query.feature[order], batch_size)
    total = -(-len(order) // batch_size)
    for batch, other in tqdm(
        zip(batches(split, batch_size), others, strict=True), "predict", total, leave=False
    ):
        query = to(batch.query, device)
        for name, control in controls.items():
            hint = control.at_inference(query, query.feature)
            hints.setdefault(f"control/{name}", []).append(hint)
        prediction = localizer.predict(query)
        if not isinstance(localizer.inference_hint, NoHint):
            answer = localizer.model.frame.resolve(prediction.hint)
            hints.setdefault("hint/hint as the answer", []).append(answer)
            swapped = localizer.model(other.float().to(device), prediction.hint)
            unsure = torch.full((len(swapped.t),), torch.inf)
            hints.setdefault("control/shuffled image", []).append(Hint(swapped, unsure, unsure))
        for index, answer in enumerate(prediction.answers, start=1):
            hints.setdefault(f"network/pass {index}", []).append(answer)
    return [_answer(key, column) for key, column in hints.items()]


def _answer(key: str, column: list[Hint]) -> Answer:
    kind, _, method = key.partition("/")
    pose, sigma_t_m, sigma_r_rad, neighbours = joined(column)
    return Answer(
        method,
        kind,
        pose,
        sigma_t_m if sigma_t_m.isfinite().all() else None,
        sigma_r_rad if sigma_r_rad.isfinite().all() else None,
        neighbours[:, 0] if neighbours.numel() else None,
    )
