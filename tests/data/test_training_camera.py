"""A query of any pinhole becomes what the training camera would have seen, point by point."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.training_camera import TrainingCamera, to_training_camera

TRAINING = TrainingCamera(intrinsics(80.0, 80.0, 64.0, 48.0), 96, 128)
DISTORTION = (-0.2, 0.05, 0.001, -0.002, 0.0)


def photo(height: int, width: int, lens: Lens) -> NDArray[np.uint8]:
    """Draw a plane whose colour tells the direction: red grows to the right, green downwards."""
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    matrix = lens.K.numpy()
    points = np.stack([columns + 0.5, rows + 0.5], axis=-1).reshape(-1, 1, 2)
    coefficients = np.array(lens.distortion or (0.0,) * 5)
    found = cv2.undistortPoints(points, matrix, coefficients, criteria=(3, 100, 1e-9))
    rays = found.reshape(height, width, 2)
    colours = 128 + 80 * np.dstack([rays, np.zeros((height, width))])
    return np.asarray(np.clip(np.rint(colours), 1, 255), np.uint8)


def expected(K: Tensor, height: int, width: int) -> NDArray[np.float64]:
    """Return the red and green (2, height, width) that a pinhole sees of the same plane."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    rays = [(columns - float(K[0, 2])) / float(K[0, 0]), (rows - float(K[1, 2])) / float(K[1, 1])]
    return 128 + 80 * np.stack(rays)


@pytest.mark.parametrize(
    ("lens", "height", "width"),
    [
        (Lens(intrinsics(800.0, 800.0, 640.0, 480.0), ()), 960, 1280),  # the same view
        (Lens(intrinsics(600.0, 600.0, 640.0, 480.0), ()), 960, 1280),  # wider
        (Lens(intrinsics(820.0, 815.0, 1010.0, 500.0), ()), 1000, 1950),  # a panorama, off center
        (Lens(intrinsics(450.0, 900.0, 430.0, 600.0), ()), 1200, 860),  # squeezed
        (Lens(intrinsics(63.0, 63.0, 70.5, 50.5), ()), 100, 140),  # small, so it is enlarged
        (Lens(intrinsics(600.0, 600.0, 650.0, 470.0), DISTORTION), 960, 1280),
    ],
)
def test_every_pixel_shows_its_direction(lens: Lens, height: int, width: int) -> None:
    pixels, K = to_training_camera(photo(height, width, lens), lens, TRAINING)
    assert pixels.shape == (3, 96, 128)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(K, TRAINING.K, atol=1e-9)
    # colours differ by one per pixel
    np.testing.assert_allclose(pixels[:2], expected(K, 96, 128), atol=1.1)


def test_a_slightly_narrower_view_has_a_black_border() -> None:
    lens = Lens(intrinsics(840.0, 800.0, 640.0, 480.0), ())
    pixels, K = to_training_camera(photo(960, 1280, lens), lens, TRAINING)
    missing = (pixels == 0).all(axis=0)
    assert missing.all(axis=0).tolist() == [True] * 3 + [False] * 122 + [True] * 3
    seen = np.broadcast_to(~missing, (2, 96, 128))
    np.testing.assert_allclose(pixels[:2][seen], expected(K, 96, 128)[seen], atol=1.1)


def test_a_narrow_view_is_refused() -> None:
    lens = Lens(intrinsics(1600.0, 800.0, 640.0, 480.0), ())
    with pytest.raises(InputError, match=r"^a.jpg: shows 50 % of the width of the training camera"):
        to_training_camera(photo(960, 1280, lens), lens, TRAINING, "a.jpg")
    lens = Lens(intrinsics(800.0, 1000.0, 640.0, 480.0), ())
    with pytest.raises(InputError, match=r"79 % of the height of .*, expected at least 90 %"):
        to_training_camera(photo(960, 1280, lens), lens, TRAINING)


def test_an_image_without_a_camera_needs_the_shape_of_the_training() -> None:
    lens = Lens(TRAINING.K, ())
    pixels, K = to_training_camera(photo(96, 128, lens), None, TRAINING)
    np.testing.assert_array_equal(pixels, photo(96, 128, lens).transpose(2, 0, 1))
    assert torch.equal(K, TRAINING.K)
    message = r"400 x 100 pixels are 4.00 times as wide as high, training images 1.33 times; give"
    with pytest.raises(InputError, match=message):
        to_training_camera(np.zeros((100, 400, 3), np.uint8), None, TRAINING)
    # photos of 4 by 3 that were squeezed to squares for the training
    squeezed = TrainingCamera(intrinsics(60.0, 80.0, 48.0, 48.0), 96, 96)
    assert to_training_camera(photo(96, 128, lens), None, squeezed)[0].shape == (3, 96, 96)


@pytest.mark.parametrize("crop", [None, (80, 100)])
@pytest.mark.parametrize(("distortion", "known"), [((), True), ((), False), (DISTORTION, True)])
def test_an_image_of_the_training_is_the_same_bit_by_bit(
    tmp_path: Path, crop: tuple[int, int] | None, distortion: tuple[float, ...], known: bool
) -> None:
    lens = Lens(intrinsics(330.0, 320.0, 262.0, 190.0), distortion)
    noise = np.random.default_rng(0).integers(0, 256, (384, 512, 3), np.uint8)
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), noise[..., ::-1])
    pose = Pose(torch.zeros(3).double(), torch.tensor([1.0, 0, 0, 0]).double())
    view = View("a", path, pose, lens.K, "", {}, distortion=distortion)
    query = PosedImages([view], 96, 128, crop=crop)[0].query
    camera = TrainingCamera(query.K, 96, 128, crop)
    pixels, K = to_training_camera(noise, lens if known else None, camera)
    np.testing.assert_array_equal(torch.from_numpy(pixels) / 255, query.image)
    assert torch.equal(K.float(), query.K)


def test_a_view_in_a_few_pixels_is_refused() -> None:
    """As by a K in other units: the network would see a blur."""
    lens = Lens(intrinsics(10.0, 10.0, 64.0, 48.0), ())
    with pytest.raises(InputError, match="of the training camera's, expected at most 4; check K"):
        to_training_camera(np.zeros((96, 128, 3), np.uint8), lens, TRAINING)
