"""The keys of configs/serve.yaml: their types, ranges and choices. Imports nothing heavy."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, MinLen

from hinted_posenet.core.errors import UsageError
from hinted_posenet.inference.locate_settings import MapSettings

OF_MAPS_ALONE = (
    *("dem_above", "ground_m", "weights", "tilt_sigma_deg"),
    *("heading_deg", "height_above_ground_m"),
)


@dataclass(frozen=True)
class ServeSettings(MapSettings):
    """What answers requests, and how they are bounded; configs/serve.yaml explains the keys."""

    checkpoint: Path | None = None
    K: tuple[float, float, float, float] | None = None
    focal_px: Annotated[float, Gt(0)] | None = None
    camera_file: Path | None = None
    host: Annotated[str, MinLen(1)] = "127.0.0.1"
    port: Annotated[int, Ge(0), Le(65535)] = 8000
    max_mb: Annotated[float, Gt(0), Le(1000)] = 32.0
    timeout_s: Annotated[float, Gt(0)] = 30.0
    queue: Annotated[int, Ge(1), Le(1000)] = 16


def check_source(settings: ServeSettings) -> None:
    """Refuse settings of neither a run nor a map, and keys of maps that a run does not take.

    Raises:
        UsageError: It names the key.
    """
    if settings.checkpoint is None:
        if settings.map is None:
            raise UsageError(
                "nothing to localize with; give RUN, a run's folder, or map=FILE, photos with a place on Earth"
            )
        return
    defaults = {field.name: field.default for field in fields(ServeSettings)}
    for key in OF_MAPS_ALONE:
        if getattr(settings, key) != defaults[key]:
            raise UsageError(
                f"{key}: is for a map without a run, and {settings.checkpoint} is given; leave it out"
            )
    for key in ("map", "dem"):
        if not isinstance(getattr(settings, key), str | None):
            raise UsageError(f"{key}: one file or folder for the map of a run; give its path")
