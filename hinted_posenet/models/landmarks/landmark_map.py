"""Landmark map: for each training image the points that its features show, and their descriptors.

A point is triangulated from the feature of one image and those that match it in neighbouring images with known
poses. Points of different images are not merged: a wrong match then spoils one point and not a chain of them, and
an image needs its neighbours alone, so that the work can be resumed.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor, nn
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import write_tensors
from hinted_posenet.core.types import LocalFeatures, Pose
from hinted_posenet.models.landmarks.map_blocks import BLOCK, fit_key, read_block
from hinted_posenet.models.landmarks.matchers import Matcher
from hinted_posenet.models.landmarks.neighbours import first_neighbours, keyframes, neighbours
from hinted_posenet.models.landmarks.quantization import quantized, restored
from hinted_posenet.models.landmarks.triangulation import Rays, triangulate

PROBES = 24  # training images that the distance to the scene is measured at
MOST_PX = 3.0  # reprojection error of a landmark in the images that it was made from
LEAST_PARALLAX_RAD = (
    0.05  # 2.9 degrees; at 1.5 the 95th percentile on RedKitchen was 1.8 times as large
)
KEYFRAME_TURN_RAD = 0.15


class Landmarks(NamedTuple):
    """Points that features of images show."""

    point_m: Tensor  # (L, 3) float32, in the world
    ray: Tensor  # (L, 2) float32, of the feature in its image
    descriptor: Tensor  # (L, D) float16
    image: Tensor  # (L,) int64, row of the image


class LandmarkMap(nn.Module):
    """Landmarks of the keyframes of a training set, image by image, and the poses of those.

    Args:
        neighbours: images that each keyframe is matched with.
        spacing: between keyframes, in units of the distance to the scene; 0 makes every image one.
    """

    point_m: Tensor  # (L, 3) float32
    ray: Tensor  # (L, 2) float32
    descriptor: Tensor  # (L, D) int8, see `quantized`
    scale: Tensor  # (D,) of the descriptors
    # (M + 1,) int64, the landmarks of keyframe m are the rows start[m] to start[m + 1]
    start: Tensor
    row: Tensor  # (M,) int64, of keyframes among the training images
    t_m: Tensor  # (M, 3) float32
    q: Tensor  # (M, 4)
    focal_px: Tensor  # (M,)
    depth_m: Tensor  # () median distance of landmarks from the cameras
    build_s: Tensor  # () that the last `fit` took

    def __init__(self, neighbours: Annotated[int, Ge(1)], spacing: Annotated[float, Ge(0)]):
        super().__init__()
        self.neighbours, self.spacing = neighbours, spacing
        for name, shape in {"point_m": 3, "ray": 2, "t_m": 3, "q": 4}.items():
            self.register_buffer(name, torch.empty(0, shape))
        self.register_buffer("descriptor", torch.empty(0, 0, dtype=torch.int8))
        self.register_buffer("scale", torch.empty(0))
        self.register_buffer("start", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("row", torch.empty(0, dtype=torch.int64))
        self.register_buffer("focal_px", torch.empty(0))
        self.register_buffer("depth_m", torch.zeros(()))
        self.register_buffer("build_s", torch.zeros(()))

    @torch.no_grad()
    def fit(
        self,
        truth: Pose,
        local: Sequence[LocalFeatures],
        matcher: Matcher,
        folder: Path | None = None,
    ) -> None:
        """Triangulate the features () of each of the training images with poses (N,).

        With ``folder`` landmarks are kept there while the work goes on, and those of an interrupted one are read.
        """
        started = time.monotonic()
        depth_m = self._distance_to_scene(truth, local, matcher)
        self.row = keyframes(truth, depth_m, self.spacing, KEYFRAME_TURN_RAD)
        settings = f"{self.neighbours} {self.spacing} {MOST_PX} {LEAST_PARALLAX_RAD}"
        key = fit_key(truth, local, matcher, settings) if folder else ""
        blocks = []
        with tqdm(total=len(self.row), desc="landmarks", unit="image", leave=False) as progress:
            for rows in torch.split(self.row, BLOCK):
                file = folder / f"{key}-{int(rows[0])}.pt" if folder else None
                kept = read_block(file) if file else None
                if kept is None:
                    found = self._block(rows, truth, local, matcher, depth_m, progress)
                    if file:
                        write_tensors(file, found._asdict())
                else:
                    found = Landmarks(**kept)
                    progress.update(len(rows))
                blocks.append(found)
        self.point_m, self.ray, descriptor, image = (
            torch.cat(parts) for parts in zip(*blocks, strict=True)
        )
        self.descriptor, self.scale = quantized(descriptor)
        ends = torch.searchsorted(image, self.row, right=True)
        self.start = torch.cat([torch.zeros(1, dtype=torch.int64), ends])
        self.t_m, self.q = truth.t[self.row].float(), truth.q[self.row].float()
        self.focal_px = torch.stack([local[row].focal_px for row in self.row.tolist()])
        self.depth_m.fill_(depth_m)
        self.build_s.fill_(time.monotonic() - started)

    def check(self) -> None:
        """Refuse a map whose parts do not belong together, as a checkpoint's may not.

        Raises:
            InputError: They do not.
        """
        images, landmarks = len(self.row), len(self.point_m)
        sizes = [len(part) for part in (self.ray, self.descriptor)]
        fits = sizes == [landmarks] * 2 and len(self.start) == images + 1
        fits = fits and {len(part) for part in (self.t_m, self.q, self.focal_px)} == {images}
        fits = fits and len(self.scale) == self.descriptor.shape[1]
        fits = fits and int(self.start[0]) == 0 and int(self.start[-1]) == landmarks
        if not fits or bool((self.start.diff() < 0).any()):
            raise InputError("its landmarks do not belong together")

    def of_images(self, images: Tensor) -> Landmarks:
        """Return the landmarks of keyframes (k,)."""
        spans = [torch.arange(int(self.start[i]), int(self.start[i + 1])) for i in images.tolist()]
        rows = torch.cat(spans) if spans else torch.empty(0, dtype=torch.int64)
        counts = torch.tensor([len(span) for span in spans], dtype=torch.int64)
        image = images.cpu().repeat_interleave(counts)
        known = (self.point_m, self.ray, self.descriptor)
        point_m, ray, descriptor = (part[rows.to(part.device)].cpu() for part in known)
        return Landmarks(point_m, ray, restored(descriptor, self.scale.cpu()), image)

    def _block(
        self,
        rows: Tensor,
        truth: Pose,
        local: Sequence[LocalFeatures],
        matcher: Matcher,
        depth_m: float,
        progress: Any,
    ) -> Landmarks:
        """Return the landmarks of images (k,), one after the other."""
        found = []
        for row in rows.tolist():
            others = neighbours(truth, row, depth_m, self.neighbours)
            found.append(image_landmarks(row, others, truth, local, matcher))
            progress.update()
        return Landmarks(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def _distance_to_scene(
        self, truth: Pose, local: Sequence[LocalFeatures], matcher: Matcher
    ) -> float:
        """Return the median distance of what cameras see, from a few images matched with cameras near and far."""
        probes = torch.linspace(0, len(truth.t) - 1, min(PROBES, len(truth.t))).long()
        away_m = []
        for row in tqdm(probes.tolist(), "distance to the scene", unit="image", leave=False):
            others = first_neighbours(truth, row, self.neighbours)
            found = image_landmarks(row, others, truth, local, matcher)
            away_m.append((found.point_m - truth.t[row]).norm(dim=-1))
        return float(torch.cat(away_m).quantile(0.5)) if sum(map(len, away_m)) else 0.0


def image_landmarks(
    row: int, others: Tensor, truth: Pose, local: Sequence[LocalFeatures], matcher: Matcher
) -> Landmarks:
    """Triangulate the features of one image, a row of poses (N,) and of features, with those of other rows."""
    own = local[row]
    count = len(own.score)
    rows = [row, *others.tolist()]
    ray = own.ray.new_zeros(count, len(rows), 2)
    seen = torch.zeros(count, len(rows), dtype=torch.bool)
    ray[:, 0], seen[:, 0] = own.ray, own.score > 0
    for place, other in enumerate(rows[1:], start=1):
        features = local[other]
        here, there = matcher.match(own, features).rows.T
        ray[here, place], seen[here, place] = features.ray[there], True
    matched = (seen.sum(dim=1) >= 2).nonzero()[:, 0]
    cameras = torch.tensor(rows)
    pose = Pose(truth.t[cameras].double(), truth.q[cameras].double())
    points = triangulate(
        Rays(ray[matched], seen[matched], pose, torch.stack([local[i].focal_px for i in rows])),
        MOST_PX,
    )
    agreed = points.error_px < MOST_PX
    good = agreed[:, 0] & (agreed.sum(dim=1) >= 2) & (points.parallax_rad > LEAST_PARALLAX_RAD)
    kept = matched[good]
    image = torch.full_like(kept, row)
    return Landmarks(points.t_m[good].float(), own.ray[kept], own.descriptor[kept], image)
