"""A mixture of training hints: each sample's comes from one of several sources."""

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.protocol import Answer, TrainingHints, sent


class MixedHints(TrainingHints):
    """Chooses a source for every sample, with given odds.

    A hint has as many neighbours as every source gives. Most give none, and then there are none: Hinted Memory
    needs ``leave_one_out`` alone. A source without a weight is not used.
    """

    odds: Tensor  # (sources,)

    def __init__(self, sources: Mapping[str, TrainingHints], weights: Mapping[str, float]):
        super().__init__()
        for name, weight in weights.items():
            if name not in sources:
                raise InputError(
                    f"train_hint.weights.{name}: no such source; choose {', '.join(sources)}"
                )
            if not 0 <= weight < math.inf:
                raise InputError(
                    f"train_hint.weights.{name}={weight}: must be a number of at least 0"
                )
        used = {name: weight for name, weight in weights.items() if weight > 0}
        if not used:
            raise InputError("train_hint.weights: at least one must be above 0")
        self.sources: dict[str, TrainingHints] = {name: sources[name] for name in used}
        self.parts = nn.ModuleList(self.sources.values())
        # odds are drawn on the CPU, where asking a GPU for them would wait for it
        self._weights = torch.tensor(list(used.values()), dtype=torch.float32)
        self.register_buffer("odds", self._weights.clone())

    @property
    def remembers_features(self) -> bool:
        """Whether one of its sources does."""
        return any(source.remembers_features for source in self.sources.values())

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Let every source measure the training set: poses (N,), features (N, C, G, G), sequences (N,)."""
        for source in self.sources.values():
            source.fit(truth, feature, sequence)

    def for_training(
        self, truth: Pose, feature: Tensor, generator: Generator, answer: Answer
    ) -> Hint:
        """Return hints (B,), each from one source."""
        rows, device = len(truth.t), truth.t.device
        which = self._weights.multinomial(rows, replacement=True, generator=generator)
        which = sent(device, which)[0]
        sources = self.sources.values()
        hints = [source.for_training(truth, feature, generator, answer) for source in sources]
        at = torch.arange(rows, device=device)
        count = min(hint.neighbours.shape[-1] for hint in hints)
        none = torch.empty(rows, 0, dtype=torch.int64, device=device)
        neighbours = [hint.neighbours[..., :count] if count else none for hint in hints]
        parts = [(*hint.pose, hint.covariance) for hint in hints]
        columns = (*zip(*parts, strict=True), neighbours)
        t, q, *rest = (torch.stack(list(column))[which, at] for column in columns)
        return Hint(Pose(t, q), *rest)
