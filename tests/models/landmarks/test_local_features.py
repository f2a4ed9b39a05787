"""What all extractors share, and OpenCV's SIFT, which needs no weights."""

import cv2
import numpy as np
import pytest
import torch
from blobs import blob_image, blob_places, misses
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.distortion import Distortion, Fisheye, distorted
from hinted_posenet.models.landmarks.local_features import rays
from hinted_posenet.models.landmarks.sift import SiftFeatures

PLACES = blob_places()
IMAGE = blob_image(PLACES)
K = intrinsics(260, 250, 163, 118)
PINHOLE = Lens(K, ())
LENSES: dict[str, Distortion] = {
    "radial": (-0.3, 0.1, 0.001, -0.002, 0.0),
    "action camera": (-0.42, 0.2, 0.0, 0.0, -0.05),
    "rational": (0.1, 0.03, 0.0, 0.0, 0.0, 0.02, 0.03, 0.01),
    "fisheye": Fisheye(0.05, -0.01, 0.003, -0.001),
}


def used(features: LocalFeatures) -> LocalFeatures:
    rows = features.score > 0
    return LocalFeatures(
        features.ray[rows], features.score[rows], features.descriptor[rows], features.focal_px
    )


def pixels(features: LocalFeatures, K: Tensor = K) -> np.ndarray:
    ray = used(features).ray.double()
    return (ray @ K[:2, :2].T + K[:2, 2]).numpy()


def equal(first: LocalFeatures, second: LocalFeatures) -> bool:
    return all(map(torch.equal, first, second))


def test_rays_lead_to_the_centers_of_blobs():
    found = misses(pixels(SiftFeatures().extract(IMAGE, PINHOLE)), PLACES)
    assert np.abs(found).max() < 0.3
    assert np.abs(found.mean(axis=0)).max() < 0.03  # half a pixel, or a quarter, would be a bias


def test_rows_are_best_first_of_unit_length_and_filled_up_with_zeros():
    features = SiftFeatures(keypoints=500).extract(IMAGE, PINHOLE)
    assert [part.shape for part in features] == [(500, 2), (500,), (500, 128), ()]
    assert [part.dtype for part in features][:3] == [torch.float32, torch.float32, torch.float16]
    n = int((features.score > 0).sum())
    assert len(PLACES) <= n < 500
    assert (features.score.diff() <= 0).all()
    assert torch.allclose(features.descriptor[:n].float().norm(dim=1), torch.ones(n), atol=2e-3)
    assert not any(part[n:].any() for part in features[:3])
    assert features.focal_px == 255


def test_the_best_are_kept():
    all_of_them = SiftFeatures(keypoints=500).extract(IMAGE, PINHOLE)
    few = SiftFeatures(keypoints=10).extract(IMAGE, PINHOLE)
    assert torch.equal(few.score, all_of_them.score[:10])


def test_a_large_image_is_shrunk_and_its_rays_stay():
    large = cv2.resize(IMAGE, (960, 720), interpolation=cv2.INTER_CUBIC)
    lens = Lens(K * torch.tensor([[3.0], [3.0], [1.0]]), ())
    features = SiftFeatures(size_px=320).extract(large, lens)
    assert np.abs(misses(pixels(features), PLACES)).max() < 0.3
    assert features.focal_px == 255


def test_a_small_image_stays_as_it_is():
    assert equal(
        SiftFeatures(size_px=640).extract(IMAGE, PINHOLE),
        SiftFeatures(size_px=320).extract(IMAGE, PINHOLE),
    )


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_keypoints_of_a_lens_are_where_a_pinhole_has_them(lens):
    """Blobs are drawn where the lens shows points of known rays."""
    ray = (PLACES - K[:2, 2].numpy()) / 255
    shown = distorted(ray, lens) @ K[:2, :2].numpy().T + K[:2, 2].numpy()
    inside = ((shown > 15) & (shown < [305, 225])).all(axis=1)
    features = SiftFeatures().extract(blob_image(shown), Lens(K, lens))
    off = misses(used(features).ray.double().numpy(), ray[inside])
    assert inside.sum() > 15
    assert np.abs(off).max() * 255 < 0.6
    assert np.abs(off.mean(axis=0)).max() * 255 < 0.06


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_every_pixel_leads_to_a_ray_and_back(lens):
    columns, rows = np.meshgrid(np.arange(0.5, 640, 15), np.arange(0.5, 480, 15))
    xy = np.column_stack([columns.ravel(), rows.ravel()])
    camera = Lens(intrinsics(525, 520, 322, 238), lens)
    ray = rays(xy, camera)
    back = distorted(ray, lens) @ camera.K[:2, :2].numpy().T + camera.K[:2, 2].numpy()
    assert np.abs(back - xy).max() < 0.05


