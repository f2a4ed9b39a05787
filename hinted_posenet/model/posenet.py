"""PoseNet(backbone, pool, head, frame): image (+ hint) -> Pose. The hinted networks differ in the head alone."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hinted_posenet.geometry import rotation_angle
from hinted_posenet.model.backbone.base import ImageBackbone
from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.model.pool import GridPool
from hinted_posenet.types import Hint, Pose, Query

STILL = 0.05  # sigmas: a smaller step of a cascade changes nothing worth while


class PoseNet(nn.Module):
    """A backbone, a pool over a small grid, and a head that regresses the pose.

    Args:
        backbone: image in [0, 1] -> feature maps.
        pool: (B, C, H, W) -> (B, C, G, G).
        head: called ``head(channels, grid)`` it gives a module ``(feature, hint, frame) -> Pose``.
        passes: how often the answer is fed back as the next hint at inference; 1 = no cascade.
    """

    # Standard error of the answer of each pass, (passes,), measured on the validation split
    # (Localizer.calibrate); inf before. They are the sigma of the hint that the next pass gets.
    pass_sigma_t_m: Tensor
    pass_sigma_r_rad: Tensor
    # () int64: passes after these did not make the validation split better, so they keep the answer
    useful_passes: Tensor

    def __init__(
        self,
        backbone: ImageBackbone,
        pool: GridPool,
        head: Callable[[int, int], nn.Module],
        passes: int = 1,
    ):
        super().__init__()
        self.backbone = backbone
        self.pool = pool
        self.frame = SceneFrame()
        heads = [head(channels, pool.grid) for channels in backbone.channels]
        self.head, self.auxiliary_heads = heads[0], nn.ModuleList(heads[1:])
        self.set_passes(passes)

    @property
    def passes(self) -> int:
        """How many passes a cascade has."""
        return len(self.pass_sigma_t_m)

    def set_passes(self, passes: int) -> None:
        """Another number of passes; their sigmas are to be calibrated."""
        for name in ("pass_sigma_t_m", "pass_sigma_r_rad"):
            self.register_buffer(name, torch.full((passes,), torch.inf))
        self.register_buffer("useful_passes", torch.tensor(passes))

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
        return Hint.with_sigma(pose, self.pass_sigma_t_m[index], self.pass_sigma_r_rad[index])

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

        A frame stops where a pass moves it by less than ``STILL`` sigmas, and all do after ``useful_passes``:
        fed back for ever, an answer forgets the hint that it came from and becomes what the image alone says.
        """
        answers = [self.estimate(feature, hint, 0)]
        moving = torch.ones(len(feature), dtype=torch.bool, device=feature.device)
        for index in range(self.passes - 1):
            last = answers[-1]
            if index + 1 >= self.useful_passes:
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
