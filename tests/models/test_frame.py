import pytest
import torch
from poses import INF, hints, random_poses

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import mean_quaternion
from hinted_posenet.core.types import Pose
from hinted_posenet.models.encoding import SceneFrame


@pytest.fixture
def frame() -> SceneFrame:
    frame = SceneFrame()
    t, q = random_poses(300)
    frame.fit(Pose(t + torch.tensor([5000.0, -300.0, 40.0]), q))
    return frame


def test_metres_to_unit_and_back(frame):
    t = 50 * torch.randn(100, 3) + frame.center_m
    torch.testing.assert_close(frame.to_metres(frame.to_unit(t)), t, rtol=0, atol=1e-3)


def test_training_positions_fill_the_unit_box():
    frame, (t, q) = SceneFrame(), random_poses(300)
    frame.fit(Pose(1000 * t + 3e5, q))
    largest = frame.to_unit(1000 * t + 3e5).abs().amax(dim=-1)
    assert largest.quantile(0.95) == pytest.approx(1.0, abs=0.01)


def test_one_scale_for_all_axes_keeps_directions(frame):
    a, b = random_poses(2, seed=5)[0]
    moved = frame.to_unit(a) - frame.to_unit(b)
    torch.testing.assert_close(moved * frame.scale_m, a - b, rtol=0, atol=1e-2)


@pytest.mark.parametrize("known_t", [True, False])
@pytest.mark.parametrize("known_r", [True, False])
def test_resolve_replaces_only_what_is_unknown(frame, known_t, known_r):
    hint = hints(random_poses(5), 1.0 if known_t else INF, 0.1 if known_r else INF)
    resolved = frame.resolve(hint)
    t = hint.pose.t if known_t else frame.center_m.expand(5, 3)
    q = hint.pose.q if known_r else frame.mean_q.expand(5, 4)
    assert torch.equal(resolved.pose.t, t)
    assert torch.equal(resolved.pose.q, q)
    assert torch.equal(resolved.sigma_t_m, hint.sigma_t_m)


def test_resolve_drops_even_nan(frame):
    nothing = Pose(torch.full((2, 3), torch.nan), torch.full((2, 4), torch.nan))
    assert frame.resolve(hints(nothing, INF, INF)).pose.t.isfinite().all()
    assert frame.resolve(hints(nothing, INF, INF)).pose.q.isfinite().all()


def test_the_scene_mean_is_the_mean_rotation(frame):
    torch.testing.assert_close(frame.mean_q, mean_quaternion(random_poses(300).q))


@pytest.mark.parametrize("t", [torch.empty(0, 3), torch.tensor([[0.0, torch.nan, 0.0]])])
def test_refuses_to_fit_nothing_or_nan(t):
    with pytest.raises(InputError, match="training positions"):
        SceneFrame().fit(Pose(t, torch.ones(len(t), 4)))
