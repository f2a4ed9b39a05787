"""Retrieval hint: the pose of the training image whose feature is nearest. Also the retrieval baseline."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.hint.sigma import robust_sigma
from hinted_posenet.types import Hint, Pose, Query


class RetrievalHint(nn.Module):
    """Cosine similarity of whole pooled features (flattened grid), half precision in memory.

    Sigma is unknown (inf) until ``calibrate`` has seen the validation split: neighbours *within* a
    training sequence are far closer than those of a new one.
    """

    oracle = False
    memory: Tensor  # (N, C * G * G) unit rows, float16
    t_m: Tensor  # (N, 3)
    q: Tensor  # (N, 4)
    sigma_t_m: Tensor  # ()
    sigma_r_rad: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("memory", torch.empty(0, 0, dtype=torch.float16))
        self.register_buffer("t_m", torch.empty(0, 3))
        self.register_buffer("q", torch.empty(0, 4))
        self.register_buffer("sigma_t_m", torch.tensor(torch.inf))
        self.register_buffer("sigma_r_rad", torch.tensor(torch.inf))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Remember the training set: poses (N,), features (N, C, G, G)."""
        self.memory = normalize(feature.flatten(1).float(), dim=-1).half()
        self.t_m, self.q = truth.t.clone(), truth.q.clone()

    def calibrate(self, hint: Hint, truth: Pose) -> None:
        """Set sigma to the errors of ``hint`` (N,) on the validation poses ``truth`` (N,)."""
        for buffer, value in zip(
            (self.sigma_t_m, self.sigma_r_rad), robust_sigma(hint.pose, truth), strict=True
        ):
            buffer.copy_(value)

    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """The nearest training pose (B,) for features (B, C, G, G)."""
        wanted = normalize(feature.flatten(1).float(), dim=-1)
        best = wanted.new_full((len(wanted),), -math.inf)
        index = torch.zeros(len(wanted), dtype=torch.long, device=wanted.device)
        for chunk, rows in enumerate(torch.split(self.memory, 4096)):  # bounds the float32 copy
            similarity, nearest = (wanted @ rows.float().T).max(dim=1)
            better = similarity > best
            best = torch.where(better, similarity, best)
            index = torch.where(better, nearest + chunk * 4096, index)
        return Hint(
            Pose(self.t_m[index], self.q[index]),
            self.sigma_t_m.expand(len(wanted)),
            self.sigma_r_rad.expand(len(wanted)),
        )
