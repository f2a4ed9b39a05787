"""What is exported of a localizer: image -> feature, and feature and hint -> pose with its covariance.

Two graphs, since a feature is asked several times: with the hints that a tracker tries, or by a cascade.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query, without_local
from hinted_posenet.hints.prior import PriorHint
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.models.heads.hinted_memory import HintedMemoryHead, evidence
from hinted_posenet.models.posenet import PoseNet

HINT = ("hint_position_m", "hint_quaternion_wxyz", "hint_covariance")  # of the second graph
ANSWER = ("position_m", "quaternion_wxyz", "covariance", "out_of_map")


class FeatureGraph(nn.Module):
    """RGB images (B, H, W, 3) uint8 of the network's size -> features (B, C, G, G)."""

    def __init__(self, model: PoseNet):
        super().__init__()
        self.backbone, self.pool = model.backbone, model.pool

    def forward(self, image: Tensor) -> Tensor:
        """Return the pooled features; all preprocessing but the resizing is done here."""
        pixels = image.permute(0, 3, 1, 2).float() / 255
        feature: Tensor = self.pool(self.backbone(pixels)[0])
        return feature


class AnswerGraph(nn.Module):
    """Features (B, C, G, G), and hints (B,) where the localizer takes them -> what `Localizer.locate` answers.

    Hints are float64 in the world, as in `Hint`. One whose variances are all infinite is no hint: the row is
    answered from the localizer's own source, such as retrieval, which is part of the graph.
    """

    offset_m: Tensor  # (3,) float64

    def __init__(self, localizer: LocalizerModule, offset_m: Tensor, takes_hints: bool):
        super().__init__()
        self.localizer = localizer
        self.takes_hints = takes_hints
        self.register_buffer("offset_m", offset_m.double())

    def forward(
        self,
        feature: Tensor,
        position_m: Tensor | None = None,
        quaternion_wxyz: Tensor | None = None,
        covariance: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return positions (B, 3), rotations (B, 4) and covariances (B, 6, 6), float64; and `out_of_map` (B,)."""
        given = no_hint(feature)
        if position_m is not None and quaternion_wxyz is not None and covariance is not None:
            t = (position_m - self.offset_m).float()
            given = Hint(Pose(t, normalize(quaternion_wxyz, dim=-1).float()), covariance.float())
        answer, out_of_map = self._answer(feature, given)
        t = answer.pose.t.double() + self.offset_m
        return t, answer.pose.q.double(), answer.covariance.double(), out_of_map

    def _answer(self, feature: Tensor, given: Hint) -> tuple[Hint, Tensor]:
        """Return answers (B,) as `LocalizerModule.predict` does, for rows with and without hints at once."""
        model, source = self.localizer.model, self.localizer.inference_hint
        own = source.at_inference(_query(feature, given), feature)
        if isinstance(model.head, HintedMemoryHead):
            own = evidence(own)
        is_given = given.variance.isfinite().any(dim=-1)
        start = _where(is_given, given, own) if self.takes_hints else own
        answer = model.cascade(feature, start)[-1]
        uncertainty = self.localizer.uncertainty
        if not uncertainty.is_fitted:
            return answer, torch.full_like(answer.sigma_t_m, torch.nan)
        seen = uncertainty.compare(feature, given)
        stated = uncertainty.of_network(answer, seen, given)
        if not isinstance(source, PriorHint):
            stated = _where(is_given, stated, uncertainty.of_network(answer, seen, None))
        return stated, uncertainty.out_of_map(seen)


def exportable(localizer: LocalizerModule) -> LocalizerModule:
    """Return a copy whose cascade has a fixed number of steps.

    Raises:
        InputError: It needs more than networks: a solver over landmarks, or the registration to a map.
    """
    if isinstance(localizer.refinement, MapRefinement):
        raise InputError(
            "the registration to a map reads the map's photos around each hint, and iterates; export-model takes "
            "networks alone: use `hinted-posenet predict` or Localizer.locate"
        )
    if localizer.refinement is not None:
        raise InputError(
            "landmarks are matched and solved by RANSAC, whose steps depend on the image; export-model takes "
            "networks alone: use `hinted-posenet predict` or Localizer.locate, or train without refine"
        )
    fixed = copy.deepcopy(localizer).cpu().eval().requires_grad_(False)
    for model in fixed.modules():
        if isinstance(model, PoseNet):
            steps = int(model.num_effective_steps)
            for name in ("step_sigma_t_m", "step_sigma_r_rad"):
                setattr(model, name, getattr(model, name)[:steps].clone())
            del model.num_effective_steps
            model.num_effective_steps = steps  # type: ignore[assignment]  # a number, so that no graph branches on it
    return fixed


def _query(feature: Tensor, given: Hint) -> Query:
    """Return what sources of hints see of rows (B,)."""
    rows = feature.shape[0]  # len would fix the batch
    K = torch.eye(3).expand(rows, 3, 3)
    scene = torch.zeros(rows, dtype=torch.int64)
    return Query(feature.new_empty(0), feature, K, given, "", scene, without_local(1))


def _where(chosen: Tensor, one: Hint, other: Hint) -> Hint:
    """Return one of two hints (B,) where ``chosen`` (B,) is true, the other elsewhere; without neighbours."""
    covariance = torch.where(chosen[:, None, None], one.covariance, other.covariance)
    return Hint(
        one.pose.where(chosen, other.pose), covariance, NO_NEIGHBOURS.expand(chosen.shape[0], 0)
    )
