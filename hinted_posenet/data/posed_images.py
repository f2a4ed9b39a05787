"""Labelled images, resized and cropped together with K; and batches of them stacked."""

import io
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from hinted_posenet.core.offset import NO_OFFSET, moved_hint, moved_pose
from hinted_posenet.core.types import Hint, Query, Sample, View, no_prior
from hinted_posenet.data.cache.decoded_images import DecodedImages, Pixels
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.images import center_crop, fitted, margins

Size = tuple[int, int]  # (height, width) in pixels
T = TypeVar("T")


class PosedImages(Dataset[Sample]):
    """Labelled images of ``views``, each resized to (height, width) pixels.

    A sample has image (3, H, W), K (3, 3), T_world_cam and the prior of its view in float32, and no feature.
    Its positions count from ``offset_m``, which is subtracted in float64: far from the world's origin, as in
    UTM, float32 is coarser than a good answer. Lens distortion is removed first, at the same K, so that every
    image is a pinhole's; pixels are black where the lens saw nothing.

    A DataLoader gets batches that are stacked already, so it needs ``collate_fn=identity``.

    Args:
        views: Labels, and where the images are.
        height, width: To resize to.
        decoded: Images that were decoded beforehand at that size; the others are decoded on access.
        crop: (height, width) of a central crop of the resized image; None keeps all.
        offset_m: (3,) float64, the place in the world that positions count from, see `world_offset`.
    """

    def __init__(
        self,
        views: Sequence[View],
        height: int,
        width: int,
        decoded: DecodedImages | None = None,
        crop: Size | None = None,
        offset_m: Tensor = NO_OFFSET,
    ) -> None:
        if decoded and decoded.shape != (height, width):
            raise ValueError(f"images were decoded at {decoded.shape}, not {(height, width)}")
        self.views = list(views)
        self.height, self.width = height, width
        self.decoded, self.crop = decoded, crop
        self.offset_m = offset_m
        if crop:
            margins((height, width), *crop)  # raises if the crop is too large

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, index: int) -> Sample:
        view, K, pixels = self._fitted(index)
        return self._sample(view, K, in_unit_range([pixels])[0])

    def __getitems__(self, rows: list[int]) -> Sample:
        """Return a batch (B,)."""
        parts = [self._fitted(row) for row in rows]
        labels: Sample = default_collate(
            [self._sample(view, K, torch.empty(0)) for view, K, _ in parts]
        )
        image = in_unit_range([pixels for _, _, pixels in parts])
        return labels._replace(query=labels.query._replace(image=image))

    def stored(self, index: int) -> tuple[View, cv2.typing.MatLike]:
        """Return a view and its RGB uint8 image (h, w, 3) as the camera took it."""
        view = self.views[index]
        return view, decoded(view.image)

    def _fitted(self, index: int) -> tuple[View, Tensor, Pixels]:
        """Return a view, and K (3, 3) of its resized and cropped image (3, H, W) uint8, and that image."""
        kept = self.decoded.read(self.views[index]) if self.decoded else None
        if kept:
            view, (place, pixels) = self.views[index], kept
            size = place.height, place.width
        else:
            view, image = self.stored(index)
            pixels, size = fitted(view, image, self.height, self.width), image.shape[:2]
        K = resized_intrinsics(view.K, size, (self.height, self.width))
        if self.crop:
            pixels, K = center_crop(pixels, K, *self.crop)
        return view, K.float(), pixels

    def _sample(self, view: View, K: Tensor, image: Tensor) -> Sample:
        """Make a sample in float32."""
        prior = moved_hint(view.prior or no_prior(torch.float64), -self.offset_m)
        prior = Hint(map_tensors(Tensor.float, prior.pose), prior.covariance.float())
        query = Query(image, torch.empty(0), K, prior, view.name, torch.tensor(view.scene))
        truth = moved_pose(view.T_world_cam, -self.offset_m)
        # to the micrometre, so that the rounding of large coordinates changes no bit of what is trained on
        truth = truth._replace(t=truth.t.round(decimals=6))
        return Sample(query, map_tensors(Tensor.float, truth))

    def __getstate__(self) -> dict[str, Any]:
        """Pack the views for another process; torch would open a file for every tensor of every view."""
        packed = io.BytesIO()
        _ByValue(packed).dump((self.views, self.offset_m))
        return {**self.__dict__, "views": packed.getvalue(), "offset_m": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state["views"]
        views, offset_m = pickle.loads(packed) if packed else ([], state["offset_m"])
        self.__dict__ = {**state, "views": views, "offset_m": offset_m}


def resized_intrinsics(K: Tensor, old: Size, new: Size) -> Tensor:
    """Return K (3, 3) of a resized image; as pixel centers are at 0.5, the first two rows scale."""
    return torch.tensor([[new[1] / old[1]], [new[0] / old[0]], [1.0]], dtype=K.dtype) * K


def in_unit_range(images: Sequence[Pixels]) -> Tensor:
    """Stack images (3, H, W) uint8 into one float32 tensor (B, 3, H, W) in [0, 1]."""
    # faster to fill than a torch tensor
    batch = np.empty((len(images), *images[0].shape), np.float32)
    for target, image in zip(batch, images, strict=True):
        np.divide(image, np.float32(255), out=target, dtype=np.float32)
    return torch.from_numpy(batch)


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


class _ByValue(pickle.Pickler):
    """Pickles tensors by value instead of through shared memory."""

    def reducer_override(self, value: Any) -> Any:
        return (torch.from_numpy, (value.numpy(),)) if isinstance(value, Tensor) else NotImplemented


def map_tensors(function: Callable[..., Tensor], first: T, *others: T) -> T:
    """Apply ``function`` to corresponding tensors of nested NamedTuples; other fields are the first's."""
    if isinstance(first, Tensor):
        return function(first, *others)  # type: ignore[return-value]
    if hasattr(first, "_fields"):
        parts = zip(first, *others, strict=True)  # type: ignore[call-overload]
        return type(first)(*(map_tensors(function, *part) for part in parts))
    return first


def to(value: T, device: torch.device) -> T:
    """Move the tensors of a Query or Sample to a device."""
    return map_tensors(lambda tensor: tensor.to(device), value)


def joined(batches: list[T]) -> T:
    """Concatenate batches of NamedTuples on the CPU; names are the first's."""
    return map_tensors(lambda *parts: torch.cat([part.cpu() for part in parts]), *batches)


def stack(samples: list[Sample]) -> Sample:
    """Concatenate batches into one stacked Sample on the CPU."""
    stacked = joined(samples)
    names = [name for sample in samples for name in sample.query.name]
    return stacked._replace(query=stacked.query._replace(name=names))


def take(sample: Sample, rows: Tensor | slice) -> Sample:
    """Return the given rows of a stacked Sample."""
    # a query that was made without local features has no rows of them
    taken = map_tensors(lambda tensor: tensor[rows] if len(tensor) else tensor, sample)
    index = torch.arange(len(sample.query.name))[rows].tolist()
    names = [sample.query.name[i] for i in index]
    return taken._replace(query=taken.query._replace(name=names))


def batches(sample: Sample, size: int) -> Iterator[Sample]:
    """Yield a stacked Sample in batches of at most ``size`` rows, in order."""
    for start in range(0, len(sample.query.name), size):
        yield take(sample, slice(start, start + size))


AT_ONCE = 256  # rows of `in_batches`


def in_batches(ask: Callable[..., T], *parts: Any) -> T:
    """Return what ``ask`` answers to nested NamedTuples of tensors (N, ...), a limited number of rows at a time.

    What compares every row with every training image would need gigabytes for all rows at once.
    """
    answers = []
    for start in range(0, max(_rows(parts[0]), 1), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        answers.append(ask(*(_taken(part, rows) for part in parts)))
    return map_tensors(lambda *some: torch.cat(some), *answers)


def _rows(value: Any) -> int:
    return len(value) if isinstance(value, Tensor) else max(map(_rows, value[:2]))


def _taken(value: Any, rows: slice) -> Any:
    """Return some rows of nested NamedTuples of tensors and names; what has no rows stays so."""
    if hasattr(value, "_fields"):
        return type(value)(*(_taken(part, rows) for part in value))
    return value[rows] if len(value) else value


class StackedSamples(Dataset[Sample]):
    """A stacked Sample as a Dataset whose DataLoader fetches whole batches by index (``collate_fn=identity``)."""

    def __init__(self, sample: Sample):
        self.sample = sample

    def __len__(self) -> int:
        return len(self.sample.query.name)

    def __getitems__(self, rows: list[int]) -> Sample:
        """Return a batch (B,)."""
        return take(self.sample, torch.tensor(rows))


def identity(batch: Any) -> Any:
    """Return a batch that is stacked already; a collate function."""
    return batch
