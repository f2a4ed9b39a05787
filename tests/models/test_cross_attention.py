import torch
from poses import hints, random_poses

from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.cross_attention import CrossAttentionHead


def test_answers_look_at_hint_image_and_where_in_the_image(frame):
    head = CrossAttentionHead(8, 5, Quaternion(), 16, 32, 0.1).eval()
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
