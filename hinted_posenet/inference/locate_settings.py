"""The keys of configs/locate.yaml: their types, ranges and choices. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from hinted_posenet.inference.predict_settings import QuerySettings

Files = str | list[str]


@dataclass(frozen=True)
class MapSettings:
    """Which map is opened, and what cameras over it do; configs/locate.yaml explains the keys."""

    map: Files | dict[str, Files] | None = None
    dem: Files | None = None
    dem_above: Literal["ellipsoid", "geoid"] | None = None
    ground_m: float | None = None
    weights: str = "released"
    tilt_sigma_deg: Annotated[float, Gt(0)] = 5.0
    heading_deg: tuple[float, Annotated[float, Gt(0)]] | None = None
    height_above_ground_m: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] | None = None
    threads: Annotated[int, Ge(0)] = 0
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"


@dataclass(frozen=True)
class LocateSettings(MapSettings, QuerySettings):
    """What is localized over which map, and where it is written; configs/locate.yaml explains the keys."""
