"""SIFT keypoints in our pixel convention, with descriptors that match."""

import cv2
import numpy as np
import pytest

from hinted_posenet.data.sift import detect_sift


def blobs(centers: list[tuple[float, float]], size: tuple[int, int] = (120, 160)) -> np.ndarray:
    """Bright blobs on grey at centers (x, y), the center of the top-left pixel at (0.5, 0.5)."""
    y, x = np.indices(size) + 0.5
    image = np.full(size, 90.0)
    for u, v in centers:
        image += 140 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 4.0**2))
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def texture() -> np.ndarray:
    image = cv2.resize(np.random.default_rng(0).random((40, 40, 3)), (200, 200))
    return (255 * image).astype(np.uint8)


def test_a_keypoint_is_at_the_center_of_a_blob():
    centers = [(40.3, 60.5), (110.0, 44.7)]
    xy, _, _ = detect_sift(blobs(centers), 50)
    for center in centers:
        assert np.linalg.norm(xy - center, axis=1).min() < 0.1


def test_mirrored_images_have_mirrored_keypoints():
    image = blobs([(40.3, 60.5)])
    xy, *_ = detect_sift(image, 1)
    mirrored, *_ = detect_sift(np.ascontiguousarray(image[:, ::-1]), 1)
    assert mirrored[0, 0] == pytest.approx(160 - xy[0, 0], abs=0.1)


def test_descriptors_are_of_unit_length_and_the_strongest_come_first():
    xy, score, descriptor = detect_sift(texture(), 60)
    assert xy.shape == (60, 2)
    assert (xy.dtype, score.dtype, descriptor.dtype) == (np.float64, np.float64, np.float32)
    assert np.linalg.norm(descriptor, axis=1) == pytest.approx(1, abs=1e-5)
    assert (np.diff(score) <= 0).all()
    fewer, *_ = detect_sift(texture(), 20)
    assert fewer == pytest.approx(xy[:20])


def test_a_turned_image_has_the_same_descriptors():
    image = texture()
    _, _, a = detect_sift(image, 100)
    _, _, b = detect_sift(np.ascontiguousarray(np.rot90(image)), 100)
    assert np.median((a @ b.T).max(axis=1)) > 0.97


def test_a_white_wall_has_no_keypoint():
    xy, score, descriptor = detect_sift(np.full((50, 60, 3), 255, np.uint8), 100)
    assert (xy.shape, score.shape, descriptor.shape) == ((0, 2), (0,), (0, 128))


def test_a_lower_contrast_finds_more():
    faint = (120 + texture() / 20).astype(np.uint8)
    many, few = (len(detect_sift(faint, 1000, contrast)[0]) for contrast in (0.005, 0.04))
    assert many > 2 * few
