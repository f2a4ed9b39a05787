"""Distinct places: from modes that are written down, from a head's own, and from several starts."""

import pytest
import torch
from poses import INF, hints, query, random_poses, sequences
from tiny import OneConvolution, small_localizer

from hinted_posenet.core.types import Hint, Modes, Pose
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.hints.trivial import NoHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.modes import distinct, modes_of
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.posenet import GridPool, PoseNet

HERE, THERE, BESIDE, FAR = 0.0, 100.0, 101.0, 300.0
UPRIGHT, TURNED = [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]


def along_x(x_m: list[float], q: list[list[float]] | None = None) -> Pose:
    """Cameras (K,) on a line."""
    x = torch.tensor(x_m)
    return Pose(torch.stack([x, 0 * x, 0 * x], dim=1), torch.tensor(q or [UPRIGHT] * len(x_m)))


def line(weights: list[float], x_m: list[float], sigma_m: float = 1.0) -> Modes:
    """Modes (1, K) on a line."""
    one = hints(along_x(x_m), sigma_m, 0.1)
    pose = Pose(*(part.unsqueeze(0) for part in one.pose))
    return Modes(torch.tensor([weights]).log(), pose, one.covariance.unsqueeze(0))


def weights(modes: Modes) -> list[float]:
    return modes.log_weight[0].exp().tolist()


def x_m(modes: Modes) -> list[float]:
    return modes.pose.t[0, :, 0].tolist()


def test_modes_of_one_place_are_merged_and_the_heaviest_pose_is_kept():
    modes = line([0.1, 0.2, 0.3, 0.4], [FAR, HERE, BESIDE, THERE])
    found = distinct(modes, modes.likeliest(), 3)
    assert x_m(found) == [THERE, HERE, FAR]
    assert weights(found) == pytest.approx([0.7, 0.2, 0.1])
    assert weights(distinct(modes, modes.likeliest(), 2)) == pytest.approx([7 / 9, 2 / 9])


def test_others_are_in_the_order_of_their_merged_weight():
    modes = line([0.4, 0.25, 0.15, 0.2], [FAR, HERE, THERE, BESIDE])
    assert x_m(distinct(modes, modes.likeliest(), 3)) == [FAR, BESIDE, HERE]


def test_the_first_is_what_was_answered_whatever_its_weight():
    modes = line([0.3, 0.7], [HERE, THERE])
    moved = Hint(along_x([HERE + 0.5]), modes.covariance[:, 0])
    found = distinct(modes, moved, 3)
    assert x_m(found) == [HERE + 0.5, THERE, HERE + 0.5]
    assert weights(found) == pytest.approx([0.3, 0.7, 0.0])
    # an answer that left all of them is what became of the heaviest
    left = distinct(modes, Hint(along_x([FAR]), modes.covariance[:, 0]), 2)
    assert x_m(left) == [FAR, HERE]
    assert weights(left) == pytest.approx([0.7, 0.3])


def test_one_place_in_two_directions_is_two_modes():
    modes = line([0.6, 0.4], [HERE, HERE])
    modes = modes._replace(pose=Pose(modes.pose.t, torch.tensor([[UPRIGHT, TURNED]])))
    assert weights(distinct(modes, modes.likeliest(), 2)) == pytest.approx([0.6, 0.4])


def test_a_vague_mode_is_no_place_beside_a_sharp_one():
    modes = line([0.6, 0.4], [HERE, THERE])
    modes.covariance[0, 1] *= 50.0**2
    assert weights(distinct(modes, modes.likeliest(), 2)) == pytest.approx([1.0, 0.0])


