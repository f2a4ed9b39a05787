"""The keys of configs/track.yaml: their types, ranges and choices. Imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Gt, MinLen

from hinted_posenet.inference.locate_settings import MapSettings
from hinted_posenet.inference.predict_settings import ImageSettings

Sigma = Annotated[float, Gt(0)]


@dataclass(frozen=True)
class TrackSettings(MapSettings, ImageSettings):
    """Which stream is tracked, with what, and where it is written; configs/track.yaml explains the keys."""

    checkpoint: Path | None = None
    out: Path = Path("path.csv")
    stamps: Path | None = None
    rate_hz: Annotated[float, Gt(0)] | None = None
    odometry: Annotated[str, MinLen(1)] | None = None
    odometry_topic: str | None = None
    T_body_cam: tuple[float, float, float, float, float, float, float] | None = None
    speed_m_s: Sigma = 10.0
    turn_deg_s: Sigma = 60.0
    acceleration_m_s2: Sigma = 2.0
    turn_acceleration_deg_s2: Sigma = 60.0
    drift_m: Sigma = 0.05
    drift_deg: Sigma = 0.1
    smooth: bool = False
    recording: Path | None = None