def test_what_a_lens_cannot_show_has_no_ray():
    K = intrinsics(100, 100, 200, 200)
    angles = np.radians([0, 79, 81, 95])
    xy = np.column_stack([200 + 100 * angles, np.full(4, 200.0)])
    assert np.isfinite(rays(xy, Lens(K, Fisheye()))[:, 0]).tolist() == [True, True, False, False]
    turning = Lens(K, (-2.0, 0.0, 0.0, 0.0, 0.0))  # shows nothing farther out than 27 px
    xy = np.array([[210.0, 200.0], [240.0, 200.0]])
    assert np.isfinite(rays(xy, turning)[:, 0]).tolist() == [True, False]


def test_masked_pixels_have_no_keypoints_and_the_others_keep_theirs():
    mask = np.ones(IMAGE.shape[:2], bool)
    mask[:, :160] = False
    few = SiftFeatures(keypoints=16)  # are all to be in the right half
    found = pixels(few.extract(IMAGE, PINHOLE, mask))
    assert len(found) == 16
    assert (found[:, 0] >= 160).all()
    whole = SiftFeatures().extract(IMAGE, PINHOLE, np.ones_like(mask))
    assert equal(whole, SiftFeatures().extract(IMAGE, PINHOLE))
    assert not SiftFeatures().extract(IMAGE, PINHOLE, ~np.ones_like(mask)).score.any()


def test_a_mask_is_shrunk_with_its_image():
    large = cv2.resize(IMAGE, (960, 720), interpolation=cv2.INTER_CUBIC)
    mask = np.ones((720, 960), bool)
    mask[:, :481] = False
    lens = Lens(K * torch.tensor([[3.0], [3.0], [1.0]]), ())
    found = pixels(SiftFeatures(size_px=320).extract(large, lens, mask))
    assert len(found) > 10
    assert found[:, 0].min() > 160.5  # the pixel from 160 to 161 holds masked ones


@pytest.mark.parametrize("shape", [(240, 320), (31, 200), (200, 31), (1, 1), (2, 5000)], ids=str)
def test_a_blank_or_tiny_image_has_only_unused_rows(shape):
    image = np.full((*shape, 3), 200, np.uint8)
    features = SiftFeatures(keypoints=8).extract(image, PINHOLE)
    assert [part.shape for part in features] == [(8, 2), (8,), (8, 128), ()]
    assert not any(part.any() for part in features[:3])


def test_the_same_image_gives_the_same_numbers_whatever_ran_before():
    extractor = SiftFeatures()
    first = extractor.extract(IMAGE, PINHOLE)
    extractor.extract(np.random.default_rng(0).integers(0, 255, (100, 90, 3), np.uint8), PINHOLE)
    assert equal(extractor.extract(IMAGE, PINHOLE), first)
    assert equal(SiftFeatures().extract(IMAGE.copy(), PINHOLE), first)


def test_the_key_follows_settings():
    keys = [
        SiftFeatures(**settings).key
        for settings in ({}, {"keypoints": 9}, {"size_px": 99}, {"contrast_threshold": 0.02})
    ]
    assert len(set(keys)) == 4
    assert SiftFeatures().key == keys[0]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"keypoints": 0}, "keypoints=0"),
        ({"size_px": 16}, "size_px=16"),
        ({"contrast_threshold": -1.0}, "contrast_threshold=-1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        SiftFeatures(**settings)
