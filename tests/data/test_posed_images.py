from pathlib import Path

import cv2
import fakes
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from hinted_posenet.data import seven_scenes
from hinted_posenet.data.posed_images import FolderImages, PosedImages
from hinted_posenet.types import InputError, View


@pytest.fixture
def views(tmp_path: Path) -> list[View]:
    fakes.write_seven_scenes(tmp_path, suffix="jpg")
    return seven_scenes.read_views(tmp_path, "redkitchen", "train")


def test_batch_through_workers(views: list[View]) -> None:
    sample = next(iter(DataLoader(PosedImages(views, 24, 40), batch_size=3, num_workers=1)))
    query, pose = sample
    assert query.image.shape == (3, 3, 24, 40) and query.image.dtype == torch.float32
    assert query.image.min() >= 0 and 0.5 < query.image.max() <= 1
    assert query.K.shape == (3, 3, 3) and query.K.dtype == torch.float32
    assert query.feature.numel() == 0
    assert list(query.name) == [view.name for view in views[:3]]
    assert pose.t.shape == (3, 3) and pose.q.shape == (3, 4) and pose.t.dtype == torch.float32
    prior = query.prior
    assert prior.sigma_t.isinf().all() and prior.sigma_r.shape == (3,)
    assert prior.pose.q.tolist() == [[1, 0, 0, 0]] * 3


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


def test_folder_of_images(tmp_path: Path) -> None:
    for name in ["b/2.png", "frame10.JPG", "frame2.jpg", "frame1.tif", "a.bmp"]:
        fakes.draw(tmp_path / name, fakes.camera(0, 0))
    (tmp_path / "._frame2.jpg").write_bytes(b"finder")
    (tmp_path / "notes.txt").write_text("no image")
    images = FolderImages(tmp_path, 24, 32)
    assert [images[i].name for i in range(len(images))] == [
        "a.bmp",
        "b/2.png",
        "frame1.tif",
        "frame2.jpg",
        "frame10.JPG",
    ]
    assert images[0].image.shape == (3, 24, 32)
    assert images[0].K.tolist() == [[32, 0, 16], [0, 32, 12], [0, 0, 1]]
    assert FolderImages(tmp_path, 24, 32, focal_px=50.0)[0].K[0, 0] == 25


def test_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no images"):
        FolderImages(tmp_path, 24, 32)
    with pytest.raises(InputError, match="no such folder"):
        FolderImages(tmp_path / "x", 24, 32)
