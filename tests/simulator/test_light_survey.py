"""Photos of one date: beside their true place, blurred, with tones of their own."""

import numpy as np
import pytest

from hinted_posenet.simulator.light.season import Season, cast
from hinted_posenet.simulator.light.survey import LARGEST, developed, margin_px
from hinted_posenet.simulator.world import Window

WINDOW = Window(100, -60, 160, 200)
INNER = np.s_[20:-20, 20:-20]


def slopes() -> np.ndarray:
    """Colours that tell the place: rows in red, columns in green, grey of 100 in blue."""
    row, col = np.indices((WINDOW.rows, WINDOW.cols), np.float32)
    return np.stack([row, col, np.full_like(row, 100)], axis=-1)


def photo_of(image: np.ndarray, resolution_m: float = 1.0, **how: float) -> np.ndarray:
    season = Season(how.pop("date", "2025-07-01"), **how)
    return developed(image, WINDOW, season, resolution_m, seed=3)


def test_nothing_changes_a_photo_unless_asked() -> None:
    image = slopes()
    assert photo_of(image) is image
    assert margin_px(Season("2025-07-01"), 0.5) == 0


def test_a_badly_registered_photo_shows_what_lies_a_few_metres_away_and_bends_slowly() -> None:
    moved_px = (photo_of(slopes(), 0.5, registration_m=1.5) - slopes())[INNER]
    assert (moved_px[..., 2] == 0).all()
    assert 0.05 < np.abs(moved_px[..., :2]).mean() < LARGEST * 1.5 / 0.5
    assert np.abs(np.diff(moved_px, axis=0)).max() < 0.1  # no jumps: 1/32 px and the bend
    other = (photo_of(slopes(), 0.5, registration_m=1.5, date="2026-07-01") - slopes())[INNER]
    assert np.abs(moved_px - other).max() > 0.2
    assert margin_px(Season("2025-07-01", registration_m=1.5), 0.5) >= LARGEST * 1.5 / 0.5


def test_errors_of_registration_have_the_stated_deviation() -> None:
    errors_m = [
        (photo_of(slopes(), 1.0, registration_m=2.0, date=f"{year}-07-01") - slopes())[80, 100, :2]
        for year in range(1900, 1980)
    ]
    assert np.std(errors_m) == pytest.approx(2.0, rel=0.25)
    assert np.mean(errors_m) == pytest.approx(0.0, abs=0.6)


@pytest.mark.parametrize("resolution_m", [0.5, 2.0])
def test_blur_is_as_wide_as_stated_on_the_ground(resolution_m: float) -> None:
    image = np.zeros((WINDOW.rows, WINDOW.cols, 3), np.float32)
    image[80, 100] = 1
    spread = photo_of(image, resolution_m, blur_m=3.0)[..., 0]
    row, col = np.indices(spread.shape)
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    for axis, middle in ((row, 80), (col, 100)):
        sigma_m = resolution_m * np.sqrt((spread * (axis - middle) ** 2).sum())
        assert sigma_m == pytest.approx(3.0, rel=0.04)


def test_gamma_stretches_tones_about_the_middle() -> None:
    image = np.full((WINDOW.rows, WINDOW.cols, 3), (55, 110, 165), np.float32)
    dark, middle, bright = photo_of(image, gamma=1.3)[0, 0]
    assert dark < 50 and middle == pytest.approx(110) and bright > 180
    assert np.isfinite(photo_of(image - 60, gamma=1.3)).all()


def test_the_spread_of_colours_scales_what_a_date_draws() -> None:
    plain, one, three = (cast(3, "2025-07-01", spread)[0] for spread in (0, 1, 3))
    assert np.ptp(plain) == pytest.approx(0)
    assert np.ptp(three / plain) > 2 * np.ptp(one / plain) > 0
