"""Predictions of a localizer and of its controls on one split, and their errors."""

from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from tqdm import tqdm

from hinted_posenet.data.stacked import batches, to
from hinted_posenet.hint.constant import ConstantHint
from hinted_posenet.hint.nearest import NearestHint
from hinted_posenet.hint.none import NoHint
from hinted_posenet.hint.prior import OracleHint
from hinted_posenet.hint.protocol import InferenceHints
from hinted_posenet.hint.retrieval import RetrievalHint
from hinted_posenet.localizer import Localizer
from hinted_posenet.metric.pose_errors import pose_errors, summary
from hinted_posenet.types import Pose, Sample, View

Controls = dict[str, Any]  # name -> module with the ``fit`` and ``at_inference`` of a hint


class Answer(NamedTuple):
    """One method's poses for a whole split."""

    method: str
    kind: str  # network, hint, or control
    pose: Pose  # (N,)


def with_simulated_prior(start_hint: InferenceHints, sample: Sample) -> Sample:
    """The stacked sample with priors made from its labels, if the first hint is an oracle; else as it is."""
    if not isinstance(start_hint, OracleHint | NearestHint):
        return sample
    return sample._replace(query=sample.query._replace(prior=start_hint.sense(sample.T_world_cam)))


def fit_controls(train: Sample, sequence: Tensor, device: torch.device) -> Controls:
    """Constant pose and retrieval (the nearest training image in the same features), from the training images."""
    controls: Controls = {"constant pose": ConstantHint(), "retrieval": RetrievalHint()}
    for control in controls.values():
        control.fit(train.T_world_cam, train.query.feature, sequence)
        control.to(device)
    return controls


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
    poses: dict[str, list[Pose]] = {}
    order = torch.randperm(len(split.query.name), generator=Generator().manual_seed(seed))
    others = torch.split(split.query.feature[order], batch_size)
    total = -(-len(order) // batch_size)
    for batch, other in tqdm(
        zip(batches(split, batch_size), others, strict=True), "predict", total, leave=False
    ):
        query = to(batch.query, device)
        for name, control in controls.items():
            hint = control.at_inference(query, query.feature)
            poses.setdefault(f"control/{name}", []).append(hint.pose)
        prediction = localizer.predict(query)
        if not isinstance(localizer.start_hint, NoHint):
            answer = localizer.model.frame.resolve(prediction.hint).pose
            poses.setdefault("hint/hint as the answer", []).append(answer)
            swapped = localizer.model(query, other.float().to(device), prediction.hint)
            poses.setdefault("control/shuffled image", []).append(swapped)
        for index, pose in enumerate(prediction.poses, start=1):
            poses.setdefault(f"network/pass {index}", []).append(pose)
    return [_answer(key, column) for key, column in poses.items()]


def _answer(key: str, column: list[Pose]) -> Answer:
    kind, _, method = key.partition("/")
    t, q = (torch.cat([part.cpu() for part in parts]) for parts in zip(*column, strict=True))
    return Answer(method, kind, Pose(t, q))


def score(
    answers: list[Answer],
    truth: Pose,
    groups: dict[str, Tensor],
    thresholds: list[tuple[float, float]],
) -> list[dict[str, object]]:
    """One row of metrics per group of frames and method.

    Args:
        answers: poses (N,) by method.
        truth: (N,).
        groups: name -> frames (N,) bool.
        thresholds: (metres, degrees) of the recalls.
    """
    rows: list[dict[str, object]] = []
    for group, frames in groups.items():
        for answer in answers:
            error_t_m, error_r_deg = pose_errors(answer.pose, truth)
            metrics = summary(error_t_m[frames], error_r_deg[frames], thresholds)
            rows.append({"group": group, "method": answer.method, "kind": answer.kind, **metrics})
    return rows


def group_frames(views: list[View], train: list[View]) -> dict[str, Tensor]:
    """Which frames each breakdown takes: all, then per tag what training saw, and each value.

    A breakdown that takes the same frames as an earlier one (each season flown on one date) is left out.

    Args:
        views: of the split that is scored, (N,).
        train: training views; a tag's value is seen if one of them has it.
    """
    groups = {"all": [True] * len(views)}
    for tag in dict.fromkeys(tag for view in views for tag in view.tags):
        values = [view.tags.get(tag, "") for view in views]
        known = {view.tags.get(tag, "") for view in train}
        seen = [value in known for value in values]
        named = {f"{tag}s seen in training": seen, f"unseen {tag}s": [not value for value in seen]}
        named |= {f"{tag} {value}": [v == value for v in values] for value in dict.fromkeys(values)}
        for name, frames in named.items():
            if any(frames) and frames not in groups.values():
                groups[name] = frames
    return {name: torch.tensor(frames) for name, frames in groups.items()}
