"""Every kind of image becomes the same upright RGB pixels, and what is no image is refused with its reason."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.load_image import AnyImage, load_image

Pixels = NDArray[np.uint8]


@pytest.fixture
def rgb() -> Pixels:
    rows, columns = np.mgrid[:24, :32]
    return np.stack([8 * rows, 7 * columns, 255 - 4 * rows], axis=2).astype(np.uint8)


def test_all_kinds_of_one_image_give_the_same_pixels(rgb: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(rgb).save(path)
    alpha = np.concatenate([rgb, np.full((24, 32, 1), 7, np.uint8)], axis=2)
    kinds: list[AnyImage] = [
        str(path),
        path,
        Image.fromarray(rgb),
        Image.fromarray(alpha),
        rgb,
        alpha,
        rgb.astype(np.uint16) * 257,
        rgb / 255,
        (rgb / 255).astype(np.float16),
        torch.from_numpy(rgb),
        torch.from_numpy(rgb).permute(2, 0, 1),
        torch.from_numpy(rgb).permute(2, 0, 1) / 255,
    ]
    for kind in kinds:
        found = load_image(kind)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, rgb)


def test_grey_becomes_three_equal_channels(rgb: Pixels) -> None:
    grey = rgb[..., 1]
    for kind in (grey, grey[..., None], Image.fromarray(grey), torch.from_numpy(grey)):
        np.testing.assert_array_equal(load_image(kind), np.stack([grey] * 3, axis=2))


def test_sixteen_bits_are_scaled_alike_in_files_pillow_and_arrays(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 24 * 32).reshape(24, 32).astype(np.uint16)
    path = tmp_path / "thermal.png"
    cv2.imwrite(str(path), grey)
    expected = np.stack([grey >> 8] * 3, axis=2)
    with Image.open(path) as opened:
        for kind in (path, opened, grey):
            np.testing.assert_array_equal(load_image(kind), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_file_and_a_pillow_image_as_pillow_does(
    rgb: Pixels, tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(rgb).save(path, exif=exif)
    turned = {  # of the standard: where row 0 and column 0 of the stored image are
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: rgb.transpose(1, 0, 2)[:, ::-1],
        7: rgb.transpose(1, 0, 2)[::-1, ::-1],
        8: rgb.transpose(1, 0, 2)[::-1],
    }[orientation]
    np.testing.assert_array_equal(load_image(path), turned)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(load_image(opened), turned)


def test_a_photo_with_a_preview_is_one_image(rgb: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "drone.jpg"
    Image.fromarray(rgb).save(path, "MPO", save_all=True, append_images=[Image.fromarray(rgb)])
    assert load_image(path).shape == (24, 32, 3)


def test_an_animated_image_is_refused(rgb: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "animated.webp"
    Image.fromarray(rgb).save(path, save_all=True, append_images=[Image.fromarray(255 - rgb)])
    with pytest.raises(InputError, match=r"animated.webp: has 2 frames; save the one"):
        load_image(path)


def test_unreadable_files_are_refused(rgb: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    with pytest.raises(InputError, match=r"image.jpg: missing; fetch it again"):
        load_image(path)
    path.write_text("text")
    with pytest.raises(InputError, match=r"image.jpg: not a readable image"):
        load_image(path)
    Image.fromarray(rgb).save(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"image.jpg: not a readable image, or cut off"):
        load_image(path)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 24, 32, 3), np.uint8), "give one image at a time"),
        (np.zeros((3, 24, 32), np.uint8), r"shape \(3, 24, 32\), .*move the channels last"),
        (np.zeros((24, 32, 2), np.uint8), r"shape \(24, 32, 2\), expected \(H, W\)"),
        (np.zeros((0, 32, 3), np.uint8), "is empty"),
        (np.zeros((24, 1, 3), np.uint8), "1 x 24 pixels, expected at least 16 x 16"),
        (np.zeros((24, 32), np.int64), "type int64, expected uint8"),
        (np.zeros((24, 32), bool), "type bool, expected uint8"),
        (np.full((24, 32), 90.0), "floats from 90 to 90, expected 0 to 1; divide by 255"),
        (np.full((24, 32), np.nan), "floats from nan to nan, expected 0 to 1; correct them"),
        (torch.full((3, 24, 32), -1.0), "floats from -1 to -1, expected 0 to 1"),
        ([1, 2], "list is no image"),
    ],
)
def test_arrays_that_are_no_image_are_refused(image: AnyImage, message: str) -> None:
    with pytest.raises(InputError, match=f"^query 3: .*{message}"):
        load_image(image, "query 3")
