"""The columns of priors: which there are, and which of them a table has; see docs/priors.md."""

from collections.abc import Sequence
from typing import NamedTuple

from hinted_posenet.core.errors import InputError, near

CARD = "docs/priors.md"
KEYS = ("name", "time_s")
WORLD = ("x", "y", "z")
GEOGRAPHIC = ("latitude", "longitude", "altitude")
ABOVE = "altitude_above"
QUATERNION = ("qw", "qx", "qy", "qz")
ANGLES = ("heading_deg", "pitch_deg", "roll_deg")
AXES = (
    "x",
    "y",
    "z",
    "rx",
    "ry",
    "rz",
)  # of the covariance: metres along, then radians about the world's axes
COVARIANCE = tuple(
    f"cov_{a}{b}" for i, a in enumerate(AXES) for b in AXES[i:]
)  # its upper triangle
SIGMA_LEVEL = ("sigma_horizontal_m", "sigma_vertical_m")
SIGMA_ANGLES = ("sigma_heading_deg", "sigma_pitch_deg", "sigma_roll_deg")
SIGMAS_T = (("sigma_x_m", "sigma_y_m", "sigma_z_m"), SIGMA_LEVEL, ("sigma_t_m",))
OPTIONAL = {"z", "altitude", *ANGLES[1:], *SIGMA_ANGLES[1:]}  # a compass knows the heading alone
SIGMAS_R = (("sigma_rx_deg", "sigma_ry_deg", "sigma_rz_deg"), SIGMA_ANGLES, ("sigma_r_deg",))


class Columns(NamedTuple):
    """Which of the columns a file has; an empty tuple where it has none of a kind."""

    position: tuple[str, ...]
    rotation: tuple[str, ...]
    sigma_t: tuple[str, ...]
    sigma_r: tuple[str, ...]
    covariance: tuple[str, ...]


def find_columns(names: Sequence[str], where: str, prefix: str = "") -> Columns:
    """Find the columns of priors among ``names``, all of which must be known, without their prefix.

    Raises:
        InputError: A column is not known, there twice or missing beside others, or two say the same.
    """
    choices = (WORLD, GEOGRAPHIC), (QUATERNION, ANGLES), SIGMAS_T, SIGMAS_R, (COVARIANCE,)
    known = {*KEYS, ABOVE, *(name for kind in choices for choice in kind for name in choice)}
    for name in names:
        if name not in known:
            raise InputError(
                f"{where}: {prefix}{name!r} is not known{near(name, known, prefix)}; see {CARD}"
            )
        if list(names).count(name) > 1:
            raise InputError(f"{where}: {prefix}{name} is there twice; remove one")
    found = []
    for kind in choices:
        there = [choice for choice in kind if any(name in names for name in choice)]
        if len(there) > 1:
            both = " and ".join(prefix + choice[0] for choice in there[:2])
            raise InputError(f"{where}: {both} say the same in two ways; remove one, see {CARD}")
        chosen = there[0] if there else ()
        for name in chosen:
            if name not in names and name not in OPTIONAL:
                raise InputError(f"{where}: {prefix}{name} is missing beside {prefix}{chosen[0]}")
        found.append(chosen)
    columns = Columns(*found)
    if not columns.position and not columns.rotation:
        raise InputError(
            f"{where}: expected {prefix}x, {prefix}y, {prefix}z, or {prefix}latitude, "
            f"{prefix}longitude, {prefix}altitude, or a rotation; see {CARD}"
        )
    if columns.covariance and (columns.sigma_t or columns.sigma_r):
        both = f"{prefix}{COVARIANCE[0]} and {prefix}{(*columns.sigma_t, *columns.sigma_r)[0]}"
        raise InputError(f"{where}: {both} say the same in two ways; remove one, see {CARD}")
    return columns
