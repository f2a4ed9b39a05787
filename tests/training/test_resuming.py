"""Checkpoints of a training: the last one and the one before, and what is there after a kill."""

import logging
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.training.resuming import (
    BEST,
    LAST,
    PREVIOUS,
    KeptCheckpoints,
    newest_checkpoint,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three epochs: the second was the best."""
    for epoch in range(3):
        KeptCheckpoints().save_checkpoint({"epoch": epoch, "w": torch.ones(3)}, tmp_path / LAST)
        if epoch == 1:
            KeptCheckpoints().save_checkpoint({"epoch": epoch}, tmp_path / BEST)
    return tmp_path


def test_the_last_and_the_one_before_are_kept(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([LAST, PREVIOUS, BEST])
    assert newest_checkpoint(folder) == folder / LAST
    assert torch.load(folder / PREVIOUS, weights_only=True)["epoch"] == 1


def test_an_error_while_writing_leaves_what_was_there(folder):
    with pytest.raises(Exception, match="pickle"):
        KeptCheckpoints().save_checkpoint({"epoch": 3, "no": lambda: 0}, folder / LAST)
    assert newest_checkpoint(folder) == folder / LAST
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("content", [b"", b"PK", None])
def test_a_damaged_one_is_named_and_the_next_taken(folder, caplog, content):
    for damaged, name, epoch in ((LAST, PREVIOUS, 2), (PREVIOUS, BEST, 2)):
        (folder / damaged).unlink() if content is None else (folder / damaged).write_bytes(content)
        with caplog.at_level(logging.WARNING):
            assert newest_checkpoint(folder) == folder / name
        assert f"going on from {name}, after epoch {epoch}" in caplog.messages[-1]
        assert "last.ckpt" in caplog.messages[-1]


def test_none_that_can_be_read_is_one_line(folder):
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"last\.ckpt: not readable .*overwrite=true") as error:
        newest_checkpoint(folder)
    assert "\n" not in str(error.value)


def test_a_fresh_folder_has_none(tmp_path):
    assert newest_checkpoint(tmp_path / "lightning") is None
