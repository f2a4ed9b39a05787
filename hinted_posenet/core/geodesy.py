"""Places on Earth, and directions in the field's angles, as positions and rotations of a world.

A georeferenced world has x east, y north and z up in metres. East and north are the transverse Mercator plane of
WGS84 that is true to scale at the origin: within 25 km lengths are true to 1e-5, and grid north differs from
true north by at most ``(longitude - origin's longitude) * sin(latitude)``, 0.1 degrees 9 km east of an origin
at 50 degrees north. z is the altitude minus that of the origin. Altitudes count from the WGS84 ellipsoid or
from the geoid (mean sea level), which lies up to 107 m from it, so an altitude without this statement is no
position.
"""

import warnings
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate

VERTICALS = ("ellipsoid", "geoid", "unknown")  # what altitudes are above
GEOIDS = ("EPSG:9518", "EPSG:9707")  # WGS84 with heights above EGM2008 and above EGM96
ELLIPSOID = "EPSG:4979"
SQRT_HALF = 0.5**0.5
# of T_world_body for a body that heads north and level: its x forward, y right, z down
Q_WORLD_BODY = (0.0, SQRT_HALF, SQRT_HALF, 0.0)
Q_BODY_CAM = (0.5, 0.5, 0.5, 0.5)  # a camera that looks along the body's x, upright
GIMBAL_LOCK = 1e-6  # cosine of the pitch, below which heading and roll turn about the same axis


