"""Several answers to one query: the places that look alike, with weights; the first is the localizer's answer."""

from collections.abc import Callable

import torch
from torch import Tensor

from hinted_posenet.core.covariance import information, offset
from hinted_posenet.core.types import Hint, Modes, Pose, Query
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.hints.retrieval_database import RetrievalDatabase
from hinted_posenet.inference.estimate import CHI2_3_95
from hinted_posenet.inference.localizer import LocalizerModule, Prediction
from hinted_posenet.inference.sigma_fit import BLOCKS

CANDIDATES = 32  # most similar training images, among which distinct places are looked for


def modes_of(
    localizer: LocalizerModule, query: Query, prediction: Prediction, count: int = 3
) -> Modes:
    """Return up to ``count`` distinct answers (B, count) to queries (B,), given what was predicted for them.

    The first is the prediction's last answer, the others follow by weight. They are those of the head
    (`Head.modes`), or else, for a localizer that starts from retrieval, where it arrives from each distinct place
    that was retrieved. If there are fewer, the first is repeated with a weight of 0.

    Covariances are the network's, if the mode is the right one; the answer's own also covers that it is not.
    """
    answer = prediction.answers[-1]
    feature = localizer.model.features(query)[0]
    found = None
    if localizer.refinement is None:
        found = localizer.model.modes(feature, prediction.hint)
    if found is None and localizer.refinement is None:
        found = _from_several_starts(localizer, feature, query.prior, count)
    if found is None:
        found = _stacked([torch.zeros_like(answer.pose.t[:, 0])], [answer])
    off_m = (found.pose.t - answer.pose.t.unsqueeze(1)).norm(dim=-1)
    nearest = _taken(found, off_m.argmin(dim=1, keepdim=True))
    return distinct(found, answer._replace(covariance=nearest.covariance[:, 0]), count)


def distinct(modes: Modes, first: Hint, count: int) -> Modes:
    """Merge modes (B, K) of the same place, and return ``first`` (B,) and the heaviest others: (B, count).

    A mode is merged with a heavier one, to which its weight is added, if that lies within its own 95 % ellipsoids
    of position and rotation. ``first`` takes the weights of the modes that it is merged with, or else that of the
    heaviest.
    """
    left, kept = modes.log_weight, first
    known = [information(modes.covariance[..., part, part]) for part in BLOCKS]
    heaviest = torch.zeros_like(left).scatter(1, left.argmax(dim=1, keepdim=True), 1.0).bool()
    log_weights: list[Tensor] = []
    places: list[Hint] = []
    for _ in range(max(left.shape[1] + 1, count)):
        if len(places) > count and not left.isfinite().any():
            break
        merged = _holds(modes, known, kept.pose) & left.isfinite()
        if not places:
            merged |= heaviest & ~merged.any(dim=1, keepdim=True)
        log_weights.append(left.masked_fill(~merged, -torch.inf).logsumexp(dim=1))
        places.append(kept)
        left = left.masked_fill(merged, -torch.inf)
        kept = modes._replace(log_weight=left).likeliest()
        kept = _where(left.isfinite().any(dim=1), kept, first)
    order = torch.stack(log_weights[1:], dim=1).argsort(dim=1, descending=True, stable=True)
    rows = torch.cat([torch.zeros_like(order[:, :1]), order + 1], dim=1)[:, :count]
    return _taken(_stacked(log_weights, places), rows)


def retrieved_places(
    memory: RetrievalDatabase,
    stated: Callable[[Pose], Hint],
    feature: Tensor,
    prior: Hint,
    count: int,
) -> Modes:
    """Return the likeliest distinct places (B, count) that are remembered; ``stated`` gives poses their errors."""
    score = memory.log_likelihood(feature, prior)
    log_weight, rows = score.topk(min(CANDIDATES, score.shape[1]), dim=1)
    images = stated(memory.pose(rows))
    candidates = Modes(log_weight, images.pose, images.covariance)
    return distinct(candidates, candidates.likeliest(), count)


def _from_several_starts(
    localizer: LocalizerModule, feature: Tensor, prior: Hint, count: int
) -> Modes | None:
    """Return where a cascade arrives from the likeliest places (B, count) of a retrieval; None without one."""
    source, model = localizer.inference_hint, localizer.model
    if not (isinstance(source, RetrievalHint) and model.head.takes_hints):
        return None
    starts = retrieved_places(source.memory, source.hint, feature, prior, count)
    flat = Hint(
        Pose(*(part.flatten(0, 1) for part in starts.pose)), starts.covariance.flatten(0, 1)
    )
    arrived = model.cascade(feature.repeat_interleave(count, dim=0), flat)[-1]
    t, q = (part.view(len(feature), count, -1) for part in arrived.pose)
    return Modes(starts.log_weight, Pose(t, q), arrived.covariance.view(len(feature), count, 6, 6))


def _holds(modes: Modes, known: list[Tensor], pose: Pose) -> Tensor:
    """Return which modes' (B, K) 95 % ellipsoids of position and of rotation hold a pose (B,).

    ``known`` is the information of both parts, each (B, K, 3, 3).
    """
    off = offset(modes.pose, Pose(*(part.unsqueeze(1) for part in pose)))
    holds = torch.ones_like(modes.log_weight, dtype=torch.bool)
    for part, weight in zip(BLOCKS, known, strict=True):
        pull = weight @ off[..., part, None]
        holds &= (off[..., part] * pull.squeeze(-1)).sum(dim=-1) <= CHI2_3_95
    return holds


def _where(chosen: Tensor, one: Hint, other: Hint) -> Hint:
    """Return one of two places (B,) where ``chosen`` (B,) is true, the other elsewhere."""
    covariance = torch.where(chosen[:, None, None], one.covariance, other.covariance)
    return Hint(one.pose.where(chosen, other.pose), covariance)


def _stacked(log_weights: list[Tensor], places: list[Hint]) -> Modes:
    """Return modes (B, K) of K places (B,)."""
    t, q = zip(*(place.pose for place in places), strict=True)
    pose = Pose(torch.stack(t, dim=1), torch.stack(q, dim=1))
    covariance = torch.stack([place.covariance for place in places], dim=1)
    return Modes(torch.stack(log_weights, dim=1), pose, covariance)


def _taken(modes: Modes, rows: Tensor) -> Modes:
    """Return modes (B, n) of those (B, K) in rows (B, n), with weights that sum to 1."""
    t, q = (part.take_along_dim(rows.unsqueeze(-1), dim=1) for part in modes.pose)
    covariance = modes.covariance.take_along_dim(rows[..., None, None], dim=1)
    log_weight = modes.log_weight.take_along_dim(rows, dim=1).log_softmax(dim=1)
    return Modes(log_weight, Pose(t, q), covariance)
