"""Retrieval hint: the pose of the training image whose feature is nearest. Also the retrieval baseline."""

from torch import Tensor

from hinted_posenet.hint.memory import Memory
from hinted_posenet.hint.sigma import MeasuredSigma
from hinted_posenet.types import Hint, Pose, Query


class RetrievalHint(MeasuredSigma):
    """The most similar training image, or of those that look alike the one that a sensor's prior is nearest to.

    Sigma is unknown (inf) until ``calibrate`` has seen the validation split: neighbours *within* a
    training sequence are far closer than those of a new one.
    """

    oracle = False

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G)."""
        self.memory.fit(truth, feature)

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of ``hint`` (N,) on the validation poses ``truth`` (N,)."""
        self.measure(hint.pose, truth)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The nearest training pose (B,) for features (B, C, G, G)."""
        rows = self.memory.nearest(feature, query.prior, count=1)
        return self.hint(self.memory.pose(rows[:, 0]), rows)
