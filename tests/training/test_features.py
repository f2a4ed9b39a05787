from pathlib import Path

import pytest
import torch
from fakes import write_seven_scenes
from torch import nn

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Sample
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.formats.seven_scenes import read_views
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.models.backbones.timm import TimmBackbone
from hinted_posenet.models.posenet import GridPool, PoseNet
from hinted_posenet.training.features import compute_features


@pytest.fixture(scope="module")
def model() -> PoseNet:
    return PoseNet(
        TimmBackbone(weights=None), GridPool(2), lambda channels, grid: nn.Linear(channels, 1)
    )


@pytest.fixture
def images(tmp_path: Path) -> PosedImages:
    write_seven_scenes(tmp_path)
    scene = next(path for path in tmp_path.iterdir() if path.is_dir())
    return PosedImages(read_views(tmp_path, scene.name, "train"), 64, 64)


def features(model: PoseNet, images: PosedImages, cache: Path | None, versions: int) -> Sample:
    return compute_features(
        model,
        images,
        title="test",
        batch_size=3,
        workers=0,
        device=torch.device("cpu"),
        augment=Augment(rotation_deg=(5.0, 5.0, 5.0)),
        augmented_views=versions,
        cache=cache,
    )


def test_originals_come_first_and_versions_have_their_own_pose(
    model: PoseNet, images: PosedImages, tmp_path: Path
) -> None:
    count = len(images)
    both = features(model, images, None, 2)
    assert both.query.feature.shape == (3 * count, 320, 2, 2)
    assert list(both.query.name) == [view.name for view in images.views] * 3
    for index in range(count):
        assert torch.equal(both.T_world_cam.q[index], images[index].T_world_cam.q)
    turned = rotation_angle(both.T_world_cam.q[:count], both.T_world_cam.q[count : 2 * count])
    assert (turned > 0).all()
    assert torch.equal(both.T_world_cam.t[:count], both.T_world_cam.t[2 * count :])


def test_cache_gives_the_same_and_is_used(
    model: PoseNet, images: PosedImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = features(model, images, tmp_path / "cache", 2)
    monkeypatch.setattr(PoseNet, "with_feature", lambda *_: pytest.fail("not cached"))
    fewer = features(model, images, tmp_path / "cache", 1)  # its versions are among those computed
    rows = 2 * len(images)
    assert torch.equal(fewer.query.feature, fresh.query.feature[:rows])
    assert torch.equal(fewer.T_world_cam.q, fresh.T_world_cam.q[:rows])
    assert not list((tmp_path / "cache/features").glob(".*"))


def test_the_names_of_very_many_images_are_read_again(
    model: PoseNet, images: PosedImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 2_000_000  # as many bytes as 100,000 images have, which a checkpoint may not
    images.views = [view._replace(name=f"{view.name}{long}") for view in images.views]
    features(model, images, tmp_path / "cache", 0)
    monkeypatch.setattr(PoseNet, "with_feature", lambda *_: pytest.fail("not cached"))
    features(model, images, tmp_path / "cache", 0)


def test_a_changed_image_is_computed_anew(
    model: PoseNet, images: PosedImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features(model, images, tmp_path / "cache", 0)
    changed = images.views[0].image
    changed.write_bytes(images.views[-1].image.read_bytes() + b" ")
    calls: list[int] = []
    original = PoseNet.with_feature
    monkeypatch.setattr(PoseNet, "with_feature", lambda *a: (calls.append(1), original(*a))[1])
    features(model, images, tmp_path / "cache", 0)
    assert calls


@pytest.mark.parametrize("content", [b"", b"# text", None])
def test_damaged_features_are_computed_anew(
    model: PoseNet,
    images: PosedImages,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
) -> None:
    fresh = features(model, images, tmp_path / "cache", 0)
    (file,) = (tmp_path / "cache" / "features").iterdir()
    if content is None:
        torch.save({"feature": torch.zeros(1).expand(10**6, 10**6)}, file)
    else:
        file.write_bytes(content)
    again = features(model, images, tmp_path / "cache", 0)
    assert torch.equal(again.query.feature, fresh.query.feature)
    assert "computed anew" in caplog.text
