import pytest
import torch
from poses import INF, hints, random_poses

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.models.backbones.timm import TimmBackbone
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.film import FilmHead, later_stages


@pytest.fixture
def head() -> FilmHead:
    torch.manual_seed(0)
    return FilmHead(112, 4, Quaternion(), TimmBackbone(), 16, 0.0, 8, 2)


def spread(head: FilmHead) -> FilmHead:
    for parameter in head.film.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return head


def test_an_earlier_map_and_the_later_stages_make_the_last_map():
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        (x,) = TimmBackbone(stage=-2).eval()(image)
        (expected,) = TimmBackbone().eval()(image)
        for stage in later_stages(TimmBackbone().eval(), 112):
            x = stage(x)
    torch.testing.assert_close(x, expected, rtol=1e-4, atol=1e-5)


def test_starts_without_a_look_at_the_hint_and_learns_to_look(head, frame):
    feature = torch.randn(3, 112, 4, 4)
    here, there = (hints(random_poses(3, seed=seed), 1.0, 0.1) for seed in (1, 2))
    head.eval()
    assert torch.equal(head(feature, here, frame).t, head(feature, there, frame).t)
    spread(head)
    assert not torch.allclose(head(feature, here, frame).t, head(feature, there, frame).t)


def test_what_stands_in_a_pose_without_sigma_does_not_reach_the_image(head, frame):
    feature = torch.randn(3, 112, 4, 4)
    spread(head).eval()
    answers = [
        head(feature, frame.resolve(hints(random_poses(3, seed=seed), INF, INF)), frame)
        for seed in (1, 2)
    ]
    assert torch.equal(answers[0].t, answers[1].t)


def test_scales_shifts_and_regressor_learn_and_the_stages_stay(head, frame):
    before = {name: value.clone() for name, value in head.stages.state_dict().items()}
    truth = random_poses(4)
    optimizer = torch.optim.SGD([p for p in head.parameters() if p.requires_grad], lr=0.1)
    head.train()
    pose: Pose = head(torch.randn(4, 112, 4, 4), hints(truth, 1.0, 0.1), frame)
    (pose.t - truth.t).abs().mean().backward()
    assert all(layer.weight.grad.any() for layer in head.film)
    optimizer.step()
    after = head.stages.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize("channels", [320, 111])
def test_a_map_that_no_stage_follows_on_names_the_fix(channels):
    with pytest.raises(InputError, match=r"backbone\.stage=-2"):
        later_stages(TimmBackbone(weights=None), channels)
