import numpy as np
import pytest

from hinted_posenet.simulator.light.season import water_rgb
from hinted_posenet.simulator.world import Window
from hinted_posenet.simulator.world.noise import texture

WINDOW = Window(-300, 5000, 500, 400)


@pytest.mark.parametrize("kept", [0.0, 0.3, 1.0])
def test_dates_share_what_is_kept(kept):
    first, second = (
        texture(WINDOW, 6.0, 3, "a", date, kept, 2) for date in ("2024-07-01", "2025-07-01")
    )
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(kept, abs=0.06)
    assert first.std() == pytest.approx(1, abs=0.1)


def test_same_bits_in_every_window():
    part = Window(-211, 5043, 77, 101)
    here = np.ones((500, 400), bool)
    whole = texture(WINDOW, 6.0, 3, "a", "2024-07-01", 0.4, 3)
    np.testing.assert_array_equal(
        texture(part, 6.0, 3, "a", "2024-07-01", 0.4, 3), whole[part.within(WINDOW)]
    )
    water = water_rgb(WINDOW, 1.0, 3, "2024-07-01", here).reshape(500, 400, 3)
    np.testing.assert_array_equal(
        water_rgb(part, 1.0, 3, "2024-07-01", here[:77, :101]).reshape(77, 101, 3),
        water[part.within(WINDOW)],
    )


def test_lakes_differ_and_a_lake_differs_between_dates():
    wide = Window(0, 0, 300, 300)
    here = np.ones((300, 300), bool)
    first, second = (water_rgb(wide, 60.0, 3, date, here) for date in ("2024-07-01", "2025-07-01"))
    assert first.mean(axis=1).min() < 45 and first.mean(axis=1).max() > 110
    assert (np.abs(first - second).mean(axis=1) > 10).mean() > 0.4
