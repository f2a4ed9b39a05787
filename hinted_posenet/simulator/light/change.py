"""What people and weather change on the ground from year to year, while its heights stay as they are."""

import numpy as np

from hinted_posenet.simulator.light.season import Season
from hinted_posenet.simulator.world import Cover, Raster
from hinted_posenet.simulator.world.generated.landscape import Land
from hinted_posenet.simulator.world.noise import fractal_noise, stream, texture, uniform

FIELD_M = (30.0, 300.0)  # across a field of a block that is divided anew
RISE = 0.04  # slope of beaches: rise of the water over the way of the shore, mean of all places
FLATTER = 0.6  # deviation of the logarithm of that way from place to place
FLATS_M = 180.0  # size of flat and of steep parts of a shore
BEACH_M = 3.0  # width of the bare strip along a shore that has moved
DROWNED = (Cover.GRASS, Cover.FIELD, Cover.FOREST, Cover.SHORE)  # covers that high water hides
BLOCKS = 2**24  # all values of `Land.block_draw` as integers
SOIL_M, SOIL_KEPT = 110.0, 0.3  # largest patches of soil; correlation between two dates


def changed(land: Land, season: Season, resolution_m: float, seed: int) -> Land:
    """Return the land as it is in a season: its fields and shores; the very same without changes."""
    if season.new_fields > 0:
        land = _with_new_fields(land, season, seed)
    if season.water_level_m != 0:
        land = _with_water_level(land, season.water_level_m, resolution_m, seed)
    return land


def soil(land: Land, season: Season, resolution_m: float, seed: int) -> Raster:
    """Return factors (rows, cols) of the colours of fields by patches of dry, wet and salty ground.

    How clearly a field shows its patches, and whether they are brighter or darker than the rest, depends
    on its crop and on the weather of the weeks before, so it is drawn for each parcel and date.
    """
    pattern = texture(land.window, SOIL_M / resolution_m, seed, "soil", season.date, SOIL_KEPT, 6)
    parcel = (land.parcel_draw * np.float32(BLOCKS)).astype(np.int64)
    clear = 2 * uniform(stream(seed, f"soil {season.date}"), parcel) - 1
    strength = np.where(land.ground == Cover.FIELD, season.soil * clear, 0).astype(np.float32)
    return np.asarray(np.clip(1 + strength * pattern, 0.5, 1.6), np.float32)


def _with_new_fields(land: Land, season: Season, seed: int) -> Land:
    """Divide some blocks into the fields of the year, without regard to their usual parcels."""
    key = stream(seed, f"fields {season.year}")
    block = (land.block_draw * np.float32(BLOCKS)).astype(np.int64)
    new = uniform(key, block, 0) < season.new_fields
    low, high = FIELD_M
    width_m = low + (high - low) * uniform(key, block, 1)
    field = np.floor(land.across_m / width_m + uniform(key, block, 2)).astype(np.int64)
    draw = uniform(key, block, field, 3).astype(np.float32)
    tone = (2 * uniform(key, block, field, 4) - 1).astype(np.float32)
    below_one = np.nextafter(np.float32(1), np.float32(0))
    return land._replace(
        ground=np.where(new & land.balk, np.uint8(Cover.FIELD), land.ground),
        parcel_draw=np.where(new, np.minimum(draw, below_one), land.parcel_draw),
        parcel_tone=np.where(new, tone, land.parcel_tone),
    )


def _with_water_level(land: Land, level_m: float, resolution_m: float, seed: int) -> Land:
    """Move the shores: high water hides low land, low water leaves a bare bed."""
    flat = fractal_noise(land.window, FLATS_M / resolution_m, stream(seed, "flats"), 3)
    moved_m = np.float32(level_m / RISE) * np.exp(np.float32(FLATTER) * flat)
    inland_m = land.shore_m - moved_m  # distance to the shore of the season
    water = (land.ground == Cover.WATER) | (land.ground == Cover.RIVER)
    natural = np.isin(land.ground, DROWNED) & (land.bank > 0)
    ground = np.where(natural & (inland_m < BEACH_M), np.uint8(Cover.SHORE), land.ground)
    ground = np.where(natural & (inland_m < 0), land.bank, ground)
    ground = np.where(water & (inland_m >= 0), np.uint8(Cover.SHORE), ground)
    return land._replace(ground=ground)