def retrieving(prior: Hint | None = None) -> tuple[LocalizerModule, torch.Tensor]:
    """Two places, 100 m apart, that look exactly alike, and others that do not."""
    localizer = small_localizer("residual", RetrievalHint(), refinement_steps=2).eval()
    others = [1000.0 + 50.0 * i for i in range(20)]
    truth = along_x([HERE, THERE, *others])
    feature = torch.randn(len(truth.t), 8, 2, 2)
    feature[1] = feature[0]
    localizer.fit(truth, feature, sequences(len(truth.t), of=2))
    localizer.inference_hint.measure(Pose(truth.t + 1.0, truth.q), truth)
    localizer.model.step_sigma_t_m.fill_(2.0)
    localizer.model.step_sigma_r_rad.fill_(0.1)
    return localizer, feature[:1]


@torch.no_grad()
def test_starts_at_places_that_look_alike_are_modes_of_equal_weight():
    localizer, feature = retrieving()
    asked = query(1, feature)
    prediction = localizer.predict(asked)
    found = modes_of(localizer, asked, prediction)
    assert torch.equal(found.pose.t[:, 0], prediction.poses[-1].t)
    assert torch.equal(found.pose.q[:, 0], prediction.poses[-1].q)
    assert weights(found)[:2] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert sorted(x_m(found)[:2]) == pytest.approx([HERE, THERE], abs=20.0)


@torch.no_grad()
def test_a_hint_chooses_among_places_that_look_alike():
    localizer, feature = retrieving()
    for place in (HERE, THERE):
        prior = hints(along_x([place]), 5.0, INF)
        asked = query(1, feature, prior)
        found = modes_of(localizer, asked, localizer.predict(asked))
        assert x_m(found)[0] == pytest.approx(place, abs=20.0)
        assert weights(found)[0] > 0.8  # cameras are 50 m apart


class LineHead(Head):
    """Has modes of its own; answers with the likeliest."""

    def __init__(self, modes: Modes):
        super().__init__()
        self.known = modes

    def estimate(self, feature, hint, frame):
        return self.modes(feature, hint, frame).likeliest()

    def forward(self, feature, hint, frame):
        return self.estimate(feature, hint, frame).pose

    def modes(self, feature, hint, frame):
        rows = len(feature)
        t, q = (part.expand(rows, -1, -1) for part in self.known.pose)
        covariance = self.known.covariance.expand(rows, -1, -1, -1)
        return Modes(self.known.log_weight.expand(rows, -1), Pose(t, q), covariance)


@torch.no_grad()
def test_an_answer_that_is_doubted_does_not_hide_the_other_modes():
    head = LineHead(line([0.6, 0.4], [HERE, THERE]))
    localizer = LocalizerModule(PoseNet(OneConvolution(), GridPool(2), lambda *_: head), NoHint())
    asked = query(3)
    prediction = localizer.predict(asked)
    (answer,) = prediction.answers
    wider = answer._replace(covariance=1e6 * answer.covariance)  # since it may be the other place
    found = modes_of(localizer, asked, prediction._replace(answers=[wider]))
    assert weights(found) == pytest.approx([0.6, 0.4, 0.0])
    assert torch.equal(found.covariance[:, :2], head.known.covariance.expand(3, -1, -1, -1))


@torch.no_grad()
def test_a_network_with_one_answer_has_one_mode():
    localizer = small_localizer("plain").eval()
    asked = query(4)
    found = modes_of(localizer, asked, localizer.predict(asked), 2)
    assert found.log_weight.exp().tolist() == [[1.0, 0.0]] * 4
    assert torch.equal(found.pose.t[:, 0], found.pose.t[:, 1])


@torch.no_grad()
def test_modes_do_not_depend_on_the_rest_of_the_batch():
    localizer, feature = retrieving()
    features = torch.cat([feature, torch.randn(5, 8, 2, 2)])
    together, alone = (
        query(len(f), f, hints(random_poses(len(f)), INF, INF)) for f in (features, feature)
    )
    many, one = (modes_of(localizer, q, localizer.predict(q)) for q in (together, alone))
    torch.testing.assert_close(many.pose.t[:1], one.pose.t)
    torch.testing.assert_close(many.log_weight[:1].exp(), one.log_weight.exp())
