"""Gaussian process regression from image features to poses. A control: the best of smooth interpolation."""

import itertools

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix, rotation_matrix_to_quaternion
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import robust_box
from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.protocol import InferenceHints
from hinted_posenet.hints.retrieval_database import evenly_spaced, unit

LENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)  # cosine distances over which the kernel falls by a factor e
NOISES = (1e-3, 1e-2, 1e-1)  # variance of the labels beside the kernel's
LIMIT = 4000  # training images that are used, evenly spaced: time grows with their number cubed


class KernelRegression(InferenceHints):
    """The posterior mean of positions and rotation matrices, these made rotations again (chordal mean).

    The kernel is exp((cosine similarity - 1) / length). Length and noise are those with the smallest error on
    training images when their own sequence is left out.
    """

    feature: Tensor  # (N, C * G * G) unit rows, float16
    weight: Tensor  # (N, 12)
    mean: Tensor  # (12,) position in metres, rotation matrix
    scale: Tensor  # (12,)
    length: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("feature", torch.empty(0, 0, dtype=torch.float16))
        self.register_buffer("weight", torch.empty(0, 12))
        self.register_buffer("mean", torch.zeros(12))
        self.register_buffer("scale", torch.ones(12))
        self.register_buffer("length", torch.tensor(LENGTHS[0]))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Regress poses (N,) on features (N, C, G, G); sequences (N,) say what to leave out."""
        keep = evenly_spaced(len(truth.t), LIMIT)
        rows = unit(feature[keep])
        matrix = quaternion_to_rotation_matrix(truth.q[keep]).flatten(1)
        target = torch.cat([truth.t[keep], matrix], dim=1)
        self.mean.copy_(target.mean(dim=0))
        self.scale[:3] = robust_box(truth.t)[1]
        target = (target - self.mean) / self.scale
        similarity = rows @ rows.T
        blocks = [torch.nonzero(sequence[keep] == s)[:, 0] for s in set(sequence[keep].tolist())]
        best = torch.inf
        for length, noise in itertools.product(LENGTHS, NOISES):
            kernel = ((similarity - 1.0) / length).exp()
            kernel.diagonal().add_(noise)
            inverse = torch.cholesky_inverse(torch.linalg.cholesky(kernel))
            weight = inverse @ target
            # a block's residuals if it is left out, without solving again (Rasmussen, Williams 2006, 5.4.2)
            parts = [torch.linalg.solve(inverse[b][:, b], weight[b]) for b in blocks]
            residual = torch.cat(parts).square()
            errors = [
                e.sum(dim=1).sqrt().quantile(0.5) for e in torch.split(residual, [3, 9], dim=1)
            ]
            if sum(errors) < best:
                best = float(sum(errors))
                self.weight = weight
                self.length.fill_(length)
        self.feature = rows.half()

    @in_float32
    def at_inference(self, query: Query, feature: Tensor) -> Hint:
        """Return the posterior mean (B,) for features (B, C, G, G), with sigma inf; ignore the query's prior."""
        kernel = ((unit(feature) @ self.feature.float().T - 1.0) / self.length).exp()
        pose = self.mean + self.scale * (kernel @ self.weight)
        u, _, vh = torch.linalg.svd(pose[:, 3:].view(-1, 3, 3))
        u[..., 2] *= torch.linalg.det(u @ vh).sign().unsqueeze(-1)
        q = normalize(rotation_matrix_to_quaternion(u @ vh), dim=-1)
        unknown = pose.new_full((len(pose),), torch.inf)
        return Hint.isotropic(Pose(pose[:, :3], q), unknown, unknown)
