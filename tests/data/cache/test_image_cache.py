"""The cache of decoded images: the pixels of the files, whatever happens to either."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.cache import folder as cache_folder
from hinted_posenet.data.cache import image_cache
from hinted_posenet.data.cache.decoded_images import DecodedImages
from hinted_posenet.data.cache.folder import locked
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.posed_images import PosedImages

SHAPE = (24, 40)
IMAGE_BYTES = 3 * 24 * 40
LENS = (-0.2, 0.05, 0.001, 0.0, 0.0)


def write(path: Path, seed: int, size: tuple[int, int] = (64, 48)) -> Path:
    """An image of noise, whose file is no longer than others of its size by more than a few bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    assert cv2.imwrite(str(path), noise)
    return path


def view_of(path: Path, **fields: object) -> View:
    pose = Pose(torch.zeros(3).double(), torch.tensor([1.0, 0, 0, 0]).double())
    view = View(path.name, path, pose, intrinsics(50, 50, 32, 24), "seq", {})
    return view._replace(**fields)


@pytest.fixture
def views(tmp_path: Path) -> list[View]:
    return [view_of(write(tmp_path / f"scene/{i}.bmp", i)) for i in range(7)]


@pytest.fixture(autouse=True)
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of files are trusted at once, not only after 2 s, so that tests see what they tell."""
    monkeypatch.setattr(image_cache, "TICK_NS", 0)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_cache, "SEGMENT_BYTES", 3 * IMAGE_BYTES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache/images"


def fill(
    folder: Path, views: list[View], limit_images: float = 1000, shape: tuple[int, int] = SHAPE
) -> DecodedImages:
    limit_gb = (limit_images * IMAGE_BYTES + 1000) / 1e9  # and room for headers of files
    decoded, faults = ImageCache(folder, limit_gb).fill(views, *shape, "t")
    assert faults == []
    return decoded


def kept(decoded: DecodedImages, views: list[View]) -> int:
    return sum(decoded.read(view) is not None for view in views)


def segments(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*x*/*")}


def assert_true_pixels(decoded: DecodedImages, views: list[View]) -> None:
    """Images and K are those of the files, bit for bit."""
    height, width = decoded.shape
    ours = PosedImages(views, height, width, decoded)
    true = PosedImages(views, height, width)
    a, b = (images.__getitems__(list(range(len(views)))) for images in (ours, true))
    assert torch.equal(a.query.image, b.query.image) and torch.equal(a.query.K, b.query.K)


# Same pixels


@pytest.mark.parametrize("shape", [(24, 40), (48, 64), (60, 80), (48, 32), (20, 90)])
@pytest.mark.parametrize("lens", [(), LENS])
def test_pixels_and_k_are_those_of_the_files(views, folder, shape, lens):
    views = [view._replace(distortion=lens) for view in views]
    decoded = fill(folder, views, shape=shape)
    assert kept(decoded, views) == len(views)
    assert_true_pixels(decoded, views)
    assert_true_pixels(fill(folder, views, shape=shape), views)


def test_one_cache_holds_sizes_and_lenses_beside_each_other(views, folder):
    bent = [view._replace(distortion=LENS) for view in views]
    other = [view._replace(K=2 * view.K) for view in bent]
    sets = [(views, (24, 40)), (bent, (24, 40)), (other, (24, 40)), (views, (40, 24))]
    for some, shape in sets:
        fill(folder, some, shape=shape)
    count = len(segments(folder))
    for some, shape in sets:
        assert_true_pixels(fill(folder, some, shape=shape), some)
    assert len(segments(folder)) == count == 4 * 3


def test_k_of_a_pinhole_decodes_nothing_anew(views, folder):
    fill(folder, views)
    before = segments(folder)
    moved = [view._replace(K=2 * view.K) for view in views]
    assert_true_pixels(fill(folder, moved), moved)
    assert segments(folder) == before


# Changes


def test_a_change_is_seen_though_size_and_time_are_as_before(views, folder):
    fill(folder, views)
    path, before = views[2].image, segments(folder)
    stat = path.stat()
    write(path, seed=99)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size and path.stat().st_mtime_ns == stat.st_mtime_ns
    assert_true_pixels(fill(folder, views), views)
    assert len(segments(folder) - before) == 1  # the rest stays


def test_times_of_a_fresh_file_are_not_trusted(views, folder, monkeypatch):
    monkeypatch.setattr(image_cache, "TICK_NS", 3600 * 10**9)
    fill(folder, views)
    before = segments(folder)
    monkeypatch.setattr(image_cache, "TICK_NS", 0)
    with pytest.MonkeyPatch.context() as patch:
        reads: list[Path] = []
        patch.setattr(
            image_cache, "read_bytes", lambda path: reads.append(path) or path.read_bytes()
        )
        fill(folder, views)
        assert len(reads) == len(views)  # hashed again,
        assert segments(folder) == before  # though not decoded,
        fill(folder, views)
        assert len(reads) == len(views)  # and from then on known


def test_touched_copied_and_moved_files_are_not_decoded_again(views, folder, tmp_path):
    fill(folder, views)
    before = segments(folder)
    views[0].image.touch()
    moved = tmp_path / "elsewhere"
    views[0].image.parent.rename(moved)
    views = [view._replace(image=moved / view.image.name) for view in views]
    assert_true_pixels(fill(folder, views), views)
    assert segments(folder) == before


def test_more_images_and_other_splits_add_only_what_is_new(views, folder):
    fill(folder, views[:3])
    before = segments(folder)
    assert_true_pixels(fill(folder, views[1:]), views[1:])
    assert before < segments(folder)
    rows = [len(np.load(path)) for path in folder.glob("*x*/*.npy")]
    assert sorted(rows) == [1, 3, 3]


# Damage


@pytest.mark.parametrize("damage", ["cut off", "empty", "gone", "foreign", "no array"])
def test_a_damaged_segment_is_made_again(views, folder, damage):
    fill(folder, views)
    path = sorted(folder.glob("*x*/*.npy"))[0]
    data = path.read_bytes()
    if damage == "foreign":
        np.save(path, np.zeros((3, 3, 24, 41), np.uint8))
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut off": data[:-1], "empty": b"", "no array": b"x" * len(data)}[damage])
    decoded = fill(folder, views)
    assert kept(decoded, views) == len(views)
    assert_true_pixels(decoded, views)


@pytest.mark.parametrize("damage", ["cut off", "empty", "gone", "text"])
def test_a_damaged_index_is_made_again(views, folder, damage):
    fill(folder, views)
    path = folder / image_cache.INDEX
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        new = {"cut off": data[: len(data) // 2], "empty": b"", "text": b"index" * 2000}
        path.write_bytes(new[damage])
    decoded = fill(folder, views)
    assert kept(decoded, views) == len(views)
    assert_true_pixels(decoded, views)


def test_a_segment_removed_while_in_use_stays_readable(views, folder):
    decoded = fill(folder, views)
    true = [decoded.read(view)[1].copy() for view in views]
    for path in folder.glob("*x*/*.npy"):
        path.unlink()
    for view, pixels in zip(views, true, strict=True):
        assert np.array_equal(decoded.read(view)[1], pixels)


# Faults


def test_every_fault_is_reported_in_order_and_the_rest_is_there(views, folder):
    jpg = write(views[0].image.with_name("5b.jpg"), 5)
    data = jpg.read_bytes()
    jpg.write_bytes(data[: len(data) // 2])
    views[4].image.write_bytes(b"<html>")
    views[1].image.unlink()
    views[2] = views[2]._replace(size=(640, 480))
    views[3] = views[3]._replace(size=(64, 48))
    views.append(view_of(jpg))
    decoded, faults = ImageCache(folder, 1).fill(views, *SHAPE, "t")
    assert [fault.name for fault in faults] == ["1.bmp", "2.bmp", "4.bmp", "5b.jpg"]
    messages = [fault.message for fault in faults]
    assert "missing" in messages[0] and "cut off" in messages[3]
    assert "2.bmp: is 64x48, expected 640x480 as its camera says" in messages[1]
    assert all(message.startswith(str(views[0].image.parent)) for message in messages)
    assert not any("\n" in message for message in messages)
    good = [views[i] for i in (0, 3, 5, 6)]
    assert kept(decoded, good) == 4
    assert_true_pixels(decoded, good)


def test_faults_are_reported_again_until_they_are_fixed(views, folder):
    good = views[1].image.read_bytes()
    views[1].image.write_bytes(good[:100])
    for limit_gb in (1, 1, 0):
        _, faults = ImageCache(folder, limit_gb).fill(views, *SHAPE, "t")
        assert [fault.name for fault in faults] == ["1.bmp"]
    views[1].image.write_bytes(good)
    assert_true_pixels(fill(folder, views), views)


def test_an_image_unlike_the_first_of_its_sequence(views, folder):
    write(views[3].image, 3, size=(48, 64))
    other = view_of(write(views[0].image.with_name("x.bmp"), 8, (80, 60)), sequence="other")
    K = intrinsics(60, 60, 30, 20)  # a camera of its own
    zoomed = view_of(write(views[0].image.with_name("y.bmp"), 9, (60, 40)), K=K)
    for _ in range(2):
        _, faults = ImageCache(folder, 1).fill([*views, other, zoomed], *SHAPE, "t")
        assert [fault.name for fault in faults] == ["3.bmp"]
        assert "is 48x64, expected 64x48 as the first image of its sequence" in faults[0].message


# Limits


def test_without_a_limit_nothing_is_kept_and_all_is_checked_once(views, folder):
    views[2].image.write_bytes(b"")
    for _ in range(2):
        decoded, faults = ImageCache(folder, 0).fill(views, *SHAPE, "t")
        assert [fault.name for fault in faults] == ["2.bmp"]
        assert kept(decoded, views) == 0 and segments(folder) == set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_cache, "stored_pixels", lambda *_: pytest.fail("checked already"))
        decoded, faults = ImageCache(folder, 0).fill(views[:2], *SHAPE, "t")
    assert_true_pixels(decoded, views[:2])
    assert kept(fill(folder, views[:2]), views[:2]) == 2  # now wanted


def test_the_least_recently_used_makes_room(tmp_path, folder):
    sets = [
        [view_of(write(tmp_path / f"{name}/{i}.bmp", 10 * k + i)) for i in range(3)]
        for k, name in enumerate("abcd")
    ]
    for some in sets[:3]:
        fill(folder, some, 9)
    fill(folder, sets[0], 9)  # used again
    fill(folder, sets[3], 9)
    assert len(segments(folder)) == 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_cache, "stored_pixels", lambda *_: pytest.fail("is kept"))
        for some in (sets[0], sets[2], sets[3]):
            assert kept(fill(folder, some, 9), some) == 3


def test_what_does_not_fit_is_decoded_on_access_and_the_rest_stays(views, folder, caplog):
    other = [view_of(write(views[0].image.with_name(f"o{i}.bmp"), 50 + i)) for i in range(3)]
    fill(folder, other, 3)
    for _ in range(2):
        caplog.clear()
        decoded = fill(folder, views, 5)
        assert kept(decoded, views[:3]) == 3 and kept(decoded, views) == 3
        assert_true_pixels(decoded, views)
        (warning,) = caplog.messages
        assert warning.startswith("t: 4 of 7 images") and "image_cache_gb" in warning
        assert len(segments(folder)) == 1


def test_a_full_disk_is_not_filled_further(views, folder, monkeypatch, caplog):
    monkeypatch.setattr(cache_folder, "SPARE_BYTES", 2**60)
    decoded = fill(folder, views)
    assert kept(decoded, views) == 0
    assert_true_pixels(decoded, views)
    assert "paths.cache" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(views, folder):
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    with pytest.raises(InputError, match=r"cache/images: cannot be written .* paths.cache"):
        fill(folder, views)
    folder.chmod(0o700)


def test_a_file_in_place_of_the_folder_is_named(views, folder):
    folder.parent.mkdir()
    folder.write_text("")
    with pytest.raises(InputError, match=r"cache/images: cannot be written .* paths.cache"):
        fill(folder, views)


# Processes


def together(folder: Path, views: list[View], barrier: Barrier | None = None) -> None:
    if barrier:
        barrier.wait()
    decoded, faults = ImageCache(folder, 1).fill(views, *SHAPE, "t")
    assert faults == []
    assert_true_pixels(decoded, views)
    assert kept(decoded, views) == len(views)


def test_processes_that_start_together_decode_each_image_once(views, folder):
    context = get_context("fork")
    barrier = context.Barrier(3)
    processes = [context.Process(target=together, args=(folder, views, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sum(len(np.load(path)) for path in folder.glob("*x*/*.npy")) == len(views)


def test_a_process_that_waited_while_all_was_removed_starts_anew(views, folder):
    fill(folder, views[:3])
    with locked(folder):
        process = get_context("fork").Process(target=together, args=(folder, views))
        process.start()
        time.sleep(0.5)  # it has looked, and waits
        for path in [*folder.glob("*x*/*"), folder / image_cache.INDEX]:
            path.unlink()
    process.join()
    assert process.exitcode == 0
    assert_true_pixels(fill(folder, views), views)
    assert len(segments(folder)) == 3


KILLED = """
import sys
from pathlib import Path
from test_image_cache import *
image_cache.SEGMENT_BYTES = 3 * IMAGE_BYTES
original = ImageCache._enter
def slow(*args):
    result = original(*args)
    print("segment", flush=True)
    time.sleep(60) if len(list(folder.glob("*x*/*.npy"))) == 2 else None
    return result
ImageCache._enter = slow
folder = Path(sys.argv[1])
ImageCache(folder, 1).fill([view_of(Path(p)) for p in sys.argv[2:]], *SHAPE, "t")
"""


def test_a_killed_process_keeps_what_it_finished(views, folder):
    paths = [str(view.image) for view in views]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), *paths],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == [b"segment\n"] * 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = segments(folder)
    assert len(before) == 2
    partial = folder / f"24x40/.99-t-{uuid4().hex}.npy"  # as a kill while writing leaves it
    unknown = folder / f"24x40/t-{uuid4().hex}.npy"  # as a kill before entering it leaves it
    for path in (partial, unknown):
        path.write_bytes(bytes(3 * IMAGE_BYTES))
        os.utime(path, (1, 1))
    assert_true_pixels(fill(folder, views, 8), views)
    assert before < segments(folder) and len(segments(folder)) == 3
    assert not partial.exists() and not unknown.exists()  # they made room
