"""Cascaded training hints: the network's own answers, so that later passes train on what they will see."""

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose
from hinted_posenet.hints.protocol import Answer, TrainingHints, robust_sigma

MEMORY = 0.99  # of the running mean of an answer's errors, a step


class CascadedHints(nn.Module):
    """Hints of another source, some of which the network has answered once or several times over.

    They come by and by, since an untrained network's answers teach nothing. An answer is stated with the error
    that such answers have had of late. Dropout is on while answering, as in the pass that learns from it.

    Args:
        source: of the first hints.
        refinement_steps: the most times that a hint is answered.
        share: of the hints that are answered, in the end.
        ramp_steps: training steps until then.
    """

    step: Tensor  # () int64
    sigma_t_m: Tensor  # (passes,)
    sigma_r_rad: Tensor  # (passes,)

    def __init__(self, source: TrainingHints, refinement_steps: int, share: float, ramp_steps: int):
        super().__init__()
        if not refinement_steps >= 1:
            raise InputError(f"train_hint.refinement_steps={refinement_steps}: must be at least 1")
        if not 0 <= share <= 1:
            raise InputError(f"train_hint.share={share}: must be from 0 to 1")
        if not ramp_steps >= 1:
            raise InputError(f"train_hint.ramp_steps={ramp_steps}: must be at least 1")
        self.source = source
        self.refinement_steps = refinement_steps
        self.share = share
        self.ramp_steps = ramp_steps
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("sigma_t_m", torch.zeros(refinement_steps))
        self.register_buffer("sigma_r_rad", torch.zeros(refinement_steps))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """The source measures the training set: poses (N,), features (N, C, G, G), sequences (N,)."""
        self.source.fit(truth, feature, sequence)

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Hints (B,) for training poses (B,) with features (B, C, G, G)."""
        rows, device = len(truth.t), truth.t.device
        nothing = NO_NEIGHBOURS.to(device).expand(rows, 0)  # an answer was not retrieved
        hint = self.source.for_training(truth, feature, generator, answer)
        hint = hint._replace(neighbours=nothing)
        share = self.share * min(1.0, self.step.item() / self.ramp_steps)
        answered = torch.rand(rows, generator=generator).to(device) < share
        refinement_steps = torch.randint(
            1, self.refinement_steps + 1, (rows,), generator=generator
        ).to(device)
        answers = hint
        for index in range(self.refinement_steps):
            pose = answer(feature, answers)
            self._observe(index, pose, truth)
            answers = answers._replace(
                pose=pose,
                sigma_t_m=self.sigma_t_m[index].expand(rows),
                sigma_r_rad=self.sigma_r_rad[index].expand(rows),
            )
            now = answered & (refinement_steps == index + 1)
            hint = Hint(
                pose.where(now, hint.pose),
                torch.where(now, answers.sigma_t_m, hint.sigma_t_m),
                torch.where(now, answers.sigma_r_rad, hint.sigma_r_rad),
                hint.neighbours,
            )
        self.step += 1
        return hint

    def _observe(self, index: int, pose: Pose, truth: Pose) -> None:
        """Take the errors of a pass's answers (B,) into their running mean."""
        fresh = 1.0 - MEMORY if self.step > 0 else 1.0
        for mean, value in zip(
            (self.sigma_t_m, self.sigma_r_rad), robust_sigma(pose, truth), strict=True
        ):
            mean[index] += fresh * (value - mean[index])
