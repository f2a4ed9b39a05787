import pytest
import torch
from poses import INF, hints, random_poses

from hinted_posenet.models.encoding import HintCode


@pytest.mark.parametrize("sigma_t_m", [1e-9, 1.0, 1e9, INF])
@pytest.mark.parametrize("sigma_r_rad", [1e-9, 1.0, 1e9, INF])
def test_finite_whatever_sigma_is(frame, sigma_t_m, sigma_r_rad):
    code = HintCode()(hints(random_poses(50), sigma_t_m, sigma_r_rad), frame)
    assert code.shape == (50, HintCode().size)
    assert code.isfinite().all()


def test_no_hint_is_zeros(frame):
    assert not HintCode()(hints(random_poses(50), INF, INF), frame).any()


def test_half_a_hint_leaves_the_other_half_zero(frame):
    poses = random_poses(50)
    without_t = HintCode()(hints(poses, INF, 0.1), frame)
    without_r = HintCode()(hints(poses, 1.0, INF), frame)
    assert not (without_t.bool() & without_r.bool()).any()
    assert without_t.any()
    assert without_r.any()


def test_both_signs_of_a_quaternion_are_one_hint(frame):
    poses = random_poses(50)
    other = poses._replace(q=-poses.q)
    code = HintCode()
    torch.testing.assert_close(code(hints(poses, 1, 1), frame), code(hints(other, 1, 1), frame))


def test_a_sharp_hint_tells_near_positions_apart_and_a_vague_one_does_not(frame):
    poses = random_poses(50)
    near = poses._replace(t=poses.t + 0.05 * frame.scale_m)

    def distance(sigma: float):
        sigma_t_m = sigma * frame.scale_m.item()
        a, b = (HintCode()(hints(p, sigma_t_m, INF), frame) for p in (poses, near))
        return (a - b).norm(dim=-1)

    assert (distance(0.001) > 10 * distance(1.0)).all()
    assert (distance(1.0) > 10 * distance(100.0)).all()
