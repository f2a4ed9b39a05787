"""Seasons: colours, snow and sun of a procedural world; they never move geometry."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.simulator.sun import sun_direction, sunlight
from hinted_posenet.simulator.world.land import CROPS, Cover, Land, fractal_noise
from hinted_posenet.simulator.world.world import Epoch, Rgb
from hinted_posenet.types import InputError

SNOW = np.array([222, 226, 233], np.float32)
HAZE = np.array([150, 160, 172], np.float32)  # air between the ground and the camera
HAZE_SHARE = 0.09
Colour = NDArray[np.float32]  # (..., 3) sRGB of full scale 255


class Season:
    """How the land looks at one time of the year.

    Args:
        date: ISO date, for the sun.
        solar_hour: local solar time, for the sun.
        ground: cover in lower case -> sRGB; where there are two colours, patches lie between them.
        crops: crop -> two sRGB colours; parcels lie between them.
        furrows: relative strength of the stripes in fields.
        leaves: species -> opacity of its crown; the rest shows the ground below.
        snow: cover -> share hidden by snow; missing covers have none.
    """

    def __init__(
        self,
        date: str,
        solar_hour: float,
        ground: Mapping[str, Sequence[Sequence[float]]],
        crops: Mapping[str, Sequence[Sequence[float]]],
        leaves: Mapping[str, float],
        furrows: float = 0.04,
        snow: Mapping[str, float] | None = None,
    ) -> None:
        covers = [cover.name.lower() for cover in Cover]
        self.date, self.solar_hour, self.furrows = str(date), float(solar_hour), float(furrows)
        self.ground = _palette("ground", ground, [c for c in covers if c not in ("field", "roof")])
        self.crops = _palette("crops", crops, list(CROPS))
        self.leaves = np.array([leaves["deciduous"], leaves["conifer"]], np.float32)
        self.snow = np.array([(snow or {}).get(cover, 0.0) for cover in covers], np.float32)


def _palette(
    name: str, colours: Mapping[str, Sequence[Sequence[float]]], keys: Sequence[str]
) -> dict[str, Colour]:
    missing = [key for key in keys if key not in colours]
    if missing:
        raise InputError(
            f"season {name}: no colours for {', '.join(missing)}; give two sRGB triples each"
        )
    palette = {key: np.array([list(c) for c in colours[key]], np.float32) for key in keys}
    for key, pair in palette.items():
        if pair.shape != (2, 3):
            raise InputError(f"season {name}.{key}: expected two sRGB triples, got {colours[key]}")
    return palette


class Painter:
    """Paints the orthophoto of a land for any of its seasons."""

    def __init__(
        self,
        land: Land,
        seasons: Mapping[str, Season],
        latitude_deg: float,
        generator: np.random.Generator,
    ) -> None:
        self.land, self.seasons, self.latitude_deg = land, dict(seasons), latitude_deg
        shape, res = land.ground.shape, land.resolution_m
        self._patches = fractal_noise(shape, 60 / res, generator, octaves=5)
        self._grain = fractal_noise(shape, 4 / res, generator, octaves=2)

    def paint(self, epoch: Epoch) -> Rgb:
        """The orthophoto (rows, cols, 3) of a season, sun and shadows included."""
        season = self.seasons[epoch.key]
        colour = self._under_snow(season, self._ground(season), self.land.ground)
        colour = self._crowns(season, colour)
        colour *= self._light(season)
        colour += HAZE_SHARE * (HAZE - colour)
        return np.clip(np.rint(colour), 0, 255).astype(np.uint8)

    def _light(self, season: Season) -> Colour:
        """Light on the land; bare trees cast thin shadows."""
        land, leaves = self.land, season.leaves[0]
        sun = sun_direction(season.date, season.solar_hour, self.latitude_deg)
        light = sunlight(land.surface_m, land.resolution_m, sun)
        if leaves < 1:
            light *= leaves
            light += (1 - leaves) * sunlight(land.leafless_m, land.resolution_m, sun)
        return light

    def _ground(self, season: Season) -> Colour:
        land = self.land
        patch = np.clip(0.5 + 0.4 * self._patches, 0, 1)
        colour = np.zeros((*land.ground.shape, 3), np.float32)
        for name, pair in season.ground.items():
            here = land.ground == Cover[name.upper()]
            colour[here] = _between(pair, patch[here])
        field = land.ground == Cover.FIELD
        tone = np.clip(0.5 + 0.35 * land.parcel_tone + 0.2 * self._patches, 0, 1)
        for number, crop in enumerate(CROPS):
            here = field & (land.crop == number)
            colour[here] = _between(season.crops[crop], tone[here])
        colour[field] *= (1 + season.furrows * land.furrow[field])[:, None]
        roof = land.ground == Cover.ROOF
        colour[roof] = land.roof_rgb[roof]
        grain = np.where(land.ground == Cover.WATER, 0.01, 0.045).astype(np.float32) * self._grain
        return np.asarray(colour * (1 + grain)[..., None], np.float32)

    def _crowns(self, season: Season, below: Colour) -> Colour:
        land = self.land
        for species, leaves in zip((Cover.DECIDUOUS, Cover.CONIFER), season.leaves, strict=True):
            here = land.crown == species
            colour = _between(season.ground[species.name.lower()], land.crown_tone[here])
            colour *= (1 + 0.09 * self._grain[here])[:, None]
            snow = season.snow[species] * np.clip(1 + 0.5 * self._grain[here], 0, 2)
            colour = colour + np.clip(snow, 0, 1)[:, None] * (SNOW - colour)
            below[here] += leaves * (colour - below[here])
        return below

    def _under_snow(self, season: Season, colour: Colour, cover: NDArray[np.uint8]) -> Colour:
        if not season.snow.any():
            return colour
        # stubble and wind leave thin snow in some parcels, so that fields can still be told apart
        thickness = (
            1
            + 0.02 * self._patches
            + np.where(cover == Cover.FIELD, 0.13 * self.land.parcel_tone, 0)
        )
        depth = np.clip(season.snow[cover] * thickness, 0, 0.96).astype(np.float32)
        return colour + depth[..., None] * (SNOW - colour)


def _between(pair: Colour, share: NDArray[np.float32]) -> Colour:
    """Colours (n, 3) between a pair (2, 3), by share (n,)."""
    return np.asarray(pair[0] + share[:, None] * (pair[1] - pair[0]), np.float32)
