import numpy as np
import pytest

from hinted_posenet.simulator.light.palette import ARABLE_SHARES, CROPS, MEADOW_SHARE, crops

DRAW = (np.arange(4096) + 0.5) / 4096


@pytest.mark.parametrize("year", [1999, 2024, 2025])
def test_shares_are_the_same_every_year(year):
    shares = np.bincount(crops(DRAW, year), minlength=len(CROPS)) / len(DRAW)
    arable = (1 - MEADOW_SHARE) * np.array(list(ARABLE_SHARES.values()))
    np.testing.assert_allclose(shares, [MEADOW_SHARE, *arable], atol=0.01)


def test_meadows_stay_and_no_crop_follows_itself():
    first, second = crops(DRAW, 2024), crops(DRAW, 2025)
    meadow = first == CROPS.index("meadow")
    assert meadow[DRAW < MEADOW_SHARE].all()
    np.testing.assert_array_equal(second == CROPS.index("meadow"), meadow)
    assert (first != second)[~meadow].all()


def test_no_two_years_are_alike():
    chance = sum(share**2 for share in ARABLE_SHARES.values())
    arable = DRAW >= MEADOW_SHARE
    for years in range(3, 12):
        same = crops(DRAW, 2010) == crops(DRAW, 2010 + years)
        assert same[arable].mean() < chance + 0.15
