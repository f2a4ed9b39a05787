"""Random poses and hints for tests; equal samples."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.offset import NO_OFFSET
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query, Sample
from hinted_posenet.data.posed_images import map_tensors
from hinted_posenet.inference.place import Place

INF = float("inf")
PLACE = Place(
    torch.tensor([[64.0, 0.0, 32.0], [0.0, 64.0, 32.0], [0.0, 0.0, 1.0]], dtype=torch.float64),
    torch.zeros(1, 3, dtype=torch.float64),
    None,
    NO_OFFSET,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_quaternions(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """(N, 4), uniform over rotations and both signs."""
    return normalize(torch.randn(count, 4, generator=generator(seed), dtype=torch.float64)).to(
        dtype
    )


def random_poses(
    count: int, seed: int = 0, dtype: torch.dtype = torch.float32, half_extent_m: float = 10.0
) -> Pose:
    t = half_extent_m * torch.randn(count, 3, generator=generator(seed + 1), dtype=torch.float64)
    return Pose(t.to(dtype), random_quaternions(count, seed, dtype))


def sequences(count: int, of: int = 1) -> Tensor:
    """Which of ``of`` sequences each of ``count`` training images was taken on, one after the other."""
    return torch.arange(count) * of // count


def hints(pose: Pose, sigma_t_m: float, sigma_r_rad: float) -> Hint:
    ones = pose.t.new_ones(len(pose.t))
    return Hint.isotropic(
        pose, sigma_t_m * ones, sigma_r_rad * ones, NO_NEIGHBOURS.expand(len(ones), 0)
    )


def no_answer(feature: Tensor, hint: Hint) -> Pose:
    raise AssertionError("these hints need no network")


def query(count: int, feature: Tensor | None = None, prior: Hint | None = None) -> Query:
    """Queries that hold features (N, C, G, G) in place of images."""
    return Query(
        image=torch.empty(count, 0),
        feature=torch.randn(count, 8, 2, 2) if feature is None else feature,
        K=torch.eye(3).expand(count, 3, 3),
        prior=prior or hints(random_poses(count), INF, INF),
        name=[f"frame-{i}" for i in range(count)],
        scene=torch.zeros(count, dtype=torch.int64),
    )


def assert_same(a: Sample, b: Sample) -> None:
    """To the bit, names too."""
    assert list(a.query.name) == list(b.query.name)
    map_tensors(lambda ours, theirs: torch.testing.assert_close(ours, theirs, rtol=0, atol=0), a, b)
