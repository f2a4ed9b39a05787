"""Season: the moment and the weather; everything else follows from them and the latitude."""

import datetime

from hinted_posenet.types import InputError


class Season:
    """When and in what weather a world is seen.

    Args:
        date: ISO date.
        solar_hour: local solar time in hours; 12 is when the sun is highest.
        cloud_cover: share of the sky that clouds hide; between 0 and 1 their shadows lie on the land,
            at 1 there is no direct sun.
        wetness: 0 dry to 1 after rain: darker soil, glossy roads.
        snow_cm: depth of snow on level ground; null takes it from the climate, by altitude.
        visibility_km: meteorological visibility, for the haze between ground and camera.

    Raises:
        InputError: a value is out of range.
    """

    def __init__(
        self,
        date: str,
        solar_hour: float = 11.0,
        cloud_cover: float = 0.0,
        wetness: float = 0.0,
        snow_cm: float | None = None,
        visibility_km: float = 30.0,
    ) -> None:
        for name, share in {"cloud_cover": cloud_cover, "wetness": wetness}.items():
            if not 0 <= share <= 1:
                raise InputError(f"season {name}: expected 0 to 1, got {share}")
        if snow_cm is not None and not snow_cm >= 0:
            raise InputError(f"season snow_cm: expected 0 or more, or null, got {snow_cm}")
        if not visibility_km > 0:
            raise InputError(f"season visibility_km: expected more than 0, got {visibility_km}")
        if not 0 <= solar_hour <= 24:
            raise InputError(f"season solar_hour: expected 0 to 24, got {solar_hour}")
        try:
            day = datetime.date.fromisoformat(str(date))
        except ValueError as error:
            raise InputError(f"season date: expected YYYY-MM-DD, got {date!r}") from error
        self.year, self.day_of_year = day.year, day.timetuple().tm_yday
        self.date, self.solar_hour = str(date), float(solar_hour)
        self.cloud_cover, self.wetness, self.snow_cm = cloud_cover, wetness, snow_cm
        self.visibility_m = 1000.0 * visibility_km
