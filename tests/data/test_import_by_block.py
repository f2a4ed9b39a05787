"""Whole places are held out, and the least distance to them is kept."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.import_splits import Shares, nearest_m, spatial_blocks, split_by_block

Q = torch.tensor([1.0, 0, 0, 0]).double()
SHARES = Shares(0.2, 0.1)


def views(centers: np.ndarray) -> list[View]:
    return [
        View(str(i), Path("x"), Pose(torch.from_numpy(t), Q), torch.eye(3), "", {})
        for i, t in enumerate(centers)
    ]


def walk(count: int = 600) -> np.ndarray:
    """A video that goes round a place of 40 m x 10 m three times, a step of about 0.5 m a frame."""
    angle = np.linspace(0, 6 * np.pi, count)
    sway = 0.2 * np.sin(50 * angle)
    return np.stack([20 * np.cos(angle), (5 + sway) * np.sin(angle), 0.1 * np.sin(90 * angle)], 1)


def test_blocks_are_compact_and_of_one_size() -> None:
    centers = np.random.default_rng(0).uniform(0, [100, 50, 2], (1000, 3))
    block_of = spatial_blocks(centers, 20)
    assert np.bincount(block_of).tolist() == [50] * 20
    extents = np.array([np.ptp(centers[block_of == block], axis=0) for block in range(20)])
    assert extents[:, :2].max() < 35  # a share of 1/20 is 16 m x 16 m
    assert np.median(extents[:, 2]) > 1.5  # the short extent is never cut


def test_a_wrong_pose_far_away_takes_no_block_for_itself() -> None:
    centers = np.random.default_rng(0).uniform(0, [100, 50, 2], (1000, 3))
    before = spatial_blocks(centers, 20)
    centers[7] = 3.4e9
    after = spatial_blocks(centers, 20)
    assert np.bincount(after).tolist() == [50] * 20
    assert (before == after).mean() > 0.95


def test_frames_of_one_place_stay_together_over_all_rounds() -> None:
    frames = views(walk())
    divided = split_by_block(frames, SHARES, seed=0)
    sizes = {split: len(found) for split, found in divided.views.items()}
    assert sizes == {"train": 420, "val": 60, "test": 120}
    at_random = np.random.default_rng(0).permutation(len(frames))
    random_test = [frames[i] for i in at_random[:120]]
    random_train = [frames[i] for i in at_random[120:]]
    # what a random split would measure: nearly every test frame has a training frame beside it
    beside_m = np.median(nearest_m(random_test, random_train))
    assert np.median(nearest_m(divided.views["test"], divided.views["train"])) > 4 * beside_m


def test_the_margin_is_kept_and_what_it_costs_is_counted() -> None:
    frames = views(walk())
    without = split_by_block(frames, SHARES, seed=0).views
    assert nearest_m(without["test"], without["train"]).min() < 1
    divided = split_by_block(frames, SHARES, seed=0, margin_m=1.0)
    train, val, test = (divided.views[split] for split in ("train", "val", "test"))
    assert nearest_m(test, train).min() >= 1
    assert nearest_m(val, train).min() >= 1
    assert nearest_m(test, val).min() >= 1
    assert len(test) == 120
    assert divided.method["left_out_in_margin"] == 600 - len(train) - len(val) - len(test) > 0


def test_the_seed_decides() -> None:
    frames = views(walk())
    drawn = [
        [view.name for view in split_by_block(frames, SHARES, seed).views["test"]]
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_few_frames_and_no_validation() -> None:
    divided = split_by_block(views(walk(5)), Shares(0.2, 0.0), seed=0)
    assert {split: len(found) for split, found in divided.views.items()} == {
        "train": 4,
        "val": 0,
        "test": 1,
    }


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (2, {}, "2 frames in 2 blocks: none would be left"),
        (600, {"blocks": 0}, "0 blocks"),
        (600, {"margin_m": 100.0}, "margin_m=100: leaves no frames"),
    ],
)
def test_splits_that_cannot_be(count: int, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_by_block(views(walk(count)), SHARES, 0, **options)
