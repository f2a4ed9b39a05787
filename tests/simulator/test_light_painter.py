from pathlib import Path

import numpy as np
import pytest
import yaml
from light_land import RESOLUTION_M, make_land

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.painter import Painter
from hinted_posenet.simulator.light.palette import CROPS
from hinted_posenet.simulator.light.phenology import COVERS, CROPS_YEAR, growth_day
from hinted_posenet.simulator.light.season import Season, temperature_c
from hinted_posenet.simulator.world import Cover, Window

CLIMATE = Path(__file__).parents[2] / "configs" / "climate"
WINDOW = Window(180, 300, 240, 200)


def paint(seasons: dict[str, Season], latitude_deg: float = 48.0, window: Window = WINDOW, **land):
    painter = Painter(seasons, latitude_deg, seed=3, resolution_m=RESOLUTION_M)
    grown = make_land(window.grown(painter.margin_px), **land)
    inner = window.within(grown.window)
    return {key: painter.paint(grown, key)[inner] for key in seasons}


def ground(window: Window = WINDOW):
    land = make_land(window)
    return np.where(land.crown > 0, 255, land.ground)


@pytest.mark.parametrize("path", sorted(CLIMATE.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_climate_config_is_of_this_class_and_has_sun(path):
    seasons = {}
    for key, values in yaml.safe_load(path.read_text()).items():
        assert values.pop("_target_") == f"{Season.__module__}.Season"
        seasons[key] = Season(**values)
    Painter(seasons, 48.0, 0, RESOLUTION_M)


def test_every_cover_and_crop_has_colours():
    looked_up_otherwise = {"field", "roof", "deciduous"}
    assert {cover.name.lower() for cover in Cover} - looked_up_otherwise <= set(COVERS)
    assert set(CROPS) == set(CROPS_YEAR)
    for frames in [*COVERS.values(), *CROPS_YEAR.values()]:
        assert [f[0] for f in frames] == sorted({f[0] for f in frames})


def test_same_bits_in_every_window_and_land_is_untouched():
    seasons = {
        "snow": Season("2025-01-20", 10.0),
        "clouds": Season("2025-09-03", 15.0, cloud_cover=0.5, wetness=0.3),
    }
    painter = Painter(seasons, 48.0, seed=3, resolution_m=RESOLUTION_M)
    whole = make_land(WINDOW.grown(painter.margin_px))
    part_window = Window(WINDOW.row + 77, WINDOW.col + 31, 90, 101)
    part = make_land(part_window.grown(painter.margin_px))
    before = [np.copy(layer) for layer in vars_of(whole)]
    for key in seasons:
        expected = painter.paint(whole, key)[part_window.within(whole.window)]
        np.testing.assert_array_equal(
            painter.paint(part, key)[part_window.within(part.window)], expected
        )
    for layer, copy in zip(vars_of(whole), before, strict=True):
        np.testing.assert_array_equal(layer, copy)


def vars_of(land):
    names = "terrain_m surface_m leafless_m ground crown crown_tone parcel_draw parcel_tone furrow roof_rgb"
    return [getattr(land, name) for name in names.split()]


def test_seed_changes_texture():
    land = make_land(WINDOW)
    first, second = (
        Painter({"s": Season("2025-07-01")}, 48.0, seed, RESOLUTION_M).paint(land, "s")
        for seed in (1, 2)
    )
    assert (first != second).mean() > 0.5


def test_years_differ_in_fields_and_hours_of_a_date_only_in_light():
    dates = {"a": Season("2024-07-01"), "b": Season("2025-07-01"), "noon": Season("2024-07-01", 12)}
    photos = {key: photo.astype(float).mean(axis=2) for key, photo in paint(dates).items()}
    field, road = ground() == Cover.FIELD, ground() == Cover.ROAD

    def correlation(first, second, here):
        return np.corrcoef(photos[first][here], photos[second][here])[0, 1]

    assert correlation("a", "b", field) < 0.6 < 0.95 < correlation("a", "noon", field)
    assert np.abs(photos["a"][road].mean() - photos["b"][road].mean()) < 30


def test_snow_lies_in_winter_and_higher_up_longer_and_not_on_cleared_roads():
    photos = paint({"winter": Season("2025-01-20"), "summer": Season("2025-07-10")})
    field, road = ground() == Cover.FIELD, ground() == Cover.ROAD
    assert photos["winter"][field].mean() > photos["summer"][field].mean() + 40
    assert photos["winter"][road].mean() < photos["winter"][field].mean() - 40
    april = {"april": Season("2025-04-15")}
    mountain = paint(april, altitude_m=1800.0)["april"][field].mean()
    assert mountain > paint(april)["april"][field].mean() + 40


def test_south_is_half_a_year_away():
    assert growth_day(10, -40.0) == pytest.approx(growth_day(192.625, 40.0))
    assert temperature_c(15, -48.0) > temperature_c(15, 48.0) + 15


def test_leaves_are_green_in_june_and_brown_in_october_and_conifers_stay():
    window = Window(450, 450, 200, 200)
    seasons = {"june": Season("2025-06-20"), "october": Season("2025-10-22")}
    photos = paint(seasons, window=window)
    crown = make_land(window).crown

    def redness(key, kind):
        red, green = photos[key][crown == kind][:, :2].astype(float).mean(0)
        return red / green

    assert redness("june", Cover.DECIDUOUS) < 0.9
    assert redness("october", Cover.DECIDUOUS) > 1.05
    assert redness("october", Cover.CONIFER) < 1.0


def test_lakes_freeze():
    window = Window(500, 120, 120, 120)
    lake = ground(window) == Cover.WATER
    winter = Season("2025-01-20", snow_cm=0.0)
    photos = [paint({"winter": winter}, latitude_deg, window) for latitude_deg in (42.0, 60.0)]
    assert photos[1]["winter"][lake].mean() > photos[0]["winter"][lake].mean() + 20


def test_overcast_has_no_shadows_and_clouds_darken_their_share():
    photos = paint(
        {"clear": Season("2025-07-10"), "overcast": Season("2025-07-10", cloud_cover=1.0)}
    )
    roof = ground() == Cover.ROOF
    assert photos["overcast"][roof].std() < photos["clear"][roof].std()


def test_rain_darkens_fields():
    photos = paint({"dry": Season("2025-07-10"), "wet": Season("2025-07-10", wetness=1.0)})
    field = ground() == Cover.FIELD
    assert photos["wet"][field].mean() < 0.85 * photos["dry"][field].mean()


def test_night_names_the_season_and_bad_values_their_key():
    with pytest.raises(InputError, match=r"seasons\.xmas.*solar_hour"):
        Painter({"xmas": Season("2025-12-24", 4.0)}, 48.0, 0, RESOLUTION_M)
    bad = {"cloud_cover": 2, "wetness": -1, "snow_cm": -1, "visibility_km": 0, "solar_hour": 30}
    for key, value in bad.items():
        with pytest.raises(InputError, match=key):
            Season("2025-07-10", **{key: value})
    with pytest.raises(InputError, match="date"):
        Season("July")
