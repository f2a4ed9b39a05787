"""Where the world of a scene lies on Earth, as the manifest in its folder states it.

Aerial scenes state ``origin`` in ``manifest.json``, CSV scenes ``georeference`` in ``manifest.yaml``; both have
longitude_deg and latitude_deg and may have altitude_m and vertical, see `Origin`. Of UAV-VisLoc it is the
middle of the flight's map.
"""

import math
from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import VERTICALS, Origin
from hinted_posenet.core.text import read_yaml
from hinted_posenet.data.formats import layout, uav_visloc

KEY = "georeference"
CARD = "docs/priors.md"


def scene_origin(folder: Path) -> Origin | None:
    """Return the origin of the scene in a folder; None if none is stated.

    Raises:
        InputError: The manifest cannot be read, or its origin is no place on Earth.
    """
    if (path := folder / "manifest.json").is_file():
        return _origin(layout.read_json(path, CARD), "origin", path)
    if (path := folder / "manifest.yaml").is_file():
        return _origin(read_yaml(path, f"see {CARD}"), KEY, path)
    return uav_visloc.scene_origin(folder) if uav_visloc.is_scene(folder) else None


def _origin(manifest: Any, key: str, path: Path) -> Origin | None:
    stated = manifest.get(key) if isinstance(manifest, dict) else None
    if stated is None:
        return None
    try:
        origin = Origin(**stated)
        longitude, latitude, altitude = (float(number) for number in origin[:3])
        right = abs(latitude) < 90 and abs(longitude) <= 360 and math.isfinite(altitude)
        right = right and origin.vertical in VERTICALS
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise InputError(
            f"{path}: {key} is {stated}, expected longitude_deg and latitude_deg and, optionally, "
            f"altitude_m and vertical ({', '.join(VERTICALS)}); correct it"
        )
    return Origin(longitude, latitude, altitude, origin.vertical)
