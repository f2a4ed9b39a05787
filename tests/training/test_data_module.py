"""Which image comes when."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from poses import query, random_poses

from hinted_posenet.core.types import Sample
from hinted_posenet.data.posed_images import StackedSamples, stack
from hinted_posenet.training.data_module import EpochOrder, PosedImagesModule, balanced_order


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


def process(rank: int, processes: int) -> Any:
    """A trainer, as one of several processes has it."""
    return SimpleNamespace(global_rank=rank, world_size=processes, current_epoch=3)


def images_of(rank: int, processes: int, batch_size: int) -> list[list[list[str]]]:
    """Names in the batches of training, validation and checked training images."""
    alike = Sample(query(1), random_poses(1))
    rows = [alike._replace(query=alike.query._replace(name=[str(row)])) for row in range(11)]
    data = StackedSamples(stack(rows))
    how = (data, data, batch_size, 0, 5)
    module = PosedImagesModule(*how, train_check=data)
    module.trainer = process(rank, processes)
    loaders = [module.train_dataloader(), *module.val_dataloader()]
    return [[batch.query.name for batch in loader] for loader in loaders]


@pytest.mark.parametrize("processes", [2, 3, 4])
def test_processes_divide_an_epoch_without_repeating_an_image(processes):
    found = [images_of(rank, processes, 2) for rank in range(processes)]
    trained = [name for train, *_ in found for batch in train for name in batch]
    assert len(set(trained)) == len(trained) == 11 // processes * processes
    assert len({len(train) for train, *_ in found}) == 1  # they wait for each other at every step
    for split in (1, 2):
        validated = [name for parts in found for batch in parts[split] for name in batch]
        assert sorted(validated, key=int) == [str(row) for row in range(11)]


def test_the_batches_of_two_processes_are_together_those_of_one():
    one = images_of(0, 1, 4)[0]
    two = zip(*(images_of(rank, 2, 2)[0] for rank in range(2)), strict=True)
    for whole, parts in list(zip(one, two, strict=True))[:2]:  # the last one leaves an image out
        assert sorted(whole) == sorted(parts[0] + parts[1])


def test_rendered_views_are_divided_too():
    orders = [EpochOrder(11, lambda rank=rank: process(rank, 2)) for rank in range(2)]
    rows = [list(order) for order in orders]
    assert sorted(rows[0] + rows[1]) == list(range(33, 43))
    assert [len(order) for order in orders] == [5, 5]
