"""The head learns to look around on a small synthetic ground: a field of features, seen from above."""

import copy

import pytest
import torch
from poses import INF, generator, hints, no_answer, query, sequences
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from hinted_posenet.core.geometry import compose_rotvec, rotate, rotation_angle
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.retrieval import LeaveOneOutHints, RetrievalHint
from hinted_posenet.models.encoding import Quaternion, SceneFrame
from hinted_posenet.models.heads.hinted_memory import HintedMemoryHead

CHANNELS, GRID, FOCAL = 6, 6, 1.7
WIDTH_M, HEIGHT_M, CELL_M = 10.0, 2.0, 1.25


def flown(count: int, seed: int) -> Pose:
    """Cameras over the ground, looking down (z forward is down), turned by up to some degrees."""
    draw = torch.rand(count, 6, generator=generator(seed)) - 0.5
    down = torch.tensor([0.0, 1.0, 0.0, 0.0])  # half a turn about x
    turn = 0.3 * draw[:, 3:] * torch.tensor([0.2, 0.2, 1.0])
    t = draw[:, :3] * torch.tensor([WIDTH_M, WIDTH_M, 0.4]) + torch.tensor([0.0, 0.0, HEIGHT_M])
    return Pose(t, compose_rotvec(down, turn))


def looks(pose: Pose, period_m: float = 2 * WIDTH_M) -> Tensor:
    """Features (B, C, G, G): the ground's field where each cell's ray meets it; it repeats after ``period_m``."""
    cells = round(period_m / CELL_M)
    field = torch.randn(1, CHANNELS, cells, cells, generator=generator(9))
    field = interpolate(field, size=(256, 256), mode="bicubic")
    center = (torch.arange(GRID) + 0.5) / GRID * 2 - 1
    y, x = torch.meshgrid(center, center, indexing="ij")
    ray = torch.stack([x / FOCAL, y / FOCAL, torch.ones_like(x)], dim=-1).view(1, -1, 3)
    ray = rotate(pose.q.unsqueeze(1), ray.expand(len(pose.t), -1, 3))
    ground = pose.t.unsqueeze(1) - ray * (pose.t[:, None, 2:] / ray[..., 2:])
    at = torch.remainder(ground[..., :2] / period_m, 1.0) * 2 - 1
    seen = grid_sample(field.expand(len(at), -1, -1, -1), at.unsqueeze(1), align_corners=False)
    return seen.view(len(at), CHANNELS, GRID, GRID) + 2.0


TRAIN, TEST = flown(500, seed=0), flown(100, seed=1)


def fitted() -> tuple[HintedMemoryHead, SceneFrame]:
    torch.manual_seed(0)
    head, frame = HintedMemoryHead(CHANNELS, GRID, Quaternion(), 12, 64, neighbours=6), SceneFrame()
    head.fit(TRAIN, looks(TRAIN), sequences(len(TRAIN.t), of=5))
    frame.fit(TRAIN)
    return head, frame


def learn(head: HintedMemoryHead, frame: SceneFrame, feature: Tensor, steps: int) -> None:
    source = LeaveOneOutHints(neighbours=3, candidates=8, p_own=0.5)
    source.fit(TRAIN, feature, sequences(len(TRAIN.t), of=5))
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
    draws = generator(2)
    for _ in range(steps):
        rows = torch.randint(len(TRAIN.t), (32,), generator=draws)
        truth = Pose(TRAIN.t[rows], TRAIN.q[rows])
        hint = source.for_training(truth, feature[rows], draws, no_answer)
        optimizer.zero_grad()
        head.loss(feature[rows], hint, frame, truth).mean().backward()
        optimizer.step()
    head.eval()


def error_m(pose: Pose) -> float:
    return (pose.t - TEST.t).norm(dim=-1).median().item()


def nothing() -> Hint:
    return hints(TEST, INF, INF)


@pytest.fixture(scope="module")
def learnt() -> tuple[HintedMemoryHead, SceneFrame]:
    head, frame = fitted()
    learn(head, frame, looks(TRAIN), steps=150)
    return head, frame


@torch.no_grad()
def test_it_is_far_nearer_than_the_image_that_looks_nearest(learnt):
    head, frame = learnt
    answer = head(looks(TEST), frame.resolve(nothing()), frame)
    retrieval = RetrievalHint()
    retrieval.fit(TRAIN, looks(TRAIN), sequences(len(TRAIN.t)))
    nearest = retrieval.at_inference(query(len(TEST.t), looks(TEST)), looks(TEST)).pose
    assert error_m(answer) < 0.6 * error_m(nearest)
    turn = rotation_angle(answer.q, TEST.q).median()
    assert turn < 0.8 * rotation_angle(nearest.q, TEST.q).median()


