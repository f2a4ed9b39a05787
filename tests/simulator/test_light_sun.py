import math

import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.sun import air_mass, daylight, sun_direction


def height_deg(date: str, hour: float, latitude_deg: float) -> float:
    return math.degrees(math.asin(sun_direction(date, hour, latitude_deg)[2]))


@pytest.mark.parametrize(
    ("date", "latitude_deg", "expected_deg"),
    [
        ("2025-06-21", 48.0, 90 - 48 + 23.44),
        ("2025-12-21", 48.0, 90 - 48 - 23.44),
        ("2025-03-20", 48.0, 90 - 48),
        ("2025-12-21", -35.0, 90 - 35 + 23.44),
    ],
)
def test_noon_height_is_ninety_minus_latitude_plus_declination(date, latitude_deg, expected_deg):
    assert height_deg(date, 12.0, latitude_deg) == pytest.approx(expected_deg, abs=0.25)


def test_unit_vector_south_at_noon_in_the_north_and_east_in_the_morning():
    noon, morning = sun_direction("2025-07-01", 12.0, 48.0), sun_direction("2025-07-01", 8.0, 48.0)
    assert np.linalg.norm(noon) == pytest.approx(1.0)
    assert noon[1] < -0.3 and abs(noon[0]) < 0.01
    assert morning[0] > 0.5
    assert sun_direction("2025-07-01", 12.0, -35.0)[1] > 0.3


def test_equinox_sun_climbs_fifteen_degrees_an_hour_on_the_equator():
    assert height_deg("2025-03-20", 9.0, 0.0) == pytest.approx(45.0, abs=0.3)


def test_night_names_the_key():
    with pytest.raises(InputError, match="solar_hour"):
        sun_direction("2025-12-21", 4.0, 48.0)


def test_air_mass_of_zenith_and_horizon():
    assert air_mass(90.0) == pytest.approx(1.0, abs=0.001)
    assert air_mass(30.0) == pytest.approx(2.0, abs=0.01)
    assert air_mass(0.0) == pytest.approx(38, abs=1)


def test_low_sun_is_warm_and_weak_and_shadows_are_blue():
    high, low = (daylight(sun_direction("2025-06-21", hour, 48.0)) for hour in (12.0, 19.0))
    assert low.sun[0] / low.sun[2] > 1.3 * high.sun[0] / high.sun[2]
    assert low.sun.sum() + low.sky.sum() < high.sun.sum() + high.sky.sum()
    assert high.sky[2] > high.sky[0]
