"""Recalls of a results.json: the share of frames within a distance and an angle."""

from typing import Any, NamedTuple

from hinted_posenet.report.frames import Floats


class Recall(NamedTuple):
    """Thresholds of both errors; what equals them counts."""

    key: str  # of a row of results.json: recall_0.05m_5deg
    metres: float
    degrees: float

    @property
    def title(self) -> str:
        """≤ 5 cm, 5°."""
        size = f"{100 * self.metres:g} cm" if self.metres < 1 else f"{self.metres:g} m"
        return f"≤ {size}, {self.degrees:g}°"

    def share(self, error_t_m: Floats, error_r_deg: Floats) -> float:
        """Of errors (seeds, N) that are within both."""
        return float(((error_t_m <= self.metres) & (error_r_deg <= self.degrees)).mean())


def recalls_of(results: dict[str, Any]) -> list[Recall]:
    """Those that a run was scored with."""
    keys = [key for key in results["rows"][0] if key.startswith("recall_")]
    bounds = (key.removeprefix("recall_").removesuffix("deg").split("m_") for key in keys)
    return [
        Recall(key, float(metres), float(degrees))
        for key, (metres, degrees) in zip(keys, bounds, strict=True)
    ]
