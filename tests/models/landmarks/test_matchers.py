"""Matches of two images' features."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures
from hinted_posenet.models.landmarks.lightglue import LightGlueMatcher
from hinted_posenet.models.landmarks.matchers import MutualMatcher


def features(descriptor: Tensor, unused: int = 0) -> LocalFeatures:
    """Keypoints with these descriptors (n, D), and unused rows below them."""
    n = len(descriptor) + unused
    score = torch.arange(n, 0, -1).float()
    score[len(descriptor) :] = 0
    used = (score > 0)[:, None]
    rows = torch.zeros(n, descriptor.shape[1])
    rows[: len(descriptor)] = normalize(descriptor, dim=1)
    return LocalFeatures(torch.rand(n, 2) * used, score, rows.half(), torch.tensor(500.0))


def brute_force(first: Tensor, second: Tensor, least: float) -> list[tuple[int, int]]:
    cosine = first.half().float() @ second.half().float().T
    return [
        (i, j)
        for i in range(len(first))
        for j in range(len(second))
        if cosine[i, j] >= max(least, *cosine[i].tolist(), *cosine[:, j].tolist())
    ]


@pytest.mark.parametrize("least", [-1.0, 0.5])
def test_mutual_matches_are_those_of_brute_force(least):
    first = normalize(torch.randn(60, 8), dim=1)
    second = normalize(
        torch.cat([first[10:40] + 0.2 * torch.randn(30, 8), torch.randn(30, 8)]), dim=1
    )
    found = MutualMatcher(least).match(features(first, 4), features(second, 9))
    expected = brute_force(first, second, least)
    assert [tuple(row) for row in found.rows.tolist()] == expected
    assert 20 < len(expected) < 60
    cosine = (first[found.rows[:, 0]] * second[found.rows[:, 1]]).sum(dim=1)
    torch.testing.assert_close(found.similarity, cosine, rtol=0, atol=2e-3)
    assert found.rows.dtype == torch.int64


def test_unused_rows_anywhere_are_never_matched():
    one = features(torch.eye(6))
    score = one.score.clone()
    score[[0, 3]] = 0
    found = MutualMatcher().match(one._replace(score=score), one)
    assert found.rows.tolist() == [[1, 1], [2, 2], [4, 4], [5, 5]]


def test_equal_descriptors_are_matched_once():
    """As SIFT's are, of a blob with several orientations in a regular scene."""
    twice = features(torch.eye(4).repeat_interleave(2, dim=0))
    assert MutualMatcher().match(twice, twice).rows.tolist() == [[i, i] for i in (0, 2, 4, 6)]
    once = features(torch.eye(4))
    assert MutualMatcher().match(twice, once).rows.tolist() == [[0, 0], [2, 1], [4, 2], [6, 3]]


@pytest.mark.parametrize("matcher", [MutualMatcher(), LightGlueMatcher("xfeat", weights=None)])
@pytest.mark.parametrize("counts", [(0, 5), (5, 0), (0, 0), (1, 1)])
def test_images_with_few_or_no_keypoints(matcher, counts):
    one, other = (features(torch.randn(n, 64), unused=3) for n in counts)
    found = matcher.match(one, other)
    assert found.rows.shape == (len(found.similarity), 2)
    assert len(found.rows) <= min(counts)


@pytest.mark.parametrize("name, dim", [("xfeat", 64), ("aliked", 128)])
def test_lightglue_with_random_weights_answers_with_each_row_at_most_once(name, dim):
    matcher = LightGlueMatcher(name, min_similarity=0.0, weights=None)
    one, other = features(torch.randn(40, dim), 5), features(torch.randn(30, dim), 2)
    found = matcher.match(one, other)
    assert len(found.rows) > 0
    assert found.rows.amax(dim=0).tolist() <= [39, 29]
    assert all(len(set(column)) == len(column) for column in found.rows.T.tolist())
    assert ((found.similarity >= 0) & (found.similarity <= 1)).all()
    again = matcher.match(one, other)
    assert torch.equal(again.rows, found.rows)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: MutualMatcher(2.0), "min_similarity=2"),
        (lambda: LightGlueMatcher("sift"), "xfeat, aliked"),
        (
            lambda: LightGlueMatcher("aliked", weights=None).match(
                features(torch.randn(5, 64)), features(torch.randn(5, 64))
            ),
            "takes descriptors of 128 numbers, found 64",
        ),
    ],
)
def test_mistakes_are_answered_with_the_choices(call, message):
    with pytest.raises(InputError, match=message):
        call()