class Origin(NamedTuple):
    """Where (0, 0, 0) of a world lies on Earth."""

    longitude_deg: float
    latitude_deg: float
    altitude_m: float = 0.0
    vertical: str = "unknown"  # what the altitude is above: one of `VERTICALS`

    @property
    def projection(self) -> str:
        """The plane of east and north as a PROJ string."""
        return (
            f"+proj=tmerc +lat_0={self.latitude_deg!r} +lon_0={self.longitude_deg!r} "
            "+k=1 +datum=WGS84 +units=m"
        )

    def to_world(
        self,
        latitude_deg: ArrayLike,
        longitude_deg: ArrayLike,
        altitude_m: ArrayLike = np.nan,
        above: str | None = None,
    ) -> Tensor:
        """Return positions (*, 3) float64 in metres of places (*,).

        ``above`` is what the altitudes are above; None is the same as the origin's. An altitude that is nan
        gives a z that is nan, and a place whose east and north do not exist gives inf or nan.

        Raises:
            InputError: A latitude or longitude is out of range, or see `converted_altitude`.
        """
        latitude, longitude, altitude = _same_shape(latitude_deg, longitude_deg, altitude_m)
        if (np.abs(latitude) > 90).any() or (np.abs(longitude) > 360).any():
            raise InputError(
                f"latitude up to {np.nanmax(np.abs(latitude)):g}, longitude up to "
                f"{np.nanmax(np.abs(longitude)):g}: expected degrees within 90 and 360; latitude comes first"
            )
        if above is not None and np.isfinite(altitude).any():
            altitude = converted_altitude(altitude, latitude, longitude, above, self.vertical)
        east, north = _projection(self.projection)(longitude, latitude)
        return torch.from_numpy(np.stack([east, north, altitude - self.altitude_m], axis=-1))

    def to_geographic(self, position_m: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return latitude and longitude (*,) in degrees and altitude (*,) in metres of positions (*, 3).

        The altitude is above what ``vertical`` names.
        """
        east, north, up = position_m.double().cpu().numpy().reshape(-1, 3).T
        longitude, latitude = _projection(self.projection)(east, north, inverse=True)
        found = (np.asarray(part) for part in (latitude, longitude, up + self.altitude_m))
        latitude, longitude, altitude = (
            torch.from_numpy(part.reshape(position_m.shape[:-1])) for part in found
        )
        return latitude, longitude, altitude


def converted_altitude(
    altitude_m: ArrayLike,
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    above: str,
    wanted: str,
) -> NDArray[np.float64]:
    """Return altitudes (*,) in metres above ``wanted`` of altitudes above ``above``, both of `VERTICALS`.

    Between ellipsoid and geoid it takes the geoid's grid, which PROJ reads if it is installed; nothing is
    downloaded.

    Raises:
        InputError: One of the two is unknown, or there is no grid.
    """
    altitude, latitude, longitude = _same_shape(altitude_m, latitude_deg, longitude_deg)
    for name in (above, wanted):
        if name not in VERTICALS:
            raise InputError(f"altitude above {name!r}: expected one of {', '.join(VERTICALS)}")
    if "unknown" in (above, wanted):
        whose = "the altitudes are" if above == "unknown" else "z = 0 of the scene is"
        raise InputError(
            f"it is not known what {whose} above; state it (of a map, dem_above=geoid or ellipsoid), or leave "
            "altitudes out (altitude_above=ignore)"
        )
    if above == wanted:
        return altitude
    from pyproj.transformer import TransformerGroup

    for geoid in GEOIDS:
        names = {"ellipsoid": ELLIPSOID, "geoid": geoid}
        with warnings.catch_warnings():  # pyproj's about a missing grid, which is reported below
            warnings.simplefilter("ignore", UserWarning)
            group = TransformerGroup(
                names[above], names[wanted], always_xy=True, allow_ballpark=False
            )
        if group.transformers:
            return np.asarray(group.transformers[0].transform(longitude, latitude, altitude)[2])
    raise InputError(
        f"altitudes above the {above} need a grid of the geoid to be above the {wanted}, and PROJ has none "
        "of EGM2008 or EGM96; run `pyproj sync --file us_nga_egm`, or leave altitudes out "
        "(altitude_above=ignore)"
    )


def camera_rotation(heading_deg: ArrayLike, pitch_deg: ArrayLike, roll_deg: ArrayLike) -> Tensor:
    """Return q (*, 4) float64 of T_world_cam for a camera in a world of east, north, up.

    Heading turns clockwise from north seen from above, pitch lifts the optical axis above the horizon (-90 looks
    straight down with the top of the image towards the heading), and roll lowers the right side of the camera:
    yaw, pitch and roll of an aircraft, or of a gimbal, whose camera looks forward.
    """
    angles = np.radians(np.stack(_same_shape(heading_deg, pitch_deg, roll_deg), axis=-1))
    heading, pitch, roll = torch.from_numpy(angles).unbind(-1)
    zero = torch.zeros_like(heading)
    turns = ((zero, zero, heading), (zero, pitch, zero), (roll, zero, zero))
    q = torch.tensor(Q_WORLD_BODY, dtype=torch.float64)
    for turn in turns:  # each about an axis of the body as turned so far
        q = quaternion_product(q, quaternion_exp(torch.stack(turn, dim=-1)))
    return quaternion_product(q, torch.tensor(Q_BODY_CAM, dtype=torch.float64))


def camera_angles(q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return heading from 0 to 360, pitch and roll (*,) in degrees of q (*, 4), see `camera_rotation`.

    A camera that looks straight up or down has roll 0.
    """
    axes = torch.eye(3, dtype=torch.float64)
    right, down, ahead = (rotate(q.double(), axis) for axis in axes)
    level = torch.linalg.vector_norm(ahead[..., :2], dim=-1)  # cosine of the pitch
    locked = level < GIMBAL_LOCK
    pitch = torch.atan2(ahead[..., 2], level)
    # where the axis stands on end, the right side of the image points 90 degrees right of the heading
    heading = torch.where(
        locked,
        torch.atan2(-right[..., 1], right[..., 0]),
        torch.atan2(ahead[..., 0], ahead[..., 1]),
    )
    roll = torch.where(locked, 0.0, torch.atan2(-right[..., 2], -down[..., 2]))
    return heading.rad2deg() % 360.0, pitch.rad2deg(), roll.rad2deg()


def axes_of_angles(heading_deg: float, pitch_deg: float) -> Tensor:
    """Return the world's axes (3, 3) about which heading, pitch and roll turn; each is a row of unit length."""
    ahead = rotate(camera_rotation(heading_deg, pitch_deg, 0.0), torch.eye(3).double()[2])
    right = rotate(camera_rotation(heading_deg, 0.0, 0.0), torch.eye(3).double()[0])
    return torch.stack([ahead.new_tensor([0.0, 0.0, -1.0]), right, ahead])


@lru_cache(16)
def _projection(text: str) -> Any:
    from pyproj import Proj

    return Proj(text)


def _same_shape(*values: ArrayLike) -> list[NDArray[np.float64]]:
    return [
        array.copy() for array in np.broadcast_arrays(*(np.asarray(v, np.float64) for v in values))
    ]
