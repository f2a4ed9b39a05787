"""Pooled backbone features of a split, computed once and kept on disk."""

import hashlib
import os
from pathlib import Path
from typing import Any

import torch
from torch import Generator
from torch.utils.data import DataLoader
from tqdm import tqdm

from hinted_posenet.data.augment import Augment
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.stacked import stack, to
from hinted_posenet.data.views import views_key
from hinted_posenet.model.posenet import PoseNet
from hinted_posenet.types import Hint, Pose, Query, Sample

FORMAT = 1  # raise when the file's content changes


def feature_key(model: PoseNet, height: int, width: int) -> str:
    """What decides a feature besides the image: network, weights, pool and image size."""
    digest = hashlib.sha256(f"{model.backbone} {model.pool} {height} {width}".encode())
    for name, value in model.backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@torch.no_grad()
def compute_features(
    model: PoseNet,
    images: PosedImages,
    *,
    title: str,
    batch_size: int,
    workers: int,
    device: torch.device,
    augment: Augment | None = None,
    augmented_views: int = 0,
    seed: int = 0,
    cache: Path | None = None,
) -> Sample:
    """A split as one stacked Sample with features (N, C, G, G) float16 in place of images.

    The N images come first, then ``augmented_views`` augmented versions of all of them, one version
    after the other, each with its exact new pose. With ``cache`` the result is kept there, keyed by
    the images (names, sizes, times, poses), the network and its weights, and the augmentation;
    written atomically.
    """
    path = None
    if cache is not None:
        settings = f"{FORMAT} {vars(augment) if augmented_views else None} {augmented_views} {seed}"
        key = hashlib.sha256(
            f"{views_key(images.views)} {feature_key(model, images.height, images.width)} {settings}".encode()
        ).hexdigest()
        path = cache / "features" / f"{key[:24]}.pt"
        if path.is_file():
            return _unpack(torch.load(path, map_location="cpu", weights_only=True))
    model.eval().to(device)
    loader = DataLoader(images, batch_size, num_workers=workers)
    versions: list[list[Sample]] = [[] for _ in range(1 + augmented_views)]
    generator = Generator().manual_seed(seed)
    with tqdm(
        total=len(images) * len(versions), desc=title, unit="view", smoothing=0.05
    ) as progress:
        for batch in loader:
            original = to(batch, device)
            for version, samples in enumerate(versions):
                sample = augment(original, generator) if augment and version else original
                samples.append(sample._replace(query=with_feature(model, sample.query)))
                progress.update(len(sample.query.name))
    stacked = stack([sample for samples in versions for sample in samples])
    if path is not None:
        _write(path, stacked)
    return stacked


def with_feature(model: PoseNet, query: Query) -> Query:
    """The query (B,) with its pooled feature (B, C, G, G), float16, in place of its image."""
    feature = model.features(query)[0].half()
    return query._replace(image=query.image.new_empty(len(feature), 0), feature=feature)


def _write(path: Path, sample: Sample) -> None:
    query, truth = sample
    prior = query.prior
    content = {
        "image": query.image,
        "feature": query.feature,
        "K": query.K,
        "prior": [prior.pose.t, prior.pose.q, prior.sigma_t, prior.sigma_r],
        "name": query.name,
        "truth": list(truth),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    torch.save(content, partial)
    partial.replace(path)


def _unpack(content: dict[str, Any]) -> Sample:
    t, q, sigma_t, sigma_r = content["prior"]
    query = Query(
        content["image"],
        content["feature"],
        content["K"],
        Hint(Pose(t, q), sigma_t, sigma_r),
        content["name"],
    )
    return Sample(query, Pose(*content["truth"]))
