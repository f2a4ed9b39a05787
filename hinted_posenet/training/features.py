"""Pooled backbone features of a split, computed once and kept on disk."""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import Generator
from torch.utils.data import DataLoader
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import NAMES_BYTES
from hinted_posenet.core.tensor_files import read_tensors, write_tensors
from hinted_posenet.core.types import NO_NEIGHBOURS, Hint, Pose, Query, Sample, without_local
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.images import center_crop
from hinted_posenet.data.posed_images import PosedImages, identity, stack, to
from hinted_posenet.data.splits import views_key
from hinted_posenet.models.posenet import PoseNet

Crop = tuple[int, int] | None  # (height, width) in pixels
log = logging.getLogger(__name__)

FORMAT = 5  # raise when the file's content changes


def feature_key(model: PoseNet, height: int, width: int, crop: Crop) -> str:
    """Return a hash of what decides a feature besides the image: network, weights, pool, image size, crop."""
    shape = f"{height} {width} {crop and list(crop)}"
    digest = hashlib.sha256(f"{model.backbone} {model.pool} {shape}".encode())
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
    crop: Crop = None,
    augment: Augment | None = None,
    augmented_views: int = 0,
    seed: int = 0,
    cache: Path | None = None,
) -> Sample:
    """Return a split as one stacked Sample with features (N, C, G, G) float16 in place of images.

    The N images come first, cropped at their center to ``crop`` (height, width) pixels, then
    ``augmented_views`` augmented versions of all of them, one version after the other, each with its exact new
    pose. The model's backbone and pool make the features.

    With ``cache`` every version is kept in a file of its own, keyed by the images (names, contents, poses),
    the network with its weights, and the augmentation with its seed. Without workers the main process decodes
    images.
    """
    files: list[Path | None] = [None] * (1 + augmented_views)
    if cache:
        contents = images.decoded.contents if images.decoded else None
        network = feature_key(model, images.height, images.width, crop)
        key = f"{FORMAT} {views_key(images.views, contents)} {images.offset_m.tolist()} {network}"
        for version in range(len(files)):
            change = f"{vars(augment)} {seed} {version}" if augment and version else ""
            name = hashlib.sha256(f"{key} {change}".encode()).hexdigest()[:24]
            files[version] = cache / "features" / f"{name}.pt"
    kept = {version: _read(file, len(images)) for version, file in enumerate(files) if file}
    found = {version: sample for version, sample in kept.items() if sample}
    missing = [version for version in range(len(files)) if version not in found]
    if missing:
        parts: dict[int, list[Sample]] = {version: [] for version in missing}
        generators = {v: Generator().manual_seed(hash((seed, v))) for v in missing}
        model.eval().to(device)
        loader = DataLoader(images, batch_size, num_workers=workers, collate_fn=identity)
        with tqdm(total=len(images) * len(missing), desc=title, unit="view") as progress:
            for batch in loader:
                whole = to(batch, device)
                for version in missing:
                    sample = whole
                    if augment and version:
                        sample = augment(whole, generators[version])
                    elif crop:
                        image, K = center_crop(whole.query.image, whole.query.K, *crop)
                        sample = whole._replace(query=whole.query._replace(image=image, K=K))
                    parts[version].append(sample._replace(query=model.with_feature(sample.query)))
                    progress.update(len(sample.query.name))
        for version in missing:
            found[version] = stack(parts.pop(version))
            if file := files[version]:
                _write(file, found[version])
    return stack([found[version] for version in range(len(files))])


def _write(path: Path, sample: Sample) -> None:
    pose, covariance, _ = sample.query.prior
    prior = [*pose, covariance]
    content = sample.query._asdict() | {"prior": prior, "truth": list(sample.T_world_cam)}
    del content["local"]  # which are kept in files of their own
    write_tensors(path, content)


def _read(path: Path, count: int) -> Sample | None:
    """Read the features of as many images; None where there are none, or the file is damaged."""
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = read_tensors(path, "computed anew", NAMES_BYTES)
        truth = Pose(*content.pop("truth"))
        t, q, covariance = content.pop("prior")
        prior = Hint(Pose(t, q), covariance, NO_NEIGHBOURS.expand(len(t), 0))
        sample = Sample(Query(**content, prior=prior, local=without_local(len(t))), truth)
        rows = (sample.query.name, sample.query.feature, sample.query.K, truth.t, truth.q, t)
        if any(len(part) != count for part in rows):
            raise InputError(f"{path}: has other images; computed anew")
        os.utime(path)  # `data cache prune_gb=...` removes what was not used for longest
    except (InputError, TypeError, KeyError, ValueError, AttributeError, OSError) as error:
        reason = error if isinstance(error, InputError) else f"{path}: damaged; computed anew"
        log.warning("%s", reason)
        return None
    return sample
