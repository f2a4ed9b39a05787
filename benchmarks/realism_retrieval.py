"""Retrieval with frozen features over photos: errors on dates that the database has, and on others."""

import contextlib
import hashlib
import io
from pathlib import Path

import torch
from realism_photos import Photos
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from hinted_posenet.core.types import Sample
from hinted_posenet.data.formats.aerial import read_views
from hinted_posenet.data.posed_images import PosedImages, take
from hinted_posenet.evaluation.metrics import pose_errors
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.models.backbones.timm import TimmBackbone
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.posenet import GridPool, PoseNet
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.plan import Plan
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.training.features import compute_features

STRIDE_PX = 32  # of EfficientNet-Lite0's last map
POOLS = {"3x3": 3, "global": 1}


def retrieval_errors(
    photos: Photos, camera: Camera, plan: Plan, views: int, cache: Path
) -> dict[str, list[float]]:
    """Measure median position errors in metres by pool and by the dates in the database.

    "known date": a flight over a date, the database flown over all dates. "unseen date": the database without
    that date. "one date": the database of another date alone; one value a pair, both ways, which does not
    depend on the number of dates.

    Args:
        photos: of a world.
        camera: of all flights.
        plan: of all flights.
        views: of the database, at each date; a sixth as many are looked up.
        cache: folder of images and features, found again by their content.
    """
    folder = _fly(photos, camera, plan, views, cache)
    database, queries = (_features(folder, split, camera, cache) for split in ("train", "test"))
    database_date, query_date = (_date(part, len(photos.rgb)) for part in (database, queries))
    errors: dict[str, list[float]] = {}
    for pool, grid in POOLS.items():
        known, looked_up = _pooled(database, grid), _pooled(queries, grid)
        for number, capture in enumerate(photos.rgb):
            wanted = take(looked_up, query_date == number)
            rows = {"known date": database_date >= 0}
            if len(photos.rgb) > 1:
                rows["unseen date"] = database_date != number
            for name, held in rows.items():
                errors.setdefault(f"{pool}, {name}, m", []).append(
                    _median_m(take(known, held), wanted)
                )
            for other, other_capture in enumerate(photos.rgb):
                if other != number:
                    kind = (
                        "same season"
                        if capture.season == other_capture.season
                        else "another season"
                    )
                    error = _median_m(take(known, database_date == other), wanted)
                    errors.setdefault(f"{pool}, one date, {kind}, m", []).append(error)
    return errors


def _fly(photos: Photos, camera: Camera, plan: Plan, views: int, cache: Path) -> Path:
    """Simulate the data set and return its folder."""
    optics = vars(camera) | {"sensor": vars(camera.sensor)}
    digest = hashlib.sha256(repr((optics, vars(plan), views, photos.resolution_m)).encode())
    for capture, rgb in photos.rgb.items():
        digest.update(repr(capture).encode())
        digest.update(rgb.tobytes())
    folder = cache / "realism" / digest.hexdigest()[:24]
    if not folder.is_dir():
        world = photos.world()
        dates = [capture.key for capture in world.captures]
        flights = {
            "train": Flight("train", dates, views, plan),
            "test": Flight("test", dates, max(1, views // 6), plan),
        }
        with contextlib.redirect_stdout(io.StringIO()):
            simulate(world, flights, camera, folder.parent, folder.name, seed=0, threads=1)
    return folder


def _features(folder: Path, split: str, camera: Camera, cache: Path) -> Sample:
    """Compute unpooled maps of a split."""
    model = PoseNet(TimmBackbone(), GridPool(camera.width // STRIDE_PX), lambda *_: Head())
    images = PosedImages(read_views(folder.parent, folder.name, split), camera.height, camera.width)
    return compute_features(
        model,
        images,
        title=f"features {split}",
        batch_size=32,
        workers=0,
        device=torch.device("cpu"),
        cache=cache,
    )


def _pooled(sample: Sample, grid: int) -> Sample:
    feature = adaptive_avg_pool2d(sample.query.feature.float(), grid).half()
    return sample._replace(query=sample.query._replace(feature=feature))


def _date(sample: Sample, dates: int) -> Tensor:
    """Return the number of the date (N,) of every view: flights take equally many, date after date."""
    return torch.arange(dates).repeat_interleave(len(sample.query.name) // dates)


def _median_m(database: Sample, wanted: Sample) -> float:
    source = RetrievalHint()
    everything = torch.zeros(len(database.query.name), dtype=torch.int64)
    source.fit(database.T_world_cam, database.query.feature, everything)
    hint = source.at_inference(wanted.query, wanted.query.feature)
    return float(pose_errors(hint.pose, wanted.T_world_cam)[0].quantile(0.5))
