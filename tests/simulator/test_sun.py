import math

import numpy as np
import pytest

from hinted_posenet.simulator.sun import cast_shadow, sun_direction
from hinted_posenet.types import InputError


def test_noon_elevation_at_solstices() -> None:
    for date, declination_deg in (("2025-06-21", 23.44), ("2025-12-21", -23.44)):
        sun = sun_direction(date, 12.0, 47.0)
        assert math.degrees(math.asin(sun[2])) == pytest.approx(90 - 47 + declination_deg, abs=0.5)
        assert sun[1] < 0 and abs(sun[0]) < 1e-12  # due south


def test_morning_sun_stands_in_the_east_and_night_is_refused() -> None:
    assert sun_direction("2025-03-21", 8.0, 47.0)[0] > 0.5
    with pytest.raises(InputError, match="solar_hour"):
        sun_direction("2025-12-21", 22.0, 47.0)


def test_a_tower_casts_its_shadow_away_from_the_sun_and_as_long_as_it_should() -> None:
    surface_m = np.zeros((60, 60), np.float32)
    surface_m[29:32, 29:32] = 10.0
    sun = np.array([0.0, -1.0, 1.0]) / math.sqrt(2)  # south, 45 degrees
    shadow = cast_shadow(surface_m, 1.0, sun)
    assert (shadow[20:28, 30] > 0.9).all()  # 10 m to the north
    assert shadow[:18, 30].max() == 0 and shadow[33:].max() == 0
