"""A point in front of a fake camera lands where its image has the dot, for every loader."""

from pathlib import Path
from typing import Any

import pytest
import torch
from dots import dot_by_pose, dot_in_image, rotate_cameras
from layouts import READERS
from torch.utils.data import default_collate

from hinted_posenet.data.augment import Augment
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.types import View

SIZES = [(48, 64), (30, 50), (36, 36), (96, 160)]  # as stored, smaller, square, larger


VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{layout: (layout, {}) for layout in READERS},
    "seven_scenes jpg": ("seven_scenes", {"suffix": "jpg"}),
    "colmap binary": ("colmap", {"binary": True}),
    "csv world-to-camera": ("csv", {"inverse": True}),
}


def all_views(root: Path, variant: str) -> list[View]:
    layout, options = VARIANTS[variant]
    write, read, scene = READERS[layout]
    write(root / variant, **options)
    return read(root / variant, scene, "train") + read(root / variant, scene, "test")


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[View]]:
    root = tmp_path_factory.mktemp("fakes")
    return {variant: all_views(root, variant) for variant in VARIANTS}


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_dot(views: dict[str, list[View]], variant: str, height: int, width: int) -> None:
    images = PosedImages(views[variant], height, width)
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
    images = PosedImages(views["cambridge"], 72, 90)  # non-square pixels, off the stored aspect
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
    images = PosedImages(views["aerial"], 48, 64)
    sample = default_collate([images[i] for i in range(len(images))])
    augment = Augment((3.0, 3.0, 10.0))
    turned = augment(sample, torch.Generator().manual_seed(0))
    assert (dot_by_pose(turned) - dot_in_image(turned.query.image)).abs().max() < 0.1
