import pickle
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import cv2
import fakes
import numpy as np
import pytest
import torch
from poses import assert_same
from torch.utils.data import DataLoader, default_collate

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, View
from hinted_posenet.data.cache.decoded_images import DecodedImages
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.formats import seven_scenes
from hinted_posenet.data.posed_images import PosedImages, identity


@pytest.fixture
def views(tmp_path: Path) -> list[View]:
    fakes.write_seven_scenes(tmp_path, suffix="jpg")
    return seven_scenes.read_views(tmp_path, "redkitchen", "train")


@pytest.fixture
def decoded(views: list[View], tmp_path: Path) -> DecodedImages:
    found, faults = ImageCache(tmp_path / "cache", 1).fill(views, 24, 40, "redkitchen")
    assert faults == []
    return found


def test_batch_through_a_worker(views: list[View]) -> None:
    images = PosedImages(views, 24, 40)
    sample = next(iter(DataLoader(images, batch_size=3, num_workers=1, collate_fn=identity)))
    query, pose = sample
    assert query.image.shape == (3, 3, 24, 40) and query.image.dtype == torch.float32
    assert query.image.min() >= 0 and 0.5 < query.image.max() <= 1
    assert query.K.shape == (3, 3, 3) and query.K.dtype == torch.float32
    assert query.feature.numel() == 0
    assert list(query.name) == [view.name for view in views[:3]]
    assert pose.t.shape == (3, 3) and pose.q.shape == (3, 4) and pose.t.dtype == torch.float32
    prior = query.prior
    assert prior.sigma_t_m.isinf().all() and prior.sigma_r_rad.shape == (3,)
    assert prior.pose.q.tolist() == [[1, 0, 0, 0]] * 3


def test_a_batch_is_its_samples(views: list[View], decoded: DecodedImages) -> None:
    views[2] = views[2]._replace(
        scene=3, prior=Hint.isotropic(views[0].T_world_cam, *torch.ones(2))
    )
    plain = PosedImages(views, 24, 40)
    cached = PosedImages(views, 24, 40, decoded)
    expected = default_collate([plain[index] for index in (5, 2, 2)])
    assert expected.query.scene.tolist() == [0, 3, 3]
    assert_same(plain.__getitems__([5, 2, 2]), expected)
    assert_same(cached.__getitems__([5, 2, 2]), expected)
    assert_same(default_collate([cached[index] for index in (5, 2, 2)]), expected)


@pytest.mark.parametrize("way", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_processes_change_nothing(views: list[View], decoded: DecodedImages, way: str) -> None:
    images = PosedImages(views, 24, 40, decoded, crop=(20, 31))
    alone = DataLoader(images, 5, collate_fn=identity)
    together = DataLoader(
        images, 5, num_workers=2, collate_fn=identity, multiprocessing_context=way
    )
    for a, b in zip(alone, together, strict=True):
        assert_same(a, b)


def test_views_travel_without_a_file_handle_each(views: list[View]) -> None:
    packed = ForkingPickler.dumps(PosedImages(views * 100, 24, 40))
    handles = len(list(Path("/proc/self/fd").iterdir()))
    images = pickle.loads(packed)
    assert len(list(Path("/proc/self/fd").iterdir())) == handles
    assert len(images) == 1200
    assert_same(images[1199], PosedImages(views, 24, 40)[11])


@pytest.mark.parametrize("crop", [(24, 40), (20, 30), (24, 31), (9, 40), (1, 1)])
def test_crop_is_the_center_and_k_moves_with_it(
    views: list[View], decoded: DecodedImages, crop: tuple[int, int]
) -> None:
    whole = PosedImages(views, 24, 40)[4].query
    top, left = (24 - crop[0]) // 2, (40 - crop[1]) // 2
    point = torch.tensor([0.1, -0.2, 3.0])
    u, v, w = whole.K @ point
    for images in (PosedImages(views, 24, 40, found, crop) for found in (None, decoded)):
        query = images[4].query
        cut = whole.image[:, top : top + crop[0], left : left + crop[1]]
        assert torch.equal(query.image, cut)
        moved = torch.stack([u - left * w, v - top * w, w])
        torch.testing.assert_close(query.K @ point, moved)


def test_a_crop_larger_than_the_image_is_refused(views: list[View]) -> None:
    with pytest.raises(InputError, match=r"crop=\[25, 40\]: does not fit .* 24 rows and 40"):
        PosedImages(views, 24, 40, crop=(25, 40))


def test_images_decoded_at_another_size_are_refused(
    views: list[View], decoded: DecodedImages
) -> None:
    with pytest.raises(ValueError, match="decoded at"):
        PosedImages(views, 40, 24, decoded)


def test_an_image_that_was_pruned_before_it_was_opened_is_decoded(
    views: list[View], decoded: DecodedImages, tmp_path: Path
) -> None:
    images = PosedImages(views, 24, 40, decoded)
    packed = pickle.dumps(images)  # as a worker gets it
    for path in (tmp_path / "cache").glob("*/*.npy"):
        path.unlink()
    assert_same(pickle.loads(packed).__getitems__([3]), images.__getitems__([3]))


def test_shrinking_averages_and_scales_k(views: list[View]) -> None:
    checkers = np.indices((48, 64)).sum(0) % 2 * 255
    cv2.imwrite(str(views[0].image), checkers.astype(np.uint8))  # grey is read as RGB
    query = PosedImages(views, 24, 16)[0].query
    torch.testing.assert_close(query.image, torch.full((3, 24, 16), 0.5), rtol=0, atol=0.02)
    assert query.K.tolist() == [[52.5 / 4, 0, 8], [0, 52.5 / 2, 12], [0, 0, 1]]


@pytest.mark.parametrize("damage", ["cut off", "empty", "not an image", "absent"])
def test_unreadable_image_is_named(views: list[View], damage: str) -> None:
    path = views[1].image
    data = path.read_bytes()
    path.write_bytes({"cut off": data[: len(data) // 2], "empty": b""}.get(damage, b"<html>"))
    if damage == "absent":
        path.unlink()
    with pytest.raises(InputError, match=r"frame-000010\.color\.jpg: .*fetch") as error:
        PosedImages(views, 24, 32)[1]
    assert "\n" not in str(error.value)
