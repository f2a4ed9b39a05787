"""A point in front of a fake camera lands where its image has the dot, for every loader."""

from pathlib import Path
from typing import Any

import pytest
from dots import dot_by_pose, dot_in_image
from layouts import READERS
from torch.utils.data import default_collate

from hinted_posenet.core.types import View
from hinted_posenet.data.posed_images import PosedImages

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
