"""`data cache`: what it lists is what lies there, and what goes is what was used longest ago."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import fakes
import pytest

from hinted_posenet.core.types import View
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.formats import seven_scenes

IMAGE_BYTES = 3 * 24 * 40
HEADER_BYTES = 128  # of a .npy file


class Run(Protocol):
    def __call__(self, folder: Path, *arguments: str) -> str: ...


@pytest.fixture
def run(here) -> Run:
    """What the verb prints."""
    return lambda folder, *arguments: here("data", "cache", f"folder={folder}", *arguments).stdout


@pytest.fixture
def views(tmp_path: Path) -> list[View]:
    fakes.write_seven_scenes(tmp_path)
    return seven_scenes.read_views(tmp_path, "redkitchen", "train")


@pytest.fixture
def cache(views: list[View], tmp_path: Path) -> Path:
    """Two sets, and a file of features that was used between them."""
    folder = tmp_path / "cache"
    images = ImageCache(folder / "images", 1)
    images.fill(views, 24, 40, "first")
    features = folder / "features/0123456789abcdef01234567.pt"
    features.parent.mkdir()
    features.write_bytes(bytes(30_000_000))
    now = time.time()
    os.utime(features, (now, now))
    images = ImageCache(folder / "images", 1)
    images.fill(views[:8], 30, 50, "second")
    return folder


def test_sets_are_listed_by_use(cache):
    command = [sys.executable, "-m", "hinted_posenet", "data", "cache"]
    environment = {**os.environ, "HINTED_POSENET_CACHE": str(cache)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == f"{cache}: 0.03 GB"
    ends = ["second: 8 images of 30x50", "features: 1 files", "first: 12 images of 24x40"]
    for line, end in zip(lines[1:], ends, strict=True):
        assert line.endswith(end) and f"used {time.strftime('%Y-')}" in line


def test_pruning_takes_what_was_used_longest_ago_first(cache, views, run):
    all_bytes = 30_000_000 + len(views) * IMAGE_BYTES + 8 * 3 * 30 * 50 + 2 * HEADER_BYTES
    assert "first" in run(cache, f"prune_gb={all_bytes / 1e9:.9f}")
    listed = run(cache, f"prune_gb={(all_bytes - 1) / 1e9:.9f}")
    assert "first" not in listed and "features" in listed and "second" in listed
    listed = run(cache, "prune_gb=0.001")
    assert listed.startswith("removed 0.03 GB")
    assert "features" not in listed and "second" in listed
    assert list((cache / "features").iterdir()) == []
    _, faults = ImageCache(cache / "images", 1).fill(views, 24, 40, "first")
    assert faults == [] and "12 images of 24x40" in run(cache)


def test_clear_removes_all_that_is_ours(cache, run):
    (cache / "other").write_text("not ours")
    assert run(cache, "clear=true").strip() == f"{cache}: 0.00 GB"
    left = {path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()}
    assert left <= {"images/lock", "other"} and "other" in left


def test_a_folder_without_a_cache_is_left_as_it_is(tmp_path, run):
    for arguments in ([], ["prune_gb=1"], ["clear=true"]):
        assert "0.00 GB" in run(tmp_path / "nothing", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_never_removed(cache, run, tmp_path):
    """A folder named by mistake may have images/ and features/ too."""
    for folder in (tmp_path / "album", cache):
        theirs = [
            folder / "images" / name for name in ("640x480/cat.jpg", "640x480/x.npy", "a.png")
        ]
        theirs.append(folder / "features" / "notes.txt")
        for path in theirs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"precious")
        run(folder, "clear=true")
        assert all(path.read_bytes() == b"precious" for path in theirs)
