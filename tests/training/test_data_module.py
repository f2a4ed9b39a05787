"""Which image comes when."""

from collections import Counter

import torch

from hinted_posenet.training.data_module import balanced_order


def order(scene: list[int], seed: int = 0) -> list[int]:
    return balanced_order(torch.tensor(scene), torch.Generator().manual_seed(seed))


def test_one_scene_is_a_permutation_that_the_seed_decides() -> None:
    assert sorted(order([0] * 50)) == list(range(50))
    assert order([0] * 50) == order([0] * 50) != order([0] * 50, seed=1)


def test_every_scene_comes_equally_often() -> None:
    scene = [0] * 70 + [5] * 7 + [2] * 24
    found = order(scene)
    assert len(found) == 101
    by_scene = Counter(scene[row] for row in found)
    assert sorted(by_scene.values()) == [33, 34, 34]
    rows = Counter(found)
    assert all(rows[row] in (4, 5) for row in range(70, 77))  # the small scene, again and again
    assert max(rows[row] for row in range(70)) == 1
    first_half = Counter(scene[row] for row in found[:50])
    assert min(first_half.values()) > 8  # mixed, not one scene after the other
