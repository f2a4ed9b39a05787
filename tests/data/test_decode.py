"""Sixteen bits become eight by the scale of their folder, in data sets, queries and thumbnails alike."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.decode import decoded, thumbnail
from hinted_posenet.data.load_image import load_image


def write(path: Path, largest: int) -> np.ndarray:
    """Write a grey ramp from 0 to ``largest``."""
    values = np.linspace(0, largest, 24 * 32).round().reshape(24, 32).astype(np.uint16)
    cv2.imwrite(str(path), values)
    return np.stack([values] * 3, axis=2)


def view(path: Path) -> View:
    pose = Pose(torch.zeros(3), torch.tensor([1.0, 0, 0, 0]))
    return View(path.name, path, pose, torch.eye(3), "", {})


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_twelve_bits_in_sixteen_are_scaled_alike_in_the_whole_folder(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    bright, dark = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    expected = {bright: write(bright, 4000) >> 4, dark: write(dark, 500) >> 4}
    cv2.imwrite(str(tmp_path / "eight.png"), np.full((24, 32, 3), 255, np.uint8))
    write(tmp_path / f"c.{'tif' if suffix == '.png' else 'png'}", 60000)  # of another camera
    cached, faults = ImageCache(tmp_path / "cache", 1.0).fill(
        [view(path) for path in expected], 24, 32, "scene"
    )
    assert not faults
    for path, pixels in expected.items():
        np.testing.assert_array_equal(decoded(path), pixels)
        np.testing.assert_array_equal(load_image(path), pixels)
        np.testing.assert_array_equal(thumbnail(path, 32), pixels)
        found = cached.read(view(path))
        assert found is not None
        np.testing.assert_array_equal(found[1], pixels.transpose(2, 0, 1))
    assert caplog.messages == [
        f"{tmp_path}: {suffix} images of 16 bits are taken to hold 12, for the largest value in 2 of them is 4000"
    ]


def test_the_cache_follows_the_scale_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "one" / "a.png"
    path.parent.mkdir()
    cache = ImageCache(tmp_path / "cache", 1.0)
    values = write(path, 900)
    for largest, shift in ((900, 2), (4000, 4)):
        write(path.with_name("b.png"), largest)
        decode_anew()
        found = cache.fill([view(path)], 24, 32, "scene")[0].read(view(path))
        assert found is not None
        np.testing.assert_array_equal(found[1], (values >> shift).transpose(2, 0, 1))


def decode_anew() -> None:
    """Forget the folders, as another process does not know them."""
    from hinted_posenet.data import decode

    decode._known.clear()


def test_sixteen_bits_stay_what_they_were(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.png"
    np.testing.assert_array_equal(write(path, 65535) >> 8, decoded(path))
    assert not caplog.messages


def test_an_image_beyond_the_scale_of_its_folder_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        write(tmp_path / f"{number:02}.png", 1000)
    write(tmp_path / "01.png", 2000)
    assert decoded(tmp_path / "01.png").max() == 255
    assert "01.png: values up to 2000 are white above 1023" in caplog.messages[-1]


def test_arrays_of_sixteen_bits_are_scaled_by_their_own_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    values = np.linspace(0, 4095, 24 * 32).reshape(24, 32).astype(np.uint16)
    for _ in range(2):
        assert load_image(values).max() == 255
    assert sum("is taken to hold 12 bits" in message for message in caplog.messages) <= 1


def test_values_that_are_neither_of_eight_nor_sixteen_bits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    cv2.imwrite(str(path), np.ones((24, 32, 3), np.float32))
    with pytest.raises(InputError, match=r"float\.tif: .*write it"):
        decoded(path)
