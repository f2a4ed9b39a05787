"""The realism benchmark: what it measures must hold on pictures whose answer is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from realism_photos import Photos, photos_of
from realism_retrieval import retrieval_errors
from realism_statistics import (
    bands,
    correlation_length_px,
    gradient,
    keypoints,
    matched,
    of_cover,
    of_date,
    of_pair,
    spectrum_slope,
)
from realism_table import Row, markdown, rows_of, sheet
from scipy.ndimage import gaussian_filter

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan import RandomPlan
from hinted_posenet.simulator.world import Capture, Cover, PixelGrid, Window
from hinted_posenet.simulator.world.world import ArrayWorld, cut

SUMMER, AUTUMN = Capture("a", "summer", "2020-07-01"), Capture("b", "autumn", "2020-10-01")


def noise(seed: int, sigma_px: float, side: int = 384) -> np.ndarray:
    """Blurred white noise (side, side) of mean 0 and standard deviation 1."""
    white = np.random.default_rng(seed).standard_normal((side, side)).astype(np.float32)
    soft = gaussian_filter(white, sigma_px, mode="wrap")
    return (soft - soft.mean()) / soft.std()


def picture(seed: int, side: int = 384) -> np.ndarray:
    """A colourful picture (side, side, 3) with blobs of several sizes."""
    grey = noise(seed, 2, side) + noise(seed + 100, 8, side)
    channels = [grey + 0.5 * noise(seed + 200 + number, 8, side) for number in range(3)]
    return np.clip(110 + 25 * np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def shuffled(rgb: np.ndarray, tile: int = 48) -> np.ndarray:
    """The same tiles in another order, none of them where it was."""
    return np.roll(rgb, (3 * tile, 5 * tile), axis=(0, 1))


def test_identical_photos_match_nearly_everywhere():
    found = keypoints(picture(0))
    assert len(found[0]) > 300
    assert matched(found, found) > 0.9 * len(found[0])


@pytest.mark.parametrize(("shift_px", "expected"), [(1, True), (2, True), (5, False), (60, False)])
def test_matches_count_only_at_the_same_place(shift_px, expected):
    rgb = picture(0)
    a, b = keypoints(rgb), keypoints(np.roll(rgb, shift_px, axis=1))
    share = matched(a, b) / len(a[0])
    assert (share > 0.6) if expected else (share < 0.02)


def test_other_and_shuffled_photos_do_not_match():
    first = keypoints(picture(0))
    assert matched(first, keypoints(picture(1))) < 0.01 * len(first[0])
    assert matched(first, keypoints(shuffled(picture(0)))) < 0.02 * len(first[0])


def test_photos_without_keypoints_match_nowhere():
    empty = keypoints(np.full((64, 64, 3), 90, np.uint8))
    assert matched(empty, empty) == matched(empty, keypoints(picture(0))) == 0


def test_gradient_of_a_ramp_is_its_slope():
    down, right = np.mgrid[0:8, 0:9].astype(np.float32)
    assert gradient(3 * right + 4 * down) == pytest.approx(np.full((8, 9), 5.0))


def test_bands_hold_what_the_widest_blur_leaves():
    lightness = noise(0, 1)
    total = sum(bands(lightness).values()) + cv2.GaussianBlur(lightness, (0, 0), 32)
    assert total == pytest.approx(lightness, abs=1e-5)


@pytest.mark.parametrize(("sigma_px", "name"), [(0.8, "fine"), (5, "middle"), (18, "coarse")])
def test_a_band_has_the_structures_of_its_size(sigma_px, name):
    deviation = {band: part.std() for band, part in bands(noise(0, sigma_px)).items()}
    assert max(deviation, key=deviation.__getitem__) == name


@pytest.mark.parametrize("sigma_px", [2, 5])
def test_correlation_length_of_blurred_noise(sigma_px):
    # blurred by sigma, its autocorrelation is exp(-r^2 / (4 sigma^2))
    assert correlation_length_px(noise(0, sigma_px)) == pytest.approx(2 * sigma_px, rel=0.1)


@pytest.mark.parametrize("exponent", [0.0, -2.0, -3.0])
def test_slope_of_noise_made_with_it(exponent):
    side = 512
    cycles = np.fft.fftfreq(side)
    frequency = np.hypot(*np.meshgrid(cycles, cycles))
    frequency[0, 0] = 1
    white = np.fft.fft2(np.random.default_rng(0).standard_normal((side, side)))
    lightness = np.fft.ifft2(white * frequency ** (exponent / 2)).real.astype(np.float32)
    assert spectrum_slope(lightness) == pytest.approx(exponent, abs=0.1)


def test_statistics_of_a_picture_made_of_known_parts():
    rgb = np.zeros((40, 100, 3), np.uint8)
    rgb[:, 20:50] = (0, 128, 0)  # L* 46.2, a* -51.7
    rgb[:, 50:] = 255
    values = of_date(rgb, resolution_m=5.0)
    shares = [values[f"{name}: share, %"] for name in ("dark", "green", "bare")]
    assert shares == pytest.approx([20, 30, 50])
    assert values["green: L* mean"] == pytest.approx(46.2, abs=0.1)
    assert values["green: L* sd"] == pytest.approx(0, abs=1e-4)
    assert values["L* mean"] == pytest.approx(0.3 * 46.2 + 0.5 * 100, abs=0.1)
    assert values["gradient, 50 % below, L*/px"] == 0


def test_a_class_that_is_hardly_there_is_left_out():
    assert "dark: L* mean" not in of_date(np.full((40, 40, 3), 255, np.uint8), 5.0)


def test_change_between_photos():
    rgb = picture(0)
    same = of_pair(rgb, rgb)
    assert same.pop("mean difference, 8-bit RGB") == 0
    assert list(same.values()) == pytest.approx([1.0] * len(same))
    brighter = of_pair(rgb, np.clip(rgb.astype(int) + 10, 0, 255).astype(np.uint8))
    assert brighter["mean difference, 8-bit RGB"] == pytest.approx(10, abs=0.1)
    assert brighter["correlation of lightness"] > 0.99
    assert of_pair(rgb, 255 - rgb)["correlation of lightness"] < -0.97
    other = of_pair(rgb, picture(1))
    assert max(abs(value) for key, value in other.items() if "corr" in key) < 0.25


class CoveredWorld(ArrayWorld):
    """Grass in the west, water in the east."""

    def cover(self, window: Window) -> np.ndarray:
        whole = np.full((self.pixel_grid.rows, self.pixel_grid.cols), Cover.GRASS, np.uint8)
        whole[:, self.pixel_grid.cols // 2 :] = Cover.WATER
        return cut(whole, window)


def world_of(photo: np.ndarray, resolution_m: float) -> CoveredWorld:
    rows, cols = photo.shape[:2]
    pixel_grid = PixelGrid(0.0, rows * resolution_m, resolution_m, rows, cols)
    return CoveredWorld(pixel_grid, {SUMMER: photo}, np.zeros((2, 2), np.float32), 512)


def test_a_world_is_cut_to_its_middle_and_averaged():
    photo = np.zeros((12, 16, 3), np.uint8)
    photo[2:10, 2:14] = np.arange(8 * 12 * 3).reshape(8, 12, 3) % 250
    photos = photos_of(world_of(photo, 2.5), PixelGrid(7.0, 7.0, 5.002, rows=4, cols=6))
    mean = photo[2:10, 2:14].reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(photos.rgb[SUMMER] - mean).max() <= 0.5
    assert photos.resolution_m == 5.0
    assert photos.cover is not None
    assert (photos.cover == [[Cover.GRASS] * 3 + [Cover.WATER] * 3] * 4).all()


def test_strips_meet_without_a_seam():
    photo = picture(0, side=300)
    photos = photos_of(world_of(photo, 2.5), PixelGrid(0, 0, 5.0, rows=150, cols=150))
    expected = cv2.resize(photo, (150, 150), interpolation=cv2.INTER_AREA)
    assert np.array_equal(photos.rgb[SUMMER], expected)


@pytest.mark.parametrize(
    ("rows", "resolution_m", "message"), [(4, 3.4, "whole number"), (40, 5.0, "enlarge")]
)
def test_a_world_that_cannot_be_compared(rows, resolution_m, message):
    world = world_of(np.zeros((12, 16, 3), np.uint8), 2.5)
    with pytest.raises(InputError, match=message):
        photos_of(world, PixelGrid(0, 0, resolution_m, rows, 4))


def test_statistics_by_cover():
    photo = np.zeros((8, 8, 3), np.uint8)
    photo[:, 4:] = 255
    table = of_cover(photos_of(world_of(photo, 5.0), PixelGrid(0, 0, 5.0, 8, 8)))
    assert table["grass"]["share, %"] == [50]
    assert table["grass"]["L* mean"] == [0]
    assert table["water"]["L* mean"] == pytest.approx([100], abs=0.01)
    assert of_cover(Photos(5.0, {SUMMER: photo}, None)) == {}


def retrieval_of(first: np.ndarray, second: np.ndarray, cache: Path) -> dict[str, list[float]]:
    camera = Camera(64, 64, hfov_deg=60)
    plan = RandomPlan(altitude_m=[250, 280], heading_deg=[-5, 5], tilt_deg=0)
    photos = Photos(5.0, {SUMMER: first, AUTUMN: second}, None)
    return retrieval_errors(photos, camera, plan, views=36, cache=cache)


def test_an_unseen_date_is_as_good_as_it_looks_alike(tmp_path):
    rgb = picture(0, side=160)
    same, other = (retrieval_of(rgb, second, tmp_path) for second in (rgb, picture(1, side=160)))
    for pool in ("3x3", "global"):
        assert len(same[f"{pool}, known date, m"]) == 2
        assert len(same[f"{pool}, one date, another season, m"]) == 2
        assert max(same[f"{pool}, known date, m"]) < 120  # of 800 m
        assert max(same[f"{pool}, unseen date, m"]) < 150
        assert min(other[f"{pool}, unseen date, m"]) > 150
        assert max(other[f"{pool}, known date, m"]) < 120
        # of two dates, the other is all that an unseen one leaves
        one = other[f"{pool}, one date, another season, m"]
        assert one == other[f"{pool}, unseen date, m"]
    assert retrieval_of(rgb, rgb, tmp_path) == same
    assert len(list((tmp_path / "realism").iterdir())) == 2  # found again by content


def test_verdicts():
    assert Row("", [1, 2], [2.05, 2.1]).verdict == "inside"  # a tenth of the range is tolerated
    assert Row("", [1, 2], [2.05, 2.2, 2.2]).verdict == "high"
    assert Row("", [1, 2], [2.05, 2.2]).inside == 0.5
    assert Row("", [1, 2], [0.8, 0.8, 1]).verdict == "low"
    assert Row("", [1, 2], []).verdict == "not comparable"


def test_table_and_sheet(tmp_path):
    text = markdown(rows_of({"size": [1, 2, 4], "gone": [1]}, {"size": [8.0], "new": [1.23456]}))
    assert "| size | 2 [1, 4] | 8 [8, 8] | 0 % | **high** |" in text.splitlines()
    assert "| new |  | 1.23 [1.23, 1.23] |  | not comparable |" in text.splitlines()
    photos = Photos(5.0, {SUMMER: picture(0), AUTUMN: picture(1)}, None)
    one = Photos(5.0, {SUMMER: picture(0)}, None)
    sheet(tmp_path / "sheet.png", {"real": photos, "simulated": one})
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] > 500
