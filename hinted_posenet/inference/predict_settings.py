"""The keys of configs/predict.yaml: their types, ranges and choices.

Imports nothing heavy, so that a mistake on the command line is reported before torch is imported.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, MinLen

Format = Literal["csv", "tum", "text", "kml", "geojson"]
AltitudeAbove = Literal["ellipsoid", "geoid", "takeoff", "ground", "scene", "ignore"]


@dataclass(frozen=True)
class PriorSettings:
    """Where priors come from, and what their file does not say; configs/predict.yaml explains the keys."""

    priors: str | None = None
    prior_sigma_m: tuple[float, float] | None = None
    prior_sigma_r_deg: Annotated[float, Gt(0)] | Literal["ignore"] | None = None
    altitude_above: AltitudeAbove | None = None
    takeoff_altitude_m: float | None = None
    ground_m: float | None = None
    time_tolerance_s: Annotated[float, Ge(0)] = 0.1
    utc_offset_h: float | None = None
    far_priors: Literal["refuse", "ignore"] = "refuse"


@dataclass(frozen=True)
class ImageSettings(PriorSettings):
    """Which images are asked about, by which camera; configs/predict.yaml explains the keys."""

    images: Annotated[str, MinLen(1)] = "."
    image_topic: str | None = None
    out: Path = Path("poses.csv")
    covariance: bool = False
    K: tuple[float, float, float, float] | None = None
    focal_px: Annotated[float, Gt(0)] | None = None
    camera_file: Path | None = None
    as_stored: bool = False
    every: Annotated[int, Ge(1)] = 1
    every_s: Annotated[float, Gt(0)] | None = None
    video_start_s: float = 0.0
    threads: Annotated[int, Ge(0)] = 0
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"


@dataclass(frozen=True)
class QuerySettings(ImageSettings):
    """How answers are written, beside; configs/predict.yaml explains the keys."""

    preview: Path | None = None
    poses_format: Format | None = None


@dataclass(frozen=True)
class PredictSettings(QuerySettings):
    """What is localized, with what, and where it is written; configs/predict.yaml explains the keys."""

    checkpoint: Path = Path()
    map: str | None = None
    dem: str | None = None
