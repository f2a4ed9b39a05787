"""The Python API: load, locate, and what it says of hints that it cannot use."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from poses import PLACE
from tiny import small_checkpoint

import hinted_posenet as hp

SIDE = 64


@pytest.fixture(scope="module")
def hinted(tmp_path_factory: pytest.TempPathFactory) -> hp.Localizer:
    return hp.load(
        small_checkpoint(tmp_path_factory.mktemp("hinted"), "method=hinted_residual"), "cpu"
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> hp.Localizer:
    return hp.load(small_checkpoint(tmp_path_factory.mktemp("plain"), "method=posenet"), "cpu")


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.integers(0, 255, (SIDE, SIDE, 3), np.uint8) for _ in range(4)]


def same(a: hp.Estimate, b: hp.Estimate) -> bool:
    pairs = ((a.pose.t, b.pose.t), (a.pose.q, b.pose.q), (a.covariance, b.covariance))
    return all(torch.equal(*pair) for pair in pairs)


def test_the_import_is_light():
    code = "import sys, hinted_posenet as hp; assert 'torch' not in sys.modules; print(dir(hp))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'Localizer'" in found.stdout
    with pytest.raises(AttributeError, match="no attribute 'Localiser'"):
        hp.Localiser  # noqa: B018


def test_every_name_is_there():
    assert all(getattr(hp, name) is not None for name in hp.__all__)


def test_an_image_may_come_in_any_form(hinted, photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    expected = hinted.locate(photos[0])
    tensor = torch.from_numpy(photos[0]).permute(2, 0, 1)
    forms = [
        tmp_path / "photo.png",
        str(tmp_path / "photo.png"),
        Image.fromarray(photos[0]),
        tensor,
    ]
    assert all(same(hinted.locate(form), expected) for form in forms)


def test_a_photo_is_turned_as_its_viewer_shows_it(hinted, photos, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    lying = Image.fromarray(np.rot90(photos[0]).copy())
    lying.save(tmp_path / "photo.png", exif=exif)
    assert same(hinted.locate(tmp_path / "photo.png"), hinted.locate(photos[0]))


def test_answers_do_not_depend_on_neighbours_order_or_threads(hinted, photos):
    alone = [hinted.locate(photo) for photo in photos]
    together = hinted.locate_many(photos, progress=False)
    backwards = hinted.locate_many(photos[::-1], progress=False)[::-1]
    with ThreadPoolExecutor(4) as pool:
        threads = list(pool.map(hinted.locate, photos))
    for answers in (together, backwards, threads):
        assert all(same(a, b) for a, b in zip(alone, answers, strict=True))
    assert not same(alone[0], alone[1])


def test_a_hint_moves_the_answer_and_is_named(hinted, photos):
    free = hinted.locate(photos[0])
    near = hinted.locate(
        photos[0], hint=hp.Hint.from_position([3.0, -2.0, 1.0], sigma_m=[0.1, 0.3])
    )
    assert free.hint == "retrieval"
    assert near.hint == "given"
    assert not torch.equal(free.pose.t, near.pose.t)


def test_nothing_known_is_no_hint(hinted, photos):
    nothing = hp.Hint.from_position([0.0, 0.0, 0.0], sigma_m=np.inf)
    assert same(hinted.locate(photos[0], hint=nothing), hinted.locate(photos[0]))


def test_a_localizer_without_hints_says_so(plain, photos, caplog):
    assert not plain.takes_hints
    hint = hp.Hint.from_position([3.0, -2.0, 1.0], sigma_m=1.0)
    with caplog.at_level(logging.WARNING):
        found = plain.locate_many(photos[:2], hints=[hint, None], progress=False)
    assert [estimate.hint for estimate in found] == ["ignored", "none"]
    assert "trained without hints" in caplog.text
    assert same(found[0], plain.locate(photos[0]))


@pytest.mark.parametrize("position", [[1e7, 0.0, 0.0], [np.nan, 0.0, 0.0]])
def test_a_hint_that_cannot_be_right_is_refused_or_ignored(hinted, photos, position, caplog):
    good = hp.Hint.from_position([1.0, 0.0, 0.0], sigma_m=1.0)
    hint = good._replace(pose=hp.Pose(torch.tensor(position), good.pose.q))
    with pytest.raises(hp.InputError, match="hint is"):
        hinted.locate(photos[0], hint=hint)
    with caplog.at_level(logging.WARNING):
        ignored = hinted.locate(photos[0], hint=hint, far_hint="ignore")
    assert "is ignored" in caplog.text
    assert same(ignored, hinted.locate(photos[0]))


def test_an_estimate_tells_pose_covariance_and_place(hinted, photos):
    found = hinted.locate(photos[0])
    assert found.covariance.shape == (6, 6)
    assert torch.linalg.eigvalsh(found.covariance).min() > 0
    assert found.pose.t.dtype == torch.float64
    assert found.status in ("ok", "uncertain", "outside the map")
    assert sum(mode.weight for mode in found.modes) == pytest.approx(1.0)
    torch.testing.assert_close(found.T_world_cam[:3, 3], found.pose.t)
    latitude, longitude, altitude_m = found.latitude_longitude_altitude
    there = hp.Hint.from_latitude_longitude(
        latitude, longitude, altitude_m, 5.0, hinted.origin, above="geoid"
    )
    torch.testing.assert_close(there.pose.t, found.pose.t, atol=1e-3, rtol=0)


def test_k_is_scaled_with_the_image(hinted, photos):
    large = np.kron(photos[0], np.ones((2, 2, 1), np.uint8))
    small = hinted.locate(photos[0], K=PLACE.K.numpy())
    double = hinted.locate(large, K=[128.0, 128.0, 64.0, 64.0])
    torch.testing.assert_close(double.pose.t, small.pose.t, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("image", "K", "message"),
    [
        (np.zeros((64, 256, 3), np.uint8), None, "times as wide as high"),
        (np.zeros((64, 64, 3), np.uint8), np.diag([-64.0, 64.0, 1.0]), "K"),
        (np.zeros((64, 64, 3), np.uint8), np.eye(4), "K"),
        (np.zeros((64, 64, 3), np.uint8), [600.0, 600.0, 32.0, 32.0], "of the width"),
        (np.zeros((64, 64, 7), np.uint8), None, "shape"),
        (np.full((64, 64, 3), np.nan), None, "floats"),
        ("no/such/photo.jpg", None, "missing"),
    ],
)
def test_a_wrong_image_or_camera_is_named(hinted, image, K, message):
    with pytest.raises(hp.InputError, match=message) as error:
        hinted.locate(image, K)
    assert "\n" not in str(error.value)


def test_as_many_hints_as_images(hinted, photos):
    with pytest.raises(hp.InputError, match="1 for 2 images"):
        hinted.locate_many(photos[:2], hints=[None])


def test_modes_have_weights_that_sum_to_one_and_begin_with_the_answer(hinted, plain, photos):
    found = hinted.locate(photos[0])
    assert torch.equal(found.modes[0].pose.t, found.pose.t)
    assert torch.equal(found.modes[0].pose.q, found.pose.q)
    assert 1 <= len(found.modes) <= 3
    assert sum(mode.weight for mode in found.modes) == pytest.approx(1.0)
    assert all(mode.weight > 0 for mode in found.modes)
    (only,) = hinted.locate(photos[0], modes=1).modes
    assert torch.equal(only.pose.t, found.pose.t)
    assert len(plain.locate(photos[0]).modes) == 1
