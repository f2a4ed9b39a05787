"""Labelled images, and those of a folder, as a network takes them: resized and cropped, K with them."""

import io
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose, Query, Sample, View, no_prior
from hinted_posenet.data.cache.decoded_images import DecodedImages, Pixels
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.images import center_crop, decoded, fitted, margins, resized

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}

Size = tuple[int, int]  # (height, width) in pixels


class PosedImages(Dataset[Sample]):
    """Labelled images of ``views``, each resized to (height, width) pixels.

    A sample has image (3, H, W), K (3, 3) and T_world_cam in float32, the prior of
    its view, and no feature. Lens distortion is undone first, at the same K, so that every image
    that leaves here is a pinhole's; black where the lens saw nothing.

    A DataLoader gets batches that are stacked already: it needs ``collate_fn=identity``.

    Args:
        views: Labels, and where the images are.
        height, width: To resize to.
        decoded: Images that were decoded beforehand, at that size; the others are decoded on access.
        crop: (height, width) to cut from the center after that; None keeps all.
    """

    def __init__(
        self,
        views: Sequence[View],
        height: int,
        width: int,
        decoded: DecodedImages | None = None,
        crop: Size | None = None,
    ) -> None:
        if decoded and decoded.shape != (height, width):
            raise ValueError(f"images were decoded at {decoded.shape}, not {(height, width)}")
        self.views = list(views)
        self.height = height
        self.width = width
        self.decoded = decoded
        self.crop = crop
        if crop:
            margins((height, width), *crop)  # or else the crop is too large

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, index: int) -> Sample:
        view, K, pixels = self._fitted(index)
        return _sample(view, K, in_unit_range([pixels])[0])

    def __getitems__(self, rows: list[int]) -> Sample:
        """A batch (B,)."""
        parts = [self._fitted(row) for row in rows]
        labels: Sample = default_collate([_sample(view, K, torch.empty(0)) for view, K, _ in parts])
        image = in_unit_range([pixels for _, _, pixels in parts])
        return labels._replace(query=labels.query._replace(image=image))

    def stored(self, index: int) -> tuple[View, cv2.typing.MatLike]:
        """A view and its RGB uint8 image (h, w, 3) as the camera took it."""
        view = self.views[index]
        return view, decoded(view.image)

    def _fitted(self, index: int) -> tuple[View, Tensor, Pixels]:
        """A view, the K (3, 3) of its resized and cropped image, and that image (3, H, W) uint8."""
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

    def __getstate__(self) -> dict[str, Any]:
        """For another process; torch would open a file for every tensor of every view."""
        packed = io.BytesIO()
        _ByValue(packed).dump(self.views)
        return {**self.__dict__, "views": packed.getvalue()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state["views"]
        self.__dict__ = {**state, "views": pickle.loads(packed) if packed else []}


class FolderImages(Dataset[Query]):
    """Images of a folder and its subfolders in natural order, for prediction without ground truth.

    K is not known: the principal point is taken to be the image center, and the focal length to be
    ``focal_px`` (in pixels of the images as stored) or else the image width, a view of 53 degrees.
    Images are resized and cropped as `PosedImages` are.
    """

    def __init__(
        self,
        folder: Path,
        height: int,
        width: int,
        focal_px: float | None = None,
        crop: Size | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.height = height
        self.width = width
        self.focal_px = focal_px
        self.crop = crop
        if crop:
            margins((height, width), *crop)  # or else the crop is too large
        if not self.folder.is_dir():
            raise InputError(f"{folder}: no such folder; give a folder of images")
        found = (path for path in self.folder.rglob("[!.]*") if path.suffix.lower() in SUFFIXES)
        names = (path.relative_to(self.folder).as_posix() for path in found)
        self.names = sorted(names, key=natural_key)
        if not self.names:
            raise InputError(f"{folder}: no images ({', '.join(sorted(SUFFIXES))}) in the folder")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Query:
        stored = decoded(self.folder / self.names[index])
        height, width = stored.shape[:2]
        focal_px = width if self.focal_px is None else self.focal_px
        K = intrinsics(focal_px, focal_px, width / 2, height / 2)
        K = resized_intrinsics(K, (height, width), (self.height, self.width))
        pixels = resized(stored, self.height, self.width)
        if self.crop:
            pixels, K = center_crop(pixels, K, *self.crop)
        image = in_unit_range([pixels])[0]
        return Query(
            image, torch.empty(0), K.float(), no_prior(), self.names[index], torch.tensor(0)
        )


def resized_intrinsics(K: Tensor, old: Size, new: Size) -> Tensor:
    """K (3, 3) of an image that was resized; pixel centers lie at 0.5, so its first two rows scale and no more."""
    return torch.tensor([[new[1] / old[1]], [new[0] / old[0]], [1.0]], dtype=K.dtype) * K


def in_unit_range(images: Sequence[Pixels]) -> Tensor:
    """Images (3, H, W) uint8 as one float32 tensor (B, 3, H, W) in [0, 1]."""
    # faster to fill than torch's memory
    batch = np.empty((len(images), *images[0].shape), np.float32)
    for target, image in zip(batch, images, strict=True):
        np.divide(image, np.float32(255), out=target, dtype=np.float32)
    return torch.from_numpy(batch)


def _sample(view: View, K: Tensor, image: Tensor) -> Sample:
    """In float32."""
    pose, sigma_t_m, sigma_r_rad, _ = view.prior or no_prior()
    prior = Hint(_in_float32(pose), sigma_t_m.float(), sigma_r_rad.float())
    query = Query(image, torch.empty(0), K, prior, view.name, torch.tensor(view.scene))
    return Sample(query, _in_float32(view.T_world_cam))


def _in_float32(pose: Pose) -> Pose:
    return Pose(pose.t.float(), pose.q.float())


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


class _ByValue(pickle.Pickler):
    """Writes tensors out, wherever they would be shared."""

    def reducer_override(self, value: Any) -> Any:
        return (torch.from_numpy, (value.numpy(),)) if isinstance(value, Tensor) else NotImplemented