@torch.no_grad()
def test_a_hint_tells_places_apart_that_look_alike(learnt):
    head, frame = copy.deepcopy(learnt)
    head.memory.fit(TRAIN, looks(TRAIN, period_m=WIDTH_M / 2))  # every place has twins, 5 m away
    feature = looks(TEST, period_m=WIDTH_M / 2)
    lost = head(feature, frame.resolve(nothing()), frame)
    assert error_m(lost) > 2.0
    off = Pose(TEST.t + torch.randn(TEST.t.shape, generator=generator(3)), TEST.q)
    found = head(feature, frame.resolve(hints(off, 1.0, INF)), frame)
    assert error_m(found) < 0.6 * error_m(off)


@torch.no_grad()
def test_the_true_place_is_among_the_modes_of_places_that_look_alike(learnt):
    head, frame = copy.deepcopy(learnt)
    head.memory.fit(TRAIN, looks(TRAIN, period_m=WIDTH_M / 2))
    feature = looks(TEST, period_m=WIDTH_M / 2)
    hint = frame.resolve(nothing())
    answer, modes = head(feature, hint, frame), head.modes(feature, hint, frame)
    assert torch.equal(modes.pose.t[:, 0], answer.t)
    torch.testing.assert_close(modes.log_weight.exp().sum(dim=1), torch.ones(len(TEST.t)))
    near = (modes.pose.t - TEST.t.unsqueeze(1)).norm(dim=-1) < 1.0
    near &= modes.log_weight.isfinite()
    assert near.any(dim=1).float().mean() > 1.5 * near[:, 0].float().mean()
    off = hints(Pose(TEST.t + torch.randn(TEST.t.shape, generator=generator(3)), TEST.q), 1.0, INF)
    weight = head.modes(feature, off, frame).log_weight[:, 0].exp()
    assert weight.mean() > modes.log_weight[:, 0].exp().mean() + 0.1  # a hint decides


@torch.no_grad()
def test_a_sharp_hint_is_kept(learnt):
    head, frame = learnt
    hint = hints(TEST, 1e-5, 1e-5)
    answer = head(looks(TEST).flip(0), hint, frame)  # of other images
    assert (answer.t - hint.pose.t).norm(dim=-1).max() < 1e-3
    assert rotation_angle(answer.q, hint.pose.q).max() < 1e-2


@torch.no_grad()
def test_what_was_retrieved_from_the_same_images_is_no_further_evidence(learnt):
    head, frame = learnt
    wrong = hints(Pose(TEST.t + 3.0, TEST.q), 0.1, 0.1)
    retrieved = wrong._replace(neighbours=torch.zeros(len(TEST.t), 1, dtype=torch.int64))
    answer = head(looks(TEST), retrieved, frame)
    alone = head(looks(TEST), frame.resolve(nothing()), frame)
    assert torch.equal(answer.t, alone.t)
    assert torch.equal(answer.q, alone.q)
    assert not torch.equal(head(looks(TEST), wrong, frame).t, alone.t)


def test_in_training_only_the_neighbours_of_the_hint_are_compared(learnt):
    head, frame = learnt
    truth = Pose(TRAIN.t[:20], TRAIN.q[:20])
    neighbours = torch.arange(60).view(20, 3) + 100
    hint = hints(truth, INF, INF)._replace(neighbours=neighbours)
    head.train()
    with torch.no_grad():
        pose = head.hypotheses(looks(truth), frame.resolve(hint), frame).pose
    head.eval()
    assert pose.t.shape == (20, 3, 3)
    asked = head.memory.pose(neighbours)
    # none of them has seen the image itself, so none of the answers is exact
    assert (pose.t - truth.t.unsqueeze(1)).norm(dim=-1).min() > 1e-3
    assert (pose.t - asked.t).norm(dim=-1).median() < (truth.t.unsqueeze(1) - asked.t).norm(
        dim=-1
    ).median()


def test_gradients_are_finite_and_reach_every_parameter():
    head, frame = fitted()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    truth = Pose(TRAIN.t[:20], TRAIN.q[:20])
    hint = hints(truth, INF, INF)._replace(neighbours=torch.arange(60).view(20, 3))
    head.loss(looks(truth), frame.resolve(hint), frame, truth).mean().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
