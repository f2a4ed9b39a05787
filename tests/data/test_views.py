import logging
import os
from functools import partial
from pathlib import Path

import fakes
import pytest
from layouts import READERS

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.formats import aerial, cambridge, seven_scenes
from hinted_posenet.data.splits import split_views, views_key

read_cambridge = partial(cambridge.read_views, focal_px=50.0)


def sequences(views: list[View]) -> set[str]:
    return {view.sequence for view in views}


def test_takes_the_sequence_nearest_to_15_percent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fakes.write_cambridge(tmp_path)  # sequences of 4, 8 and 12: 17, 33 and 50 %
    with caplog.at_level(logging.INFO):
        splits = split_views(read_cambridge, tmp_path, "KingsCollege").views
    assert list(splits) == ["train", "val", "test"]
    assert sequences(splits["val"]) == {"seq1"}
    assert sequences(splits["train"]) == {"seq2", "seq3"}
    assert sequences(splits["test"]) == {"seq4"}
    assert "seq1" in caplog.text


def test_takes_the_named_sequences(tmp_path: Path) -> None:
    fakes.write_seven_scenes(tmp_path)
    splits = split_views(
        seven_scenes.read_views, tmp_path, "redkitchen", ["seq-02", "seq-12"]
    ).views
    assert sequences(splits["val"]) == {"seq-02", "seq-12"}
    assert sequences(splits["train"]) == {"seq-01"}


def test_keeps_the_validation_split_of_the_data_set(tmp_path: Path) -> None:
    fakes.write_aerial(tmp_path)
    splits = split_views(aerial.read_views, tmp_path, "prairie").views
    assert sequences(splits["val"]) == {"f2"}
    with pytest.raises(InputError, match="of its own"):
        split_views(aerial.read_views, tmp_path, "prairie", ["f0"])


def test_one_training_sequence_gives_its_last_block(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = fakes.write_seven_scenes(tmp_path, frames=10)
    (folder / "TrainSplit.txt").write_text("sequence1\n")
    splits = split_views(seven_scenes.read_views, tmp_path, "redkitchen").views
    names = [view.name for view in splits["train"] + splits["val"]]
    assert len(splits["val"]) == 2 and names == sorted(names)
    assert "near duplicates" in caplog.text


@pytest.mark.parametrize(
    ("train", "test", "validation", "message"),
    [
        ("sequence1\nsequence2\n", "sequence3\n", ["seq-7"], "seq-7; .* are seq-01, seq-02"),
        ("sequence1\nsequence2\n", "sequence3\n", [], "empty list"),
        ("sequence1\n", "sequence3\n", ["seq-01"], "takes all"),
        ("sequence1\nsequence2\n", "", None, "test split .* empty"),
        ("", "sequence3\n", None, "train split .* empty"),
        ("sequence1\nsequence2\n", "sequence2\n", ["seq-01"], "seq-02.* is in both train and test"),
        ("sequence1\nsequence2\n", "sequence2\n", ["seq-02"], "seq-02.* is in both val and test"),
    ],
)
def test_splits_that_cannot_be(
    tmp_path: Path, train: str, test: str, validation: list[str] | None, message: str
) -> None:
    folder = fakes.write_seven_scenes(tmp_path, frames=2)
    (folder / "TrainSplit.txt").write_text(train)
    (folder / "TestSplit.txt").write_text(test)
    with pytest.raises(InputError, match=message) as error:
        split_views(seven_scenes.read_views, tmp_path, "redkitchen", validation)
    assert "\n" not in str(error.value)


def test_one_training_frame_cannot_be_split(tmp_path: Path) -> None:
    folder = fakes.write_seven_scenes(tmp_path, frames=1)
    (folder / "TrainSplit.txt").write_text("sequence1\n")
    with pytest.raises(InputError, match="one training frame"):
        split_views(seven_scenes.read_views, tmp_path, "redkitchen")


def test_key_changes_with_what_a_cache_depends_on(tmp_path: Path) -> None:
    fakes.write_seven_scenes(tmp_path)

    def read(**options: float) -> list[View]:
        return seven_scenes.read_views(tmp_path, "redkitchen", "train", **options)

    views = read()
    key = views_key(views)
    assert key == views_key(read())
    moved = views[0]._replace(T_world_cam=views[1].T_world_cam)
    others = [views[1:], views[::-1], [moved, *views[1:]], read(focal_px=526.0)]
    keys = {key, *map(views_key, others)}
    image = views[0].image
    before, state = image.read_bytes(), image.stat()
    image.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    keys.add(views_key(views))  # of the same size and time
    assert len(keys) == 6
    image.write_bytes(before)
    assert views_key(views) == key  # touched, not changed
    views[0].image.unlink()
    with pytest.raises(InputError, match="missing"):
        views_key(views)


@pytest.mark.parametrize("dataset", ["cambridge", "seven_scenes"])
def test_excluded_frames(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    folder = write(tmp_path)
    train, test = (read(tmp_path, scene, split) for split in ("train", "test"))
    (folder / "exclude.txt").write_text(f"# why\n{test[0].name} # it is blurred\n")
    test[0].image.unlink()  # what is excluded may be broken
    splits = split_views(read, tmp_path, scene, exclude=[train[3].name])
    assert splits.excluded == {train[3].name: "data.exclude", test[0].name: "it is blurred"}
    names = {view.name for views in splits.views.values() for view in views}
    assert names == {view.name for view in [*train, *test]} - splits.excluded.keys()
    with pytest.raises(InputError, match=r"no frame f7, which exclude\.txt or data\.exclude names"):
        split_views(read, tmp_path, scene, exclude=["f7"])


def test_the_first_of_many_faulty_frames_is_told_with_their_number(tmp_path: Path) -> None:
    folder = fakes.write_seven_scenes(tmp_path)
    for image in (folder / "seq-01").glob("*7.color.png"):
        image.unlink()
    (folder / "seq-03" / "frame-000007.pose.txt").write_text("nan")
    with pytest.raises(InputError, match=r"frame-000007.*\(1 more such frames\); data.skip_faulty"):
        split_views(seven_scenes.read_views, tmp_path, "redkitchen")
