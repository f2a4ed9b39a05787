"""Cascaded training hints: the network's own answers, so that later refinement steps see realistic hints."""

from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Generator, Tensor

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.protocol import Answer, TrainingHints, robust_sigma, sent

DECAY = 0.99  # of the running mean of an answer's errors, per step


class CascadedHints(TrainingHints):
    """Hints of another source, some of which the network has answered once or several times over.

    They are introduced gradually, since an untrained network's answers teach nothing. The sigma of an answer is
    the running mean of such answers' errors. Dropout is on while answering, as in the training step that follows.
    """

    step: Tensor  # () int64
    sigma_t_m: Tensor  # (refinement_steps,)
    sigma_r_rad: Tensor  # (refinement_steps,)

    def __init__(
        self,
        source: TrainingHints,
        refinement_steps: Annotated[int, Ge(1)],
        share: Annotated[float, Ge(0), Le(1)],
        ramp_steps: Annotated[int, Ge(1)],
    ):
        super().__init__()
        self.source = source
        self.refinement_steps = refinement_steps
        self.share = share
        self.ramp_steps = ramp_steps
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("sigma_t_m", torch.zeros(refinement_steps))
        self.register_buffer("sigma_r_rad", torch.zeros(refinement_steps))

    @property
    def remembers_features(self) -> bool:
        """Whether its source does."""
        return self.source.remembers_features

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Let the source measure the training set: poses (N,), features (N, C, G, G), sequences (N,)."""
        self.source.fit(truth, feature, sequence)

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Return hints (B,) for training poses (B,) with features (B, C, G, G)."""
        rows, device = len(truth.t), truth.t.device
        # an answer was not retrieved
        nothing = torch.empty(rows, 0, dtype=torch.int64, device=device)
        hint = self.source.for_training(truth, feature, generator, answer)
        hint = hint._replace(neighbours=nothing)
        share = self.share * (self.step.double() / self.ramp_steps).clamp_max(1.0)
        draw, last = sent(
            device,
            torch.rand(rows, generator=generator),
            torch.randint(self.refinement_steps, (rows,), generator=generator),
        )
        answered = draw < share
        answers = hint
        # weight in the running mean of errors
        fresh = torch.where(self.step > 0, 1.0 - DECAY, 1.0)
        for index in range(self.refinement_steps):
            pose = answer(feature, answers)
            sigma_t_m, sigma_r_rad = robust_sigma(pose, truth)
            self.sigma_t_m[index] += fresh * (sigma_t_m - self.sigma_t_m[index])
            self.sigma_r_rad[index] += fresh * (sigma_r_rad - self.sigma_r_rad[index])
            answers = Hint.isotropic(pose, self.sigma_t_m[index], self.sigma_r_rad[index], nothing)
            now = answered & (last == index)
            hint = Hint(
                pose.where(now, hint.pose),
                answers.covariance.where(now[:, None, None], hint.covariance),
                hint.neighbours,
            )
        self.step += 1
        return hint
