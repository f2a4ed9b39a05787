"""Local features of a split: computed once, kept in segments."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fakes import FOCAL_PX, write_seven_scenes

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import write_tensors
from hinted_posenet.core.types import LocalFeatures
from hinted_posenet.data.formats.seven_scenes import read_views
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.models.landmarks.local_features import Detections, LocalFeatureExtractor
from hinted_posenet.models.landmarks.sift import SiftFeatures
from hinted_posenet.training.local_features import SplitFeatures, compute_local_features
from hinted_posenet.training.masks import Masks

IMAGES, SEGMENT = 12, 4


class Brightest(LocalFeatureExtractor):
    """The two brightest pixels; counts images, and stops, as a killed process does, after some."""

    def __init__(self, stop: int = 10**6, dim: int = 4):
        super().__init__(2, 64, dim)
        self.detected: list[None] = []
        self.stop = [stop]  # no plain attribute, so no part of the key

    def detect(self, image: torch.Tensor, allowed: torch.Tensor | None = None) -> Detections:
        if len(self.detected) in self.stop:
            raise KeyboardInterrupt
        self.detected.append(None)
        light = image.sum(dim=0)
        score, place = light.flatten().topk(2)
        xy = torch.stack([place % light.shape[1], place // light.shape[1]], dim=1) + 0.5
        return xy, score, torch.eye(self.dim)[:2]


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PosedImages:
    monkeypatch.setattr("hinted_posenet.training.local_features.SEGMENT", SEGMENT)
    write_seven_scenes(tmp_path / "data")
    views = read_views(tmp_path / "data", "redkitchen", "train")
    assert len(views) == IMAGES
    return PosedImages(views, 16, 16)


def compute(
    images: PosedImages, cache: Path | None, extractor: Brightest | None = None
) -> tuple[SplitFeatures, int]:
    """Return features and how many images were computed."""
    extractor = extractor or Brightest()
    return compute_local_features(extractor, images, "test", cache), len(extractor.detected)


def same(a: SplitFeatures, b: SplitFeatures) -> bool:
    rows = zip(a, b, strict=True)
    return all(torch.equal(x, y) for one, two in rows for x, y in zip(one, two, strict=True))


def files(cache: Path) -> list[Path]:
    return sorted((cache / "features").iterdir())


def test_features_are_those_of_the_images_as_stored(images, tmp_path):
    found, _ = compute(images, None)
    assert len(found) == IMAGES
    for row, one in enumerate(found):
        assert isinstance(one, LocalFeatures)
        assert one.ray.shape == (2, 2)
        pose = images.views[row].T_world_cam
        dot = torch.tensor([0.3, -0.2, 4.0]).double() - pose.t
        x, y, z = pose.matrix()[:3, :3].T @ dot
        off_px = FOCAL_PX * (one.ray[0] - torch.stack([x / z, y / z])).abs().max()
        assert off_px < 1.0  # at 16 x 16 pixels it would be several
    assert not (tmp_path / "cache").exists()


def test_the_second_call_reads(images, tmp_path):
    first, computed = compute(images, tmp_path / "cache")
    assert computed == IMAGES
    assert len(files(tmp_path / "cache")) == 3
    second, computed = compute(images, tmp_path / "cache")
    assert computed == 0
    assert same(first, second)
    assert same(second, compute(images, None)[0])


def test_only_a_lost_segment_is_computed(images, tmp_path):
    whole, _ = compute(images, tmp_path)
    files(tmp_path)[1].unlink()
    found, computed = compute(images, tmp_path)
    assert computed == SEGMENT
    assert same(found, whole)


@pytest.mark.parametrize("damage", ["cut off", "not a file of tensors", "other tensors", "too few"])
def test_a_damaged_segment_is_computed_anew(images, tmp_path, damage):
    compute(images, tmp_path)
    whole, _ = compute(images, None)  # not mapped from the file that is damaged
    file = files(tmp_path)[0]
    content = file.read_bytes()
    if damage == "cut off":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "not a file of tensors":
        file.write_bytes(b"PK\3\4 no")
    elif damage == "other tensors":
        write_tensors(file, {"ray": torch.zeros(SEGMENT, 2, 2)})
    else:
        write_tensors(file, LocalFeatures(*(torch.zeros(1, 2) for _ in range(4)))._asdict())
    found, computed = compute(images, tmp_path)
    assert computed == SEGMENT
    assert same(found, whole)
    assert compute(images, tmp_path)[1] == 0


def test_a_killed_run_goes_on(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        compute(images, tmp_path, Brightest(stop=6))  # in the second segment
    found, computed = compute(images, tmp_path)
    assert computed == IMAGES - SEGMENT
    assert same(found, compute(images, None)[0])


def test_another_extractor_has_its_own_files(images, tmp_path):
    compute(images, tmp_path)
    found, computed = compute(images, tmp_path, Brightest(dim=5))
    assert computed == IMAGES
    assert found[0].descriptor.shape == (2, 5)
    assert len(files(tmp_path)) == 6


def test_changed_images_are_computed_anew(images, tmp_path):
    compute(images, tmp_path)
    images.views[0].image.write_bytes(images.views[1].image.read_bytes())
    found, computed = compute(images, tmp_path)
    assert computed == SEGMENT
    assert torch.equal(found[0].ray, found[1].ray)


def test_the_best_rows_of_all_images(images, tmp_path):
    for cache in (None, tmp_path):
        found, _ = compute(images, cache)
        best = found.best(1)
        assert best.ray.shape == (IMAGES, 1, 2)
        assert best.focal_px.shape == (IMAGES,)
        for row, one in enumerate(found):
            assert torch.equal(best.ray[row, 0], one.ray[0])


@pytest.mark.parametrize("suffix", [".color.jpg.png", ".color.png"])
def test_nothing_is_detected_where_the_mask_is_black(images, tmp_path, suffix):
    first = Path(images.views[0].name)
    stem = first.name.split(".")[0]
    kind = first.name.removeprefix(stem)
    name = first.with_name(stem + suffix.replace(".color.jpg", kind))
    folder = tmp_path / "masks"
    (folder / name).parent.mkdir(parents=True)
    cv2.imwrite(str(folder / name), np.where(np.arange(64) > 32, 0, np.full((48, 1), 255)))
    sift = SiftFeatures(200, 64, 0.001)
    everywhere = compute_local_features(sift, images, "test", tmp_path / "cache")
    masked = compute_local_features(sift, images, "test", tmp_path / "cache", Masks(folder))
    right = [(one[0].ray[:, 0] > 0.01) & (one[0].score > 0) for one in (everywhere, masked)]
    assert right[0].any()
    assert not right[1].any()
    assert torch.equal(everywhere[1].ray, masked[1].ray)


def test_masks_that_fit_no_image_are_refused(images, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        Masks(tmp_path / "missing")
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match=r"holds no mask of any image; name them as .*\.png"):
        Masks(tmp_path / "masks").check(images.views)
    name = f"{images.views[0].name}.png"
    (tmp_path / "masks" / name).parent.mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "masks" / name), np.zeros((4, 5), np.uint8))
    with pytest.raises(InputError, match="5 x 4 pixels, its image has 64 x 48; resize the mask"):
        compute_local_features(Brightest(), images, "test", None, Masks(tmp_path / "masks"))
