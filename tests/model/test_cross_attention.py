import pytest
import torch
from poses import INF, hints, random_poses

from hinted_posenet.model.frame import SceneFrame
from hinted_posenet.model.head.cross_attention import CrossAttentionHead
from hinted_posenet.model.rotation import Quaternion


@pytest.fixture
def frame() -> SceneFrame:
    frame = SceneFrame()
    frame.fit(random_poses(100))
    return frame


@pytest.fixture
def head() -> CrossAttentionHead:
    torch.manual_seed(0)
    return CrossAttentionHead(8, 5, Quaternion(), 16, 32, 0.1).eval()


def test_answers_look_at_hint_image_and_where_in_the_image(head, frame):
    feature = torch.randn(3, 8, 5, 5)
    hint = hints(random_poses(3, seed=1), 1.0, 0.1)
    answers = [
        head(feature, hint, frame).t,
        head(feature, hints(random_poses(3, seed=2), 1.0, 0.1), frame).t,
        head(torch.randn(3, 8, 5, 5), hint, frame).t,
        head(feature.flip(-1), hint, frame).t,
    ]
    for other in answers[1:]:
        assert not torch.allclose(answers[0], other, atol=1e-4)


def test_what_stands_in_a_pose_without_sigma_is_not_seen(head, frame):
    feature = torch.randn(3, 8, 5, 5)
    answers = [
        head(feature, frame.resolve(hints(random_poses(3, seed=seed), INF, INF)), frame)
        for seed in (1, 2)
    ]
    assert torch.equal(answers[0].t, answers[1].t)


def test_gradients_reach_every_parameter(head, frame):
    pose = head(torch.randn(3, 8, 5, 5), hints(random_poses(3), 1.0, 0.1), frame)
    (pose.t.sum() + pose.q.sum()).backward()
    missing = [name for name, p in head.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []
