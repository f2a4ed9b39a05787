"""Where and with what a localizer was trained, as its checkpoint keeps it: camera, positions, place on Earth."""

from typing import Any, NamedTuple, Self

from torch import Tensor

from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Sample
from hinted_posenet.hints.retrieval_database import evenly_spaced

MOST_POSITIONS = 2000


class Place(NamedTuple):
    """What queries are held against."""

    K: Tensor  # (3, 3) float64, pixels of the network's images: the median of the training images
    positions_m: Tensor  # (M, 3) float32, where at most 2000 of the training images were taken
    origin: Origin | None  # None: the world's place on Earth is not known

    @classmethod
    def of(cls, train: Sample, origin: Origin | None) -> Self:
        """Summarize stacked training images (N,)."""
        t = train.T_world_cam.t
        K = train.query.K.double().quantile(0.5, dim=0)
        return cls(K, t[evenly_spaced(len(t), MOST_POSITIONS)].clone(), origin)

    def plain(self) -> dict[str, Any]:
        """Return tensors, lists and numbers, which a checkpoint may hold."""
        origin = None if self.origin is None else self.origin._asdict()
        return {"K": self.K, "positions_m": self.positions_m, "origin": origin}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Return what `plain` was made of."""
        origin = plain["origin"]
        return cls(plain["K"], plain["positions_m"], None if origin is None else Origin(**origin))
