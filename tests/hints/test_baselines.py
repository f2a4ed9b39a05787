"""k-NN interpolation and kernel regression, on features that change smoothly with the pose."""

import pytest
import torch
from poses import query, random_quaternions
from torch import Tensor

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.hints.kernel import KernelRegression
from hinted_posenet.hints.retrieval import NearestNeighbours, RetrievalHint

BASELINES = [NearestNeighbours, KernelRegression]
each_baseline = pytest.mark.parametrize("baseline", BASELINES)


def smooth(count: int, seed: int) -> tuple[Pose, Tensor]:
    """Poses and features (N, 16, 2, 2) that are smooth functions of two hidden numbers."""
    hidden = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed))
    fixed = torch.Generator().manual_seed(7)
    weight, phase = 3 * torch.randn(2, 64, generator=fixed), 6 * torch.rand(64, generator=fixed)
    turn = torch.cat([hidden, hidden.sum(dim=1, keepdim=True)], dim=1)
    q = compose_rotvec(random_quaternions(1, seed=3), turn)
    t = torch.cat([10 * hidden, hidden[:, :1].square()], dim=1) + 100.0
    return Pose(t, q), (hidden @ weight + phase).sin().view(count, 16, 2, 2)


TRUTH, FEATURE = smooth(300, seed=0)
ASKED, LOOKS = smooth(100, seed=1)
SEQUENCE = torch.arange(300) % 5


def errors(pose: Pose) -> tuple[float, float]:
    return (
        (pose.t - ASKED.t).norm(dim=-1).median().item(),
        rotation_angle(pose.q, ASKED.q).median().item(),
    )


@each_baseline
def test_interpolation_beats_the_nearest_image(baseline):
    source, retrieval = baseline(), RetrievalHint()
    for one in (source, retrieval):
        one.fit(TRUTH, FEATURE, SEQUENCE)
    pose = source.at_inference(query(100, LOOKS), LOOKS).pose
    nearest = errors(retrieval.at_inference(query(100, LOOKS), LOOKS).pose)
    assert errors(pose)[0] < 0.6 * nearest[0]
    assert errors(pose)[1] < 0.6 * nearest[1]
    torch.testing.assert_close(pose.q.norm(dim=-1), torch.ones(100))


def test_weights_are_chosen_with_the_own_sequence_left_out():
    # every image was taken twice in a row, and looks like nothing else
    twins = torch.arange(300) // 2
    truth = Pose(TRUTH.t[twins], TRUTH.q[twins])
    looks = torch.randn(150, 16, 2, 2, generator=torch.Generator().manual_seed(0))[twins]
    trusting, careful = NearestNeighbours(), NearestNeighbours()
    trusting.fit(truth, looks, torch.arange(300))
    careful.fit(truth, looks, twins)
    assert careful.temperature > trusting.temperature
