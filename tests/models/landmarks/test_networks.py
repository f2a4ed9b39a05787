"""XFeat and ALIKED with random weights, and with a hand-made network whose keypoints are bright places."""

import numpy as np
import pytest
import torch
from blobs import blob_image, blob_places, misses
from kornia.feature.xfeat import XFeat
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad, pixel_unshuffle

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.models.landmarks.aliked import AlikedFeatures
from hinted_posenet.models.landmarks.local_features import LocalFeatureExtractor
from hinted_posenet.models.landmarks.xfeat import XFeatFeatures, peaks

WIDTH, HEIGHT = 330, 250  # no multiples of 32: the networks resize or pad
LENS = Lens(intrinsics(1, 1, 0.001, 0.001), ())  # rays are pixels
PLACES = blob_places(WIDTH, HEIGHT)
IMAGE = blob_image(PLACES, WIDTH, HEIGHT)
NOISE = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
CLASSES = [XFeatFeatures, AlikedFeatures]


class Bright(nn.Module):
    """Stands in for XFeat's network: what is bright is a keypoint."""

    def forward(self, gray: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # the last one, no keypoint in the cell, is so likely that all cells have nearly the same sum
        logits = pad(pixel_unshuffle(gray * 8, 8), (0, 0, 0, 0, 0, 1), value=16)
        cells = logits[:, :1]
        return torch.rand_like(cells).expand(-1, 64, -1, -1), logits, torch.ones_like(cells)


def bright(kind: type[LocalFeatureExtractor]) -> LocalFeatureExtractor:
    """An extractor whose keypoints are the brightest places."""
    if kind is XFeatFeatures:
        xfeat = XFeatFeatures(threshold=0.0, weights=None)
        xfeat.network = Bright()
        return xfeat
    aliked = AlikedFeatures(threshold=0.5, weights=None)
    maps = aliked.network.extract_dense_map
    aliked.network.extract_dense_map = lambda image: (
        maps(image)[0],
        avg_pool2d(image.mean(1, keepdim=True), 3, 1, 1),  # whole numbers would tie
    )
    return aliked


def places(features: LocalFeatures) -> np.ndarray:
    return features.ray[features.score > 0].double().numpy() + 0.001


@pytest.mark.parametrize("kind", CLASSES)
def test_keypoints_are_where_the_heat_is(kind):
    found = misses(places(bright(kind).extract(IMAGE, LENS)), PLACES)
    assert np.abs(found).max() < 0.75
    assert np.abs(found.mean(axis=0)).max() < 0.15  # half a pixel would be a bias


@pytest.mark.parametrize("kind", CLASSES)
def test_masked_pixels_have_no_keypoints(kind):
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[:120] = False
    features = bright(kind).extract(IMAGE, LENS, mask)
    assert len(places(features)) >= 8
    assert places(features)[:, 1].min() > 119
    assert not bright(kind).extract(IMAGE, LENS, np.zeros_like(mask)).score.any()


@pytest.mark.parametrize("kind", CLASSES)
def test_random_weights_give_the_same_rows_whatever_ran_before(kind):
    extractor = kind(keypoints=50, weights=None, threshold=0.0)
    first = extractor.extract(NOISE, LENS)
    assert (first.score > 0).sum() > 10
    assert [part.shape for part in first] == [(50, 2), (50,), (50, extractor.dim), ()]
    used = first.descriptor[first.score > 0].float()
    assert torch.allclose(used.norm(dim=1), torch.ones(len(used)), atol=2e-3)
    assert (first.score.diff() <= 0).all()
    extractor.extract(IMAGE, LENS)
    assert all(map(torch.equal, extractor.extract(NOISE, LENS), first))


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("shape", [(96, 128), (31, 200), (33, 47)], ids=str)
def test_a_blank_or_tiny_image_is_no_exception(kind, shape):
    features = kind(keypoints=8, weights=None).extract(np.full((*shape, 3), 90, np.uint8), LENS)
    assert features.ray.shape == (8, 2)
    assert all(part.isfinite().all() for part in features)
    if min(shape) < 32:
        assert not features.score.any()


@pytest.mark.parametrize("kind", CLASSES)
def test_the_weights_of_a_checkpoint_make_the_same_features(kind):
    trained = kind(keypoints=50, weights=None, threshold=0.0)
    loaded = kind(keypoints=50, weights=None, threshold=0.0)
    assert loaded.key != trained.key
    loaded.load_state_dict(trained.state_dict())
    assert loaded.key == trained.key
    first, again = (one.extract(NOISE, LENS) for one in (trained, loaded.train()))
    assert all(map(torch.equal, first, again))  # training does not change batch norms


def test_xfeat_finds_what_kornia_s_own_code_finds(tmp_path):
    """To within a pixel, as ours are refined; with the same scores and descriptors."""
    theirs = XFeat(top_k=100, detection_threshold=0.0).double().eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):  # statistics as of a training, not 0 and 1
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(theirs.net.state_dict(), tmp_path / "xfeat.pt")
    ours = XFeatFeatures(keypoints=100, threshold=0.0, weights=str(tmp_path / "xfeat.pt")).double()
    image = torch.rand(3, 96, 128, dtype=torch.float64)
    xy, score, descriptor = ours.detect(image)
    expected = theirs.float().detectAndCompute(image.float()[None])[0]
    torch.testing.assert_close(score.float(), expected["scores"], rtol=1e-3, atol=1e-6)
    assert (xy - 0.5 - expected["keypoints"]).abs().max() < 1
    torch.testing.assert_close(descriptor.float(), expected["descriptors"], rtol=1e-2, atol=1e-4)


def test_a_plateau_has_no_peak():
    heat = np.zeros((20, 20), np.float32)
    heat[5, 6] = 1
    heat[12, 12] = heat[12, 13] = 1
    columns, rows = peaks(heat, 0.1)
    assert (columns.tolist(), rows.tolist()) == ([6], [5])


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: XFeatFeatures(threshold=1.0, weights=None), "threshold=1"),
        (lambda: AlikedFeatures(name="aliked-x1", weights=None), "aliked-t16, aliked-n16"),
    ],
)
def test_settings_out_of_range_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
