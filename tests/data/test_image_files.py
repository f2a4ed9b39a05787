"""Every format gives the pixels as stored; what is cut off, huge or no file ends in one line."""

import os
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hostile import examples, mutated, one_line, survives
from photos import KINDS, black_png, encoded, picture

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.image_files import SUFFIXES, stored_pixels, stored_size
from hinted_posenet.data.load_image import load_image


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_pixels_as_stored(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"photo.{kind}"
    assert path.suffix in SUFFIXES
    path.write_bytes(encoded(kind))
    assert stored_size(path) == (64, 48)
    pixels = decoded(path)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - picture()).mean() < 6
    np.testing.assert_array_equal(load_image(path), pixels)


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_orientation_moves_no_pixel_of_a_labelled_image(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    plain, turned = tmp_path / f"plain.{kind}", tmp_path / f"turned.{kind}"
    plain.write_bytes(encoded(kind))
    turned.write_bytes(encoded(kind, orientation=orientation))
    assert stored_size(turned) == (64, 48)
    np.testing.assert_array_equal(decoded(turned), decoded(plain))
    np.testing.assert_array_equal(load_image(turned, upright=False), decoded(plain))
    np.testing.assert_array_equal(
        load_image(turned), np.rot90(decoded(plain), {3: 2, 6: 3}[orientation])
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    path, content = tmp_path / f"photo.{kind}", encoded(kind)
    for share in (0.0, 0.3, 0.6, 0.9):
        message = one_line(
            lambda share=share: stored_pixels(content[: int(share * len(content))], path)
        )
        assert f"photo.{kind}: not a readable image, or cut off; fetch or write it again" in message
    path.write_bytes(content[: len(content) // 2])
    assert f"{path}: " in one_line(lambda: decoded(path))
    assert f"{path}: " in one_line(lambda: load_image(path))


@pytest.mark.parametrize("size", [(60_000, 60_000), (20_000, 20_000)])
def test_the_header_is_asked_before_anything_is_decoded(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(black_png(*size, rows=200))
    for read in (decoded, load_image, stored_size):
        message = one_line(lambda read=read: read(path))
        assert message == (
            f"{path}: more than the 178 million pixels that an image may have; shrink it"
        )


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for read in (decoded, load_image, stored_size):
        for name, what in (
            ("fifo.jpg", "a pipe"),
            ("folder.jpg", "a folder"),
            ("x.jpg", "missing"),
        ):
            message = one_line(lambda read=read, name=name: read(tmp_path / name))
            assert f"{name}: " in message and what in message
        assert "is a pipe or a device" in one_line(lambda read=read: read(Path("/dev/zero")))


def test_a_heic_photo_without_its_extra_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(encoded("heic"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"heic: a HEIC photo; .*pip install '.*\[heic\]'"):
        decoded(path)


@pytest.mark.parametrize(
    "count", [examples(60), pytest.param(examples(300), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings(
    "ignore:Corrupt EXIF data", "ignore:Tag data larger", "ignore:Truncated"
)
def test_damaged_photos_give_pixels_or_one_line(tmp_path: Path, kind: str, count: int) -> None:
    path, content = tmp_path / f"photo.{kind}", encoded(kind)
    for seed in range(count):
        path.write_bytes(mutated(content, Random(seed)))
        survives(lambda: decoded(path))
        survives(lambda: load_image(path))


def test_tiffs_turn_themselves_in_every_decoder(tmp_path: Path) -> None:
    path = tmp_path / "turned.tif"
    path.write_bytes(encoded("tif", orientation=6))
    assert stored_size(path) == (48, 64)
    np.testing.assert_array_equal(decoded(path), np.rot90(picture(), 3))
    np.testing.assert_array_equal(load_image(path), decoded(path))
