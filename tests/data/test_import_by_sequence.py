"""Whole sequences are held out, by name or drawn."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.import_splits import Divided, Shares, split_by_sequence

POSE = Pose(torch.zeros(3).double(), torch.tensor([1.0, 0, 0, 0]).double())
SHARES = Shares(0.2, 0.1)


def views(**sizes: int) -> list[View]:
    return [
        View(f"{sequence}/{i}", Path("x"), POSE, torch.eye(3), sequence, {})
        for sequence, size in sizes.items()
        for i in range(size)
    ]


def sequences(divided: Divided) -> dict[str, set[str]]:
    return {split: {view.sequence for view in found} for split, found in divided.views.items()}


def test_no_sequence_is_in_two_splits_and_no_frame_is_lost() -> None:
    frames = views(**{f"s{i:02d}": 5 + i for i in range(20)})
    for seed in range(5):
        divided = split_by_sequence(frames, SHARES, seed)
        found = sequences(divided)
        assert sum(map(len, found.values())) == 20
        assert sum(map(len, divided.views.values())) == len(frames)
        assert len(divided.views["test"]) == pytest.approx(0.2 * len(frames), abs=12)
        assert len(divided.views["val"]) == pytest.approx(0.1 * len(frames), abs=12)


def test_the_seed_decides() -> None:
    frames = views(**{f"s{i:02d}": 10 for i in range(20)})
    drawn = [sequences(split_by_sequence(frames, SHARES, seed))["test"] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    again = split_by_sequence(frames[::-1], SHARES, 0)  # not the order of the frames
    assert sequences(again)["test"] == drawn[0]
    assert again.method["seed"] == 0 and set(again.method["test"]) == drawn[0]


def test_one_long_video_is_for_training() -> None:
    for seed in range(5):
        found = sequences(split_by_sequence(views(long=900, a=50, b=40), SHARES, seed))
        assert found["train"] == {"long"} and found["test"] | found["val"] == {"a", "b"}


def test_named_sequences() -> None:
    frames = views(a=10, b=10, c=10, d=10)
    divided = split_by_sequence(frames, SHARES, 0, test=["d"], val=["a", "c"])
    assert sequences(divided) == {"train": {"b"}, "val": {"a", "c"}, "test": {"d"}}
    assert "seed" not in divided.method  # nothing was drawn
    drawn = sequences(split_by_sequence(frames, SHARES, 0, test=["d"]))
    assert drawn["test"] == {"d"} and len(drawn["val"]) == 1 and len(drawn["train"]) == 2
    without = split_by_sequence(frames, Shares(0.2, 0.0), 0)
    assert Counter({split: len(v) for split, v in without.views.items()}) == {
        "train": 30,
        "test": 10,
        "val": 0,
    }


@pytest.mark.parametrize(
    ("sizes", "named", "shares", "message"),
    [
        ({"a": 9, "b": 9}, {}, SHARES, "sequences a, b: too few .* split=block, or val_share=0"),
        ({"a": 9}, {}, Shares(0.2, 0), "too few"),
        ({"a": 9, "b": 9}, {"test": ["a", "b"]}, Shares(0.2, 0), "too few"),
        ({"a": 9, "b": 9, "c": 9}, {"test": ["x"]}, SHARES, "no sequence 'x'; .* are a, b, c"),
        ({"a": 9, "b": 9, "c": 9}, {"test": ["a"], "val": ["a"]}, SHARES, "a is for the test and"),
        ({"a": 9, "b": 9, "c": 9}, {}, Shares(0.7, 0.3), "shares of 0.7 .* and 0.3"),
        ({"a": 9, "b": 9, "c": 9}, {}, Shares(0.0, 0.3), "above 0"),
        ({"a": 9, "b": 9, "c": 9}, {}, Shares(float("nan"), 0.3), "shares of nan"),
    ],
)
def test_splits_that_cannot_be(
    sizes: dict[str, int], named: dict[str, list[str]], shares: Shares, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        split_by_sequence(views(**sizes), shares, 0, **named)
