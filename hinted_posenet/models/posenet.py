"""PoseNet(backbone, pool, head, frame): image (+ hint) -> pose. Hinted networks differ in the head alone."""

from collections.abc import Callable
from typing import Annotated, Protocol

import torch
from annotated_types import Ge
from torch import Tensor, nn

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Modes, Pose, Query
from hinted_posenet.models.backbones.base import ImageBackbone
from hinted_posenet.models.encoding import SceneFrame
from hinted_posenet.models.heads.base import Head


class Pool(Protocol):
    """Feature maps (B, C, H, W) -> the cells (B, C, G, G) that a head sees."""

    grid: int  # G

    def __call__(self, feature: Tensor) -> Tensor:
        """Pool a batch."""


class GridPool(nn.AdaptiveAvgPool2d):
    """Mean over a grid x grid partition of the map; grid = 1 is global pooling.

    A grid keeps the layout of the image, which distinguishes positions that global pooling confuses.
    """

    def __init__(self, grid: Annotated[int, Ge(1)] = 3):
        super().__init__(grid)
        self.grid = grid


NEGLIGIBLE_STEP = 0.05  # sigmas: a frame that moves less in a refinement step has converged


class PoseNet(nn.Module):
    """A backbone, a pool over a small grid, and a head that regresses the pose.

    Args:
        backbone: image in [0, 1] -> feature maps.
        pool: (B, C, H, W) -> (B, C, G, G).
        head: called ``head(channels, grid)``, returns a `Head`.
        refinement_steps: number of predictions at inference, each with the previous one as its hint.
    """

    # Standard errors (steps,) of each refinement step, measured on the validation split
    # (LocalizerModule.calibrate); inf before. They are the sigma of the hint that the next step gets.
    step_sigma_t_m: Tensor
    step_sigma_r_rad: Tensor
    # () int64: later steps did not improve the validation split, so they keep the answer
    num_effective_steps: Tensor

    def __init__(
        self,
        backbone: ImageBackbone,
        pool: Pool,
        head: Callable[[int, int], Head],
        refinement_steps: int = 1,
    ):
        super().__init__()
        self.backbone = backbone
        self.pool = pool
        self.frame = SceneFrame()
        heads = [head(channels, pool.grid) for channels in backbone.channels]
        self.head, self.auxiliary_heads = heads[0], nn.ModuleList(heads[1:])
        self.set_refinement_steps(refinement_steps)

    @property
    def refinement_steps(self) -> int:
        """Number of predictions, each of which refines the previous one."""
        return len(self.step_sigma_t_m)

    def set_refinement_steps(self, refinement_steps: int) -> None:
        """Change the number of refinement steps; their sigmas have to be calibrated anew."""
        device = self.frame.center_m.device
        for name in ("step_sigma_t_m", "step_sigma_r_rad"):
            unknown = torch.full((refinement_steps,), torch.inf, device=device)
            self.register_buffer(name, unknown)
        self.register_buffer("num_effective_steps", torch.tensor(refinement_steps, device=device))

    def features(self, query: Query) -> tuple[Tensor, ...]:
        """Return pooled features (B, C, G, G) of the query: computed beforehand, or from its image."""
        if query.feature.numel():
            return (query.feature.float(),)
        # the pool and what comes after it in float32, though the backbone may run in half precision
        return tuple(self.pool(feature.float()) for feature in self.backbone(query.image))

    def with_feature(self, query: Query) -> Query:
        """Return the query (B,) with its pooled feature (B, C, G, G), float16, in place of its image."""
        feature = self.features(query)[0].half()
        return query._replace(image=query.image.new_empty(len(feature), 0), feature=feature)

    @in_float32
    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the training set once: poses (N,), features (N, C, G, G), sequences (N,) int64."""
        self.frame.fit(truth)
        self.head.fit(truth, feature, sequence)

    @in_float32
    def calibrate(self, feature: Tensor, truth: Pose) -> None:
        """Let the head measure itself on the validation split: features (N, C, G, G), poses (N,)."""
        self.head.calibrate(feature, self.frame, truth)

    @in_float32
    def forward(self, feature: Tensor, hint: Hint) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,) in one refinement step."""
        pose: Pose = self.head(feature, self._for_head(hint), self.frame)
        return pose

    def _for_head(self, hint: Hint) -> Hint:
        """Return hints (B,) as the head understands them, with a pose that is finite in all parts."""
        return self.frame.resolve(hint) if self.head.takes_covariance else self.frame.reduced(hint)

    @in_float32
    def estimate(self, feature: Tensor, hint: Hint, step: int) -> Hint:
        """Predict poses (B,) with the head's own sigma, or else with that of ``step`` on the validation split."""
        stated = self.head.estimate(feature, self._for_head(hint), self.frame)
        return self._measured(self(feature, hint), step) if stated is None else stated

    @in_float32
    def modes(self, feature: Tensor, hint: Hint) -> Modes | None:
        """Return the head's answers (B, K) to features and hints (B,), one of them its estimate; or None."""
        return self.head.modes(feature, self._for_head(hint), self.frame)

    def _measured(self, pose: Pose, step: int) -> Hint:
        """Return poses (B,) with the sigma that a refinement step had on the validation split."""
        return Hint.isotropic(pose, self.step_sigma_t_m[step], self.step_sigma_r_rad[step])

    @in_float32
    def own_loss(self, feature: Tensor, hint: Hint, truth: Pose) -> Tensor | None:
        """Return the head's own loss (B,), such as the likelihood of several hypotheses; None if it has none."""
        return self.head.loss(feature, self._for_head(hint), self.frame, truth)

    @in_float32
    def auxiliary_poses(self, features: tuple[Tensor, ...], hint: Hint) -> list[Pose]:
        """Return the predictions of auxiliary branches (GoogLeNet, in training); empty for other backbones."""
        return [
            head(feature, self._for_head(hint), self.frame)
            for head, feature in zip(self.auxiliary_heads, features[1:], strict=False)
        ]

    @in_float32
    def cascade(self, feature: Tensor, hint: Hint) -> list[Hint]:
        """Predict repeatedly, feeding each pose back as the next hint with its sigma on the validation split.

        A frame stops once a step moves it by less than ``NEGLIGIBLE_STEP`` sigmas, and all stop after
        ``num_effective_steps``: fed back indefinitely, a prediction forgets its first hint and converges to
        what the image alone supports.

        Returns:
            The estimate (B,) after each refinement step.
        """
        answers = [self.estimate(feature, hint, 0)]
        moving = torch.ones_like(hint.sigma_t_m, dtype=torch.bool)
        for step in range(1, self.refinement_steps):
            last = answers[-1]
            if step >= self.num_effective_steps:
                answers.append(last)
                continue
            hint = self._measured(last.pose, step - 1)
            answer = self.estimate(feature, hint, step)
            step_t_m = (answer.pose.t - last.pose.t).norm(dim=-1)
            step_r_rad = rotation_angle(answer.pose.q, last.pose.q)
            moving = moving & (
                (step_t_m > NEGLIGIBLE_STEP * hint.sigma_t_m)
                | (step_r_rad > NEGLIGIBLE_STEP * hint.sigma_r_rad)
            )
            answers.append(answer._replace(pose=answer.pose.where(moving, last.pose)))
        return answers
