"""The orthophoto of a land in a season, a pure function of place that reads nothing but the land."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light import survey
from hinted_posenet.simulator.light.change import changed, soil
from hinted_posenet.simulator.light.palette import TREES, Palette, ground_code, palette
from hinted_posenet.simulator.light.season import (
    Season,
    cast,
    cloud_shadow,
    frozen,
    snow_cm,
    snow_held,
    temperature_c,
    water_rgb,
)
from hinted_posenet.simulator.light.sun import (
    cast_shadow,
    daylight,
    facing_sun,
    margin_px,
    sun_direction,
)
from hinted_posenet.simulator.world import Cover, Raster, Rgb
from hinted_posenet.simulator.world.generated.landscape import Land
from hinted_posenet.simulator.world.noise import texture

SNOW_RGB = np.array([232, 235, 240], np.float32)
ICE_RGB = np.array([166, 178, 186], np.float32)
GLOSS_RGB = np.array([104, 112, 122], np.float32)  # sky in a wet road
BARE_LIGHT = 0.45  # share of a leafy crown's shadow that its bare twigs still cast
LEAF_SCATTER = 0.2  # share of the contrast of light that the leaves of crowns level out
# snow (cm) that hides 63 % of a cover; roads are cleared, and lakes and roofs have their own rules
HIDING_CM = {
    "grass": 3.5, "field": 4.5, "forest": 7.0, "shore": 5.0, "road": 120.0, "track": 16.0,
    "yard": 5.0, "roof": 5.0, "paved": 45.0, "rock": 8.0, "deciduous": 60.0, "conifer": 40.0,
}  # fmt: skip
OPEN = ("road", "paved", "track", "field", "yard", "roof")  # covers that rain darkens


class Painter:
    """Paints a land in any of its seasons.

    ``seed`` is that of the texture and of the clouds. Raises InputError when the sun is down in one of
    the seasons.
    """

    def __init__(
        self, seasons: Mapping[str, Season], latitude_deg: float, seed: int, resolution_m: float
    ) -> None:
        self.seasons, self.seed, self.resolution_m = dict(seasons), seed, resolution_m
        self.latitude_deg = latitude_deg
        widest = max((survey.margin_px(s, resolution_m) for s in self.seasons.values()), default=0)
        self.margin_px = margin_px(resolution_m) + widest
        self._sun: dict[str, NDArray[np.float64]] = {}
        self._palette: dict[str, Palette] = {}
        for key, season in self.seasons.items():
            try:
                self._sun[key] = sun_direction(season.date, season.solar_hour, latitude_deg)
            except InputError as error:
                raise InputError(f"seasons.{key}: {error}") from error
            self._palette[key] = palette(season, latitude_deg, seed)
        hiding = [HIDING_CM.get(cover.name.lower(), 1e6) for cover in Cover]
        self._hiding_cm = np.array(hiding, np.float32)
        self._open = np.array([cover.name.lower() in OPEN for cover in Cover], np.float32)

    def paint(self, land: Land, season_key: str) -> Rgb:
        """Return the orthophoto (rows, cols, 3) over land.window, valid from `margin_px` off its edge."""
        season, sun = self.seasons[season_key], self._sun[season_key]
        colours = self._palette[season_key]
        land = changed(land, season, self.resolution_m, self.seed)
        patch = self._texture(land, season, "patch", 70.0, 0.4, 5)
        grain = self._texture(land, season, "grain", 1.6, 0.2, 2)
        tree = np.clip(land.crown_tone * TREES, 0, TREES - 1).astype(np.intp)
        # the share of leaves that the crown over a pixel carries; 1 without a crown
        leaves = np.where(land.crown == Cover.DECIDUOUS, colours.leaves[tree], np.float32(1))
        celsius = temperature_c(season.day_of_year, self.latitude_deg)
        snow = self._snow(land, season, patch, celsius)
        image = self._ground(land, colours, patch, grain)
        if season.soil > 0:
            image *= soil(land, season, self.resolution_m, self.seed)[..., None]
        # what water carries colours it: most in warm water, least in moving water
        carried = min(max(celsius / 15, 0.2), 1)
        for kind, share in ((Cover.WATER, 0.8), (Cover.RIVER, 0.35)):
            here = land.ground == kind
            if here.any():
                tint = water_rgb(land.window, self.resolution_m, self.seed, season.date, here)
                image[here] += np.float32(share * carried) * (tint - image[here])
        self._wet(image, land, season, snow)
        still = land.ground == Cover.WATER
        if still.any():
            crack = self._texture(land, season, "ice", 120.0, 0.0, 5)[still]
            ice = frozen(celsius, land.surface_m[still])
            # sheets with open water between them
            sheet = np.clip(np.float32(0.5) + 3 * (crack + 4 * ice - 2), 0, 1)
            opacity = (sheet * np.minimum(4 * ice, np.float32(0.9)))[:, None]
            cover = ICE_RGB * (1 + np.float32(0.05) * crack)[:, None]
            image[still] += opacity * (cover - image[still])
        if snow.any():
            white = np.where(still, 0, 1 - np.exp(-snow / self._hiding_cm[land.ground]))
            image += white[..., None] * (SNOW_RGB - image)
        self._crowns(image, land, colours, tree, leaves, snow, grain)
        gain, haze_rgb = cast(self.seed, season.date, season.colour_spread)
        image *= self._light(land, season, sun, colours, leaves, gain)
        image += haze_rgb
        image = survey.developed(image, land.window, season, self.resolution_m, self.seed)
        return np.asarray(np.clip(np.rint(image, out=image), 0, 255, out=image), np.uint8)

    def _texture(
        self, land: Land, season: Season, name: str, scale_m: float, kept: float, octaves: int
    ) -> Raster:
        scale_px = scale_m / self.resolution_m
        return texture(land.window, scale_px, self.seed, name, season.date, kept, octaves)

    def _ground(self, land: Land, colours: Palette, patch: Raster, grain: Raster) -> Raster:
        field = land.ground == Cover.FIELD
        share = 0.5 + np.where(field, 0.22 * land.parcel_tone + 0.25 * patch, 0.3 * patch)
        code = ground_code(land.ground, land.parcel_draw)
        image = colours.ground[:, 1][code]
        image *= np.clip(share, 0, 1).astype(np.float32)[..., None]
        image += colours.ground[:, 0][code]
        roof = land.ground == Cover.ROOF
        image[roof] = land.roof_rgb[roof]
        rough = np.full(len(Cover), 0.03, np.float32)
        rough[[Cover.WATER, Cover.RIVER]] = 0.008
        rough[[Cover.ROAD, Cover.PAVED, Cover.ROOF]] = 0.025
        relief = 1 + rough[land.ground] * grain
        relief += colours.furrow[code] * land.furrow
        image *= relief[..., None]
        return image

    def _snow(self, land: Land, season: Season, patch: Raster, celsius: float) -> Raster:
        """Return the depth of snow (rows, cols) in cm."""
        if season.snow_cm is None:
            depth = snow_cm(land.terrain_m, celsius)
        else:
            depth = np.full_like(land.terrain_m, season.snow_cm)
        if not depth.any():
            return depth
        # wind and stubble: thin in patches and in some parcels, so that fields can be distinguished
        stubble = 0.45 * land.parcel_tone + 0.25 * land.furrow
        uneven = 1 + 0.22 * patch + np.where(land.ground == Cover.FIELD, stubble, 0)
        held = snow_held(land.terrain_m, self.resolution_m)
        return np.asarray(depth * held * np.clip(uneven, 0.05, 2), np.float32)

    def _wet(self, image: Raster, land: Land, season: Season, snow: Raster) -> None:
        share = np.clip(season.wetness + np.minimum(snow / 4, np.float32(0.5)), 0, 1)
        wet = np.asarray(share * self._open[land.ground], np.float32)[..., None]
        if not wet.any():
            return
        image *= 1 - np.float32(0.32) * wet
        smooth = ((land.ground == Cover.ROAD) | (land.ground == Cover.PAVED))[..., None]
        image += np.where(smooth, np.float32(0.25) * wet, 0) * (GLOSS_RGB - image)

    def _crowns(
        self,
        image: Raster,
        land: Land,
        colours: Palette,
        tree: NDArray[np.intp],
        leaves: Raster,
        snow: Raster,
        grain: Raster,
    ) -> None:
        tables = {Cover.DECIDUOUS: colours.deciduous, Cover.CONIFER: colours.conifer}
        for kind, table in tables.items():
            here = land.crown == kind
            colour = table[tree[here]] * (1 + np.float32(0.11) * grain[here])[:, None]
            lying_cm = snow[here] * (1 + np.float32(0.3) * grain[here])
            white = 1 - np.exp(-lying_cm / self._hiding_cm[kind])
            colour += np.clip(white, 0, 1)[:, None] * (SNOW_RGB - colour)
            opacity = (np.float32(0.5) + np.float32(0.5) * leaves[here])[:, None]
            image[here] += opacity * (colour - image[here])

    def _light(
        self,
        land: Land,
        season: Season,
        sun: NDArray[np.float64],
        colours: Palette,
        leaves: Raster,
        gain: NDArray[np.float64],
    ) -> Raster:
        """Return factors (rows, cols, 3) of sRGB: linear light to the power of 1 / 2.2."""
        light = daylight(sun, season.cloud_cover)
        leafy = float(colours.leaves.mean())
        shadow = cast_shadow(land.surface_m, self.resolution_m, sun)
        if leafy < 1:
            bare = cast_shadow(land.leafless_m, self.resolution_m, sun)
            through = np.float32(1 - leafy) * np.float32(1 - BARE_LIGHT)
            shadow += through * (bare - shadow)
        facing = facing_sun(land.surface_m, self.resolution_m, sun)
        flat = facing_sun(land.leafless_m, self.resolution_m, sun)
        facing += (1 - leaves) * (flat - facing)  # bare crowns have no sides
        water = (land.ground == Cover.WATER) | (land.ground == Cover.RIVER)
        direct = facing * (1 - shadow)
        soft = np.where(land.crown > 0, np.float32(LEAF_SCATTER), np.float32(0.5) * water)
        direct += soft * (1 - direct)
        if season.cloud_cover > 0:
            direct = direct * (1 - cloud_shadow(land.window, self.resolution_m, season, self.seed))
        levels = np.linspace(0, 2, 1025)[:, None]
        table = (gain * (light.sky + levels * light.sun) ** (1 / 2.2)).astype(np.float32)
        step = np.clip(np.rint(direct * np.float32(512)), 0, 1024).astype(np.intp)
        return np.asarray(table[step], np.float32)
