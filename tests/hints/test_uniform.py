import torch
from poses import generator, no_answer, random_poses, sequences

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.hints.protocol import robust_sigma
from hinted_posenet.hints.trivial import UniformHints

TRUTH = random_poses(2000)
FEATURE = torch.zeros(2000, 1)


def fitted() -> UniformHints:
    source = UniformHints()
    source.fit(TRUTH, FEATURE, sequences(2000))
    return source


def test_hints_fill_the_scene_and_say_nothing_of_the_truth():
    hint = fitted().for_training(TRUTH, FEATURE, generator(), no_answer)
    low, high = TRUTH.t.quantile(0.025, dim=0), TRUTH.t.quantile(0.975, dim=0)
    share = (hint.pose.t - low) / (high - low)
    assert (share.sort(dim=0).values - torch.linspace(0, 1, 2000).unsqueeze(1)).abs().max() < 0.05
    assert torch.corrcoef(torch.cat([hint.pose.t.T, TRUTH.t.T]))[:3, 3:].abs().max() < 0.1
    known = rotation_angle(hint.pose.q[:50].unsqueeze(1), TRUTH.q.unsqueeze(0)).min(dim=1).values
    assert known.max() < 1e-3


def test_sigma_is_what_they_err_by():
    hint = fitted().for_training(TRUTH, FEATURE, generator(5), no_answer)
    for stated, seen in zip(
        (hint.sigma_t_m[0], hint.sigma_r_rad[0]), robust_sigma(hint.pose, TRUTH), strict=True
    ):
        torch.testing.assert_close(stated, seen, rtol=0.1, atol=0.0)


def test_a_label_that_is_kilometres_off_does_not_widen_the_scene():
    t = TRUTH.t.clone()
    t[3] = 1e6
    source = UniformHints()
    source.fit(TRUTH._replace(t=t), FEATURE, sequences(2000))
    assert source.high_m.max() < 50.0
