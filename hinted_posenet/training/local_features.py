"""Local features of a split, computed once and kept on disk, segment by segment; an interrupted run resumes."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors, write_tensors
from hinted_posenet.core.types import LocalFeatures, View
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.splits import views_key
from hinted_posenet.models.landmarks.local_features import LocalFeatureExtractor
from hinted_posenet.training.masks import Masks

FORMAT = 1  # raise when a file's content changes
SEGMENT = 64  # images of a file, the most that a killed process loses


class SplitFeatures(Sequence[LocalFeatures]):
    """The local features () of the images of a split, of which only those in use are in memory."""

    def __init__(self, segments: Sequence[LocalFeatures]):
        self.segments = segments
        sizes = [len(segment.score) for segment in segments]
        self.places = [(s, row) for s, size in enumerate(sizes) for row in range(size)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any) -> Any:
        """Return the features () of one image."""
        segment, row = self.places[index]
        return LocalFeatures(*(part[row] for part in self.segments[segment]))

    def best(self, keypoints: int) -> LocalFeatures:
        """Return the best keypoints of all images (N,)."""
        parts = [(*(x[:, :keypoints] for x in s[:3]), s.focal_px) for s in self.segments]
        return LocalFeatures(*(torch.cat(part) for part in zip(*parts, strict=True)))


@torch.no_grad()
def compute_local_features(
    extractor: LocalFeatureExtractor,
    images: PosedImages,
    title: str,
    cache: Path | None,
    masks: Masks | None = None,
) -> SplitFeatures:
    """Return the local features of images as they are stored, at the extractor's own size.

    With ``cache`` they are kept there, keyed by the images' content and cameras, by masks and by the extractor.
    """
    segments = []
    with tqdm(total=len(images), desc=title, unit="image") as progress:
        for start in range(0, len(images), SEGMENT):
            rows = range(start, min(start + SEGMENT, len(images)))
            views = [images.views[row] for row in rows]
            file = _file(cache, extractor, views, images, masks) if cache else None
            segment = _read(file, len(views)) if file else None
            if segment is None:
                parts = zip(*_extracted(extractor, images, rows, masks), strict=True)
                segment = LocalFeatures(*(torch.stack(part) for part in parts))
                if file:
                    write_tensors(file, segment._asdict())
                    segment = _read(file, len(views)) or segment
            segments.append(segment)
            progress.update(len(views))
    return SplitFeatures(segments)


def _extracted(
    extractor: LocalFeatureExtractor, images: PosedImages, rows: range, masks: Masks | None
) -> Iterator[LocalFeatures]:
    for row in rows:
        view, pixels = images.stored(row)
        image = np.asarray(pixels, np.uint8)
        wanted = masks.wanted(view, image.shape[:2]) if masks else None
        yield extractor.extract(image, Lens(view.K, view.distortion), wanted)


def _file(
    cache: Path,
    extractor: LocalFeatureExtractor,
    views: list[View],
    images: PosedImages,
    masks: Masks | None,
) -> Path:
    contents = images.decoded.contents if images.decoded else None
    key = f"local {FORMAT} {extractor.key} {views_key(views, contents)}"
    if masks:
        key += f" {masks.key(views)}"
    return cache / "features" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.pt"


def _read(path: Path, count: int) -> LocalFeatures | None:
    """Read a segment of as many images, mapped into memory; None where there is none, or it is damaged."""
    if not path.is_file():
        return None
    try:
        found = LocalFeatures(**read_tensors(path, "computed anew", mapped=True))
        os.utime(path)  # `data cache prune_gb=...` removes what was not used for longest
    except (InputError, TypeError, OSError):
        return None
    return found if all(len(part) == count for part in found) else None
