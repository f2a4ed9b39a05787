"""What a hint is worth to landmarks: sharp and vague ones, wrong ones, and images of other places.

Reads a trained run of hinted_landmarks and asks it about its test images:

    python benchmarks/landmark_hints.py RUN --document docs/landmarks.md

Hints are simulated: the true pose with noise of the stated sigma, in parts of the scene's half extent and as many
radians. Times are of one image without its features, on one thread.
"""

import argparse
import math
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.tables import insert_text, markdown_table
from hinted_posenet.core.types import Hint, LocalFeatures, Pose, Query, Sample
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.posed_images import take
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule, prepare_device
from hinted_posenet.inference.refinement import LandmarkRefinement, Refined
from hinted_posenet.training.run import read_scene
from hinted_posenet.training.scene import Scene

SIZES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the half extent, and radians
WRONG = 5.0  # sigmas
FOREIGN = ("white wall", "blurred", "noise", "mirrored")
HEADER = [
    *("hint", "found", "guided", "hint contradicted", "median error", "95 %"),
    *("of the better of hint and none", "landmarks compared", "time"),
]


class Asked(NamedTuple):
    """Answers to all test images with one kind of hint."""

    found: Tensor  # (N,) bool
    guided: Tensor  # (N,) bool
    contradicted: Tensor  # (N,) bool
    error_m: Tensor  # (N,)
    error_deg: Tensor  # (N,)
    candidates: Tensor  # (N,)
    ms: float  # median


def main() -> None:
    """Print the table, and put it into a page if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run of hinted_landmarks")
    parser.add_argument(
        "--document",
        type=Path,
        help="also put the table between <!-- begin hints --> and <!-- end hints --> of FILE",
    )
    given = parser.parse_args()
    prepare_device("cpu", 1)
    checkpoint = read_checkpoint(given.run)
    localizer = load_localizer(checkpoint)
    assert isinstance(localizer.refinement, LandmarkRefinement), (
        "train with method=hinted_landmarks"
    )
    scene = read_scene(checkpoint.config, offset_m=checkpoint.place.offset_m)
    test = scene.samples(localizer, "test", torch.device("cpu"))
    half_m = float(localizer.model.frame.scale_m)
    alone = asked(localizer, test, no_hint(test.query.K))
    rows = [HEADER, row("none", alone)]
    for size in SIZES:
        sigma_m, sigma_rad = (torch.full((len(test.query.K),), x) for x in (size * half_m, size))
        pose = perturb(test.T_world_cam, sigma_m, sigma_rad, Generator().manual_seed(0))
        hint = Hint.isotropic(pose, sigma_m, sigma_rad)
        answers = asked(localizer, test, hint)
        off_m = (pose.t - test.T_world_cam.t).norm(dim=-1).quantile(0.5)
        best_m = float(torch.minimum(off_m, alone.error_m.quantile(0.5)))
        name = f"{100 * size * half_m:.1f} cm, {math.degrees(size):.1f}°"
        rows.append(row(name, answers, f"{float(answers.error_m.quantile(0.5)) / best_m:.2f}"))
        rows.append(row("the same, 5 sigma off", asked(localizer, test, displaced(test, hint))))
    hint = Hint.isotropic(test.T_world_cam, *(torch.tensor(0.03 * x) for x in (half_m, 1.0)))
    for kind in FOREIGN:
        query = foreign(kind, localizer, scene, test.query)
        shares = [
            float((refined(localizer, query, one).inliers > 0).float().mean())
            for one in (no_hint(test.query.K), hint)
        ]
        name = f"{kind}: alone, and with a hint of {3 * half_m:.1f} cm"
        found = " and ".join(f"{100 * share:.0f} %" for share in shares)
        rows.append([name, found, *[""] * (len(HEADER) - 2)])
    table = markdown_table(rows)
    print(table)
    if given.document:
        insert_text(given.document, "hints", table)


def asked(localizer: LocalizerModule, test: Sample, hint: Hint) -> Asked:
    """Ask about every image (N,) with its hint."""
    refinement, query = localizer.refinement, test.query
    assert isinstance(refinement, LandmarkRefinement)
    parts, times = [], []
    for i in range(len(query.K)):
        one = take(test, slice(i, i + 1)).query
        given = Hint(
            Pose(hint.pose.t[i : i + 1], hint.pose.q[i : i + 1]), hint.covariance[i : i + 1]
        )
        feature = localizer.model.features(one)[0]
        started = time.perf_counter()
        parts.append(refinement(one, feature, given, localizer.model.frame.resolve(given)))
        times.append(time.perf_counter() - started)
    t, q = (torch.cat([p.answer.pose[k] for p in parts]) for k in range(2))
    return Asked(
        torch.cat([p.inliers for p in parts]) > 0,
        torch.cat([p.guided for p in parts]),
        torch.cat([p.contradicted for p in parts]),
        (t - test.T_world_cam.t).norm(dim=-1),
        rotation_angle(q, test.T_world_cam.q).rad2deg(),
        torch.cat([p.candidates for p in parts]),
        1e3 * float(np.median(times)),
    )


def displaced(test: Sample, hint: Hint) -> Hint:
    """Return hints whose position is five sigmas off, in random directions."""
    generator = Generator().manual_seed(1)
    direction = normalize(torch.randn(len(test.query.K), 3, generator=generator), dim=-1)
    t = test.T_world_cam.t + WRONG * hint.sigma_t_m.unsqueeze(-1) * direction
    return hint._replace(pose=Pose(t, test.T_world_cam.q))


def refined(localizer: LocalizerModule, query: Query, hint: Hint) -> Refined:
    """Ask about queries (N,) with hints (N,)."""
    found = localizer.predict(query, hint).refined
    assert isinstance(found, Refined)
    return found


def foreign(kind: str, localizer: LocalizerModule, scene: Scene, query: Query) -> Query:
    """Return the queries (N,) with local features of images that do not show the place as it is."""
    assert isinstance(localizer.refinement, LandmarkRefinement)
    extractor, images = localizer.refinement.landmarks.features, scene.images("test")
    rng, found = np.random.default_rng(0), []
    for i in range(len(images)):
        view, stored = images.stored(i)
        image = np.asarray(stored, np.uint8)
        if kind == "white wall":
            image = np.clip(rng.normal(230, 2, image.shape), 0, 255).astype(np.uint8)
        elif kind == "blurred":
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), 25), np.uint8)
        elif kind == "noise":
            image = rng.integers(0, 255, image.shape).astype(np.uint8)
        else:
            image = np.ascontiguousarray(image[::-1])
        found.append(extractor.extract(image, Lens(view.K, view.distortion)))
    local = LocalFeatures(*(torch.stack(part) for part in zip(*found, strict=True)))
    return query._replace(local=local)


def row(name: str, got: Asked, ratio: str = "") -> list[str]:
    """Return a line of the table."""
    shares = (got.found, got.guided, got.contradicted)
    error_m, error_deg = (part.quantile(0.5).item() for part in (got.error_m, got.error_deg))
    p95_m = got.error_m.quantile(0.95).item()
    return [
        name,
        *(f"{100 * share.float().mean().item():.0f} %" for share in shares),
        f"{100 * error_m:.2f} cm, {error_deg:.2f}°",
        f"{100 * p95_m:.1f} cm",
        ratio,
        f"{got.candidates.float().quantile(0.5).item():.0f}",
        f"{got.ms:.0f} ms",
    ]


if __name__ == "__main__":
    with torch.inference_mode():
        main()
