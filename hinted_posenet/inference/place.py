"""Where and with what a localizer was trained, as its checkpoint keeps it: camera, positions, place on Earth."""

from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import VERTICALS, Origin
from hinted_posenet.core.offset import moved_pose
from hinted_posenet.core.types import Sample
from hinted_posenet.hints.retrieval_database import evenly_spaced

MOST_POSITIONS = 2000


class Place(NamedTuple):
    """What queries are held against."""

    K: Tensor  # (3, 3) float64, pixels of the network's images: the median of the training images
    # (M, 3) float64, where in the world at most 2000 of the training images were taken
    positions_m: Tensor
    origin: Origin | None  # None: the world's place on Earth is not known
    offset_m: Tensor  # (3,) float64, the place in the world that the network counts from

    @classmethod
    def of(cls, train: Sample, origin: Origin | None, offset_m: Tensor) -> Self:
        """Summarize stacked training images (N,), whose positions count from ``offset_m``."""
        t = moved_pose(train.T_world_cam, offset_m).t
        K = train.query.K.double().quantile(0.5, dim=0)
        return cls(K, t[evenly_spaced(len(t), MOST_POSITIONS)].clone(), origin, offset_m)

    def plain(self) -> dict[str, Any]:
        """Return tensors, lists and numbers, which a checkpoint may hold."""
        origin = None if self.origin is None else self.origin._asdict()
        return {**self._asdict(), "origin": origin}

    @classmethod
    def from_plain(cls, plain: Any) -> Self:
        """Return what `plain` was made of.

        Raises:
            InputError: It was made by nothing of the kind.
        """
        try:
            origin = plain["origin"]
            place = cls(**{**plain, "origin": None if origin is None else Origin(**origin)})
            numbers = [place.K, place.positions_m, place.offset_m]
            numbers.append(torch.tensor(place.origin[:3] if place.origin else ()))
            fits = all(part.isfinite().all() for part in numbers)
            fits &= place.K.shape == (3, 3) and float(place.K.diagonal().min()) > 0
            fits &= place.positions_m.shape[1:] == place.offset_m.shape == (3,)
            fits &= place.origin is None or place.origin.vertical in VERTICALS
        except (TypeError, KeyError, AttributeError, IndexError, RuntimeError, ValueError):
            fits = False
        if not fits:
            raise InputError(
                "its place, where it was trained and with which camera, is not readable"
            )
        return place
