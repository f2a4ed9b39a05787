"""A point in front of a fake camera lands where its image has the dot, for every loader."""

from collections.abc import Callable
from pathlib import Path

import fakes
import pytest
import torch
from dots import dot_by_pose, dot_in_image, rotate_cameras
from torch.utils.data import default_collate

from hinted_posenet.data.augment import Augment
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.reader import (
    aerial,
    cambridge,
    colmap,
    csv_frames,
    seven_scenes,
    transforms,
    tum,
    twelve_scenes,
)
from hinted_posenet.types import View

SIZES = [(48, 64), (30, 50), (36, 36), (96, 160)]  # as stored, smaller, square, larger


def all_views(root: Path) -> dict[str, list[View]]:
    fakes.write_cambridge(root / "c")
    fakes.write_seven_scenes(root / "s")
    fakes.write_seven_scenes(root / "j", suffix="jpg")
    fakes.write_twelve_scenes(root / "w")
    fakes.write_aerial(root / "a")
    fakes.write_colmap(root / "t")
    fakes.write_colmap(root / "b", binary=True)
    fakes.write_transforms(root / "n")
    fakes.write_tum(root / "m")
    fakes.write_csv(root / "v")
    fakes.write_csv(root / "i", inverse=True)
    readers: list[tuple[str, Callable[..., list[View]], str]] = [
        ("c", cambridge.read_views, "KingsCollege"),
        ("s", seven_scenes.read_views, "redkitchen"),
        ("j", seven_scenes.read_views, "redkitchen"),
        ("w", twelve_scenes.read_views, "apt1/kitchen"),
        ("a", aerial.read_views, "prairie"),
        ("t", colmap.read_views, "tower"),
        ("b", colmap.read_views, "tower"),
        ("n", transforms.read_views, "fox"),
        ("m", tum.read_views, "office"),
        ("v", csv_frames.read_views, "garden"),
        ("i", csv_frames.read_views, "garden"),
    ]
    return {
        key: read(root / key, scene, "train") + read(root / key, scene, "test")
        for key, read, scene in readers
    }


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[View]]:
    return all_views(tmp_path_factory.mktemp("fakes"))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("key", ["c", "s", "j", "w", "a", "t", "b", "n", "m", "v", "i"])
def test_dot(views: dict[str, list[View]], key: str, height: int, width: int) -> None:
    images = PosedImages(views[key], height, width)
    sample = default_collate([images[i] for i in range(len(images))])
    assert sample.query.image.shape == (len(images), 3, height, width)
    assert (dot_by_pose(sample) - dot_in_image(sample.query.image)).abs().max() < 0.1
    red, _, blue = sample.query.image.amax((0, 2, 3))
    assert red > 2 * blue  # RGB, not BGR


@pytest.mark.parametrize("vector_deg", [(8, 0, 0), (0, 8, 0), (0, 0, 40), (4, -5, 30)])
@pytest.mark.parametrize("padding_mode", ["border", "zeros"])
def test_dot_follows_the_rotated_camera(
    views: dict[str, list[View]], vector_deg: tuple[float, ...], padding_mode: str
) -> None:
    images = PosedImages(views["c"], 72, 90)  # non-square pixels, off the stored aspect
    sample = default_collate([images[i] for i in range(len(images))])
    vector = torch.tensor(vector_deg).deg2rad().expand(len(images), 3)
    turned = rotate_cameras(sample, vector, padding_mode)
    assert torch.equal(turned.T_world_cam.t, sample.T_world_cam.t)
    moved = (dot_by_pose(turned) - dot_by_pose(sample)).norm(dim=-1)
    assert moved.median() > 2  # the test would see a wrong rotation
    inside = ((dot_by_pose(turned) > 6) & (dot_by_pose(turned) < torch.tensor([84, 66]))).all(-1)
    assert inside.float().mean() > 0.7
    error = (dot_by_pose(turned) - dot_in_image(turned.query.image)).abs()[inside]
    assert error.max() < 0.1


def test_dot_follows_random_rotations(views: dict[str, list[View]]) -> None:
    images = PosedImages(views["a"], 48, 64)
    sample = default_collate([images[i] for i in range(len(images))])
    augment = Augment((3.0, 3.0, 10.0))
    turned = augment(sample, torch.Generator().manual_seed(0))
    assert (dot_by_pose(turned) - dot_in_image(turned.query.image)).abs().max() < 0.1
