"""PoseNet(backbone, pool, head, frame): image (+ hint) -> pose. The hinted networks differ in the head alone."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.models.backbones.base import ImageBackbone
from hinted_posenet.models.encoding import SceneFrame


class GridPool(nn.AdaptiveAvgPool2d):
    """Mean over a grid x grid partition of the map; grid = 1 is global pooling.

    A grid keeps the layout of the image, which tells positions apart that global pooling confuses.
    """

    def __init__(self, grid: int = 3):
        super().__init__(grid)
        self.grid = grid


STILL = 0.05  # sigmas: a smaller step of a cascade changes nothing worth while


class PoseNet(nn.Module):
    """A backbone, a pool over a small grid, and a head that regresses the pose.

    Args:
        backbone: image in [0, 1] -> feature maps.
        pool: (B, C, H, W) -> (B, C, G, G).
        head: called ``head(channels, grid)`` it gives a module ``(feature, hint, frame) -> Pose``.
        refinement_steps: how often the answer is fed back as the next hint at inference; 1 = no cascade.
    """

    # Standard error of the answer of each pass, (passes,), measured on the validation split
    # (Localizer.calibrate); inf before. They are the sigma of the hint that the next pass gets.
    step_sigma_t_m: Tensor
    step_sigma_r_rad: Tensor
    # () int64: passes after these did not make the validation split better, so they keep the answer
    num_effective_steps: Tensor

    def __init__(
        self,
        backbone: ImageBackbone,
        pool: GridPool,
        head: Callable[[int, int], nn.Module],
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
        """How many passes a cascade has."""
        return len(self.step_sigma_t_m)

    def set_refinement_steps(self, refinement_steps: int) -> None:
        """Another number of passes; their sigmas are to be calibrated."""
        for name in ("step_sigma_t_m", "step_sigma_r_rad"):
            self.register_buffer(name, torch.full((refinement_steps,), torch.inf))
        self.register_buffer("num_effective_steps", torch.tensor(refinement_steps))

    def features(self, query: Query) -> tuple[Tensor, ...]:
        """Pooled features (B, C, G, G) of the query: computed beforehand, or from its image."""
        if query.feature.numel():
            return (query.feature.float(),)
        return tuple(self.pool(feature) for feature in self.backbone(query.image))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the training set once: poses (N,), features (N, C, G, G), sequences (N,) int64."""
        self.frame.fit(truth)
        remember = getattr(self.head, "fit", None)
        if remember:
            remember(truth, feature, sequence)

    def calibrate(self, feature: Tensor, truth: Pose) -> None:
        """Let the head measure itself on the validation split: features (N, C, G, G), poses (N,)."""
        measure = getattr(self.head, "calibrate", None)
        if measure:
            measure(feature, self.frame, truth)

    def forward(self, feature: Tensor, hint: Hint) -> Pose:
        """One pass: features (B, C, G, G) and hints (B,) -> Pose (B,)."""
        pose: Pose = self.head(feature, self.frame.resolve(hint), self.frame)
        return pose

    def estimate(self, feature: Tensor, hint: Hint, index: int) -> Hint:
        """The answer (B,) of pass ``index`` with its sigma: the head's, or where it states none validation's."""
        own = getattr(self.head, "estimate", None)
        if own:
            stated: Hint = own(feature, self.frame.resolve(hint), self.frame)
            return stated
        return self._measured(self(feature, hint), index)

    def _measured(self, pose: Pose, index: int) -> Hint:
        """Poses (B,) with the sigma that pass ``index`` had on the validation split."""
        return Hint.with_sigma(pose, self.step_sigma_t_m[index], self.step_sigma_r_rad[index])

    def own_loss(self, feature: Tensor, hint: Hint, truth: Pose) -> Tensor | None:
        """(B,) of heads with a loss of their own, such as a likelihood of several hypotheses; else None."""
        loss = getattr(self.head, "loss", None)
        return loss(feature, self.frame.resolve(hint), self.frame, truth) if loss else None

    def auxiliary_poses(self, features: tuple[Tensor, ...], hint: Hint) -> list[Pose]:
        """Answers of the auxiliary branches (GoogLeNet, in training); empty for other backbones."""
        return [
            head(feature, self.frame.resolve(hint), self.frame)
            for head, feature in zip(self.auxiliary_heads, features[1:], strict=False)
        ]

    def cascade(self, feature: Tensor, hint: Hint) -> list[Hint]:
        """The answer of each pass with its sigma; an answer, as sure as validation found, is the next's hint.

        A frame stops where a step moves it by less than ``STILL`` sigmas, all do after ``num_effective_steps``:
        fed back for ever, an answer forgets the hint that it came from and becomes what the image alone says.
        """
        answers = [self.estimate(feature, hint, 0)]
        moving = torch.ones(len(feature), dtype=torch.bool, device=feature.device)
        for index in range(self.refinement_steps - 1):
            last = answers[-1]
            if index + 1 >= self.num_effective_steps:
                answers.append(last)
                continue
            hint = self._measured(last.pose, index)
            answer = self.estimate(feature, hint, index + 1)
            step_t_m = (answer.pose.t - last.pose.t).norm(dim=-1)
            step_r_rad = rotation_angle(answer.pose.q, last.pose.q)
            moving = moving & (
                (step_t_m > STILL * hint.sigma_t_m) | (step_r_rad > STILL * hint.sigma_r_rad)
            )
            answers.append(answer._replace(pose=answer.pose.where(moving, last.pose)))
        return answers
