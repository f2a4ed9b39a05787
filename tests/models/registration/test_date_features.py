"""Correlation of features: where a piece of a window lies, and which way blocks are displaced."""

import torch

from hinted_posenet.models.registration.features import (
    CHANNELS,
    REACH,
    DateEncoder,
    block_scores,
    correlate,
    displacement,
    match_loss,
    offsets,
)


def test_correlation_finds_a_piece_in_its_window():
    window = torch.randn(2, 4, 30, 30)
    score = correlate(window[:, :, 5:21, 9:25], window)
    assert score.shape == (2, 15, 15)
    assert score.flatten(1).argmax(dim=1).tolist() == [5 * 15 + 9] * 2
    direct = (window[0, :, 5:21, 9:25] * window[0, :, 3:19, 1:17]).sum()
    torch.testing.assert_close(score[0, 3, 1], direct, atol=1e-3, rtol=1e-4)


def test_blocks_say_how_far_east_and_north_they_are():
    window = torch.randn(1, 8, 16 + 2 * REACH, 16 + 2 * REACH)
    east, north = 3, -2
    top, left = REACH - north, REACH + east
    score = block_scores(window[:, :, top : top + 16, left : left + 16], window)
    mean, covariance = displacement(score)
    torch.testing.assert_close(mean, torch.tensor([3.0, -2.0]).expand(1, 16, 2), atol=0.05, rtol=0)
    assert covariance.diagonal(dim1=-2, dim2=-1).max() < 0.1
    assert offsets()[score[0, :, 0, 0].argmax()].tolist() == [3.0, -2.0]


def test_blocks_that_say_nothing_are_uncertain():
    mean, covariance = displacement(torch.zeros(1, 81, 2, 2))
    torch.testing.assert_close(mean, torch.zeros(1, 4, 2), atol=1e-6, rtol=0)
    torch.testing.assert_close(covariance[0, 0], 20 / 3 * torch.eye(2))  # uniform over -4 to 4


def test_the_loss_is_least_where_blocks_match_and_ignores_what_is_out_of_reach():
    score = torch.zeros(1, 81, 1, 2)
    score[0, offsets().eq(torch.tensor([1.0, 2.0])).all(dim=1)] = 8.0
    truth, known = torch.tensor([[[1.0, 2.0], [9.0, 0.0]]]), torch.ones(1, 2, dtype=torch.bool)
    right = match_loss(score, truth, known)
    wrong = match_loss(score, torch.tensor([[[-1.0, 2.0], [9.0, 0.0]]]), known)
    assert right < 0.1 < 3 < wrong
    assert wrong < 10  # bounded: the ground may have changed


def test_ground_that_is_not_known_has_no_features():
    known = torch.ones(1, 32, 32, dtype=torch.bool)
    known[..., :11] = False
    code, weight = DateEncoder()(torch.rand(1, 3, 32, 32), known)
    assert code.shape == (1, CHANNELS, 16, 16)
    assert code[..., :6].abs().max() == 0
    assert weight[..., :6].abs().max() == 0
    torch.testing.assert_close(code[..., 6:].norm(dim=1), torch.ones(1, 16, 10))
