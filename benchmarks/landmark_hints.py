"""What a hint is worth to landmarks: sharp and vague ones, wrong ones, and images of other places.

Reads a trained run of hinted_landmarks and asks it about its test images:

    python benchmarks/landmark_hints.py runs/seven_scenes/redkitchen/hinted_landmarks/seed-0

Hints are simulated: the true pose with noise of the stated sigma, in parts of the scene's half extent and as many
radians. Times are of one image without its features, on one thread.
"""

import argparse
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint, LocalFeatures, Pose, Query, Sample
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.posed_images import take
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule, prepare_device
from hinted_posenet.inference.refinement import LandmarkRefinement
from hinted_posenet.training.run import read_scene

SIZES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the half extent, and radians
WRONG = 5.0  # sigmas
FOREIGN = ("white wall", "blurred", "noise", "mirrored and turned")


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
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    torch.set_num_threads(1)
    prepare_device("cpu", 1)
    checkpoint = read_checkpoint(parser.parse_args().run)
    localizer = load_localizer(checkpoint)
    assert localizer.refinement is not None, "train with refine=landmarks"
    scene = read_scene(checkpoint.config, offset_m=checkpoint.place.offset_m)
    test = scene.samples(localizer, "test", torch.device("cpu"))
    half_m = float(localizer.model.frame.scale_m)
    nothing = no_hint(test.query.K)
    alone = asked(localizer, test, nothing)
    print("hint: found, guided, contradicted, error, of min(hint, no hint), candidates, time")
    print(row("none", alone))
    for size in SIZES:
        sigma_m, sigma_rad = (
            torch.full((len(nothing.pose.t),), size * half_m),
            torch.full((len(nothing.pose.t),), size),
        )
        pose = perturb(test.T_world_cam, sigma_m, sigma_rad, Generator().manual_seed(0))
        hint = Hint.isotropic(pose, sigma_m, sigma_rad)
        off_m = float((pose.t - test.T_world_cam.t).norm(dim=-1).quantile(0.5))
        answers = asked(localizer, test, hint)
        best_m = min(off_m, float(alone.error_m.quantile(0.5)))
        name = f"{100 * size * half_m:.1f} cm, {math.degrees(size):.2f} deg"
        print(row(name, answers, float(answers.error_m.quantile(0.5)) / best_m))
        wrong = asked(localizer, test, displaced(test.T_world_cam, hint))
        print(row(f"  {WRONG:.0f} sigma off", wrong))
    print(
        "images that do not show the place: taken for a place in it without hint, with a sharp hint"
    )
    for kind in FOREIGN:
        queries = foreign(kind, localizer, scene_pixels(scene, 40))
        hints = [no_hint(queries.K), sharp(take(test, slice(len(queries.K))).T_world_cam, half_m)]
        shares = [
            float((localizer.predict(queries, hint).landmarks.inliers > 0).float().mean())  # type: ignore[union-attr]
            for hint in hints
        ]
        print(f"  {kind:20} {100 * shares[0]:5.1f} % {100 * shares[1]:5.1f} %")


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


def displaced(truth: Pose, hint: Hint) -> Hint:
    """Return hints whose position is five sigmas off, in random directions."""
    direction = torch.nn.functional.normalize(
        torch.randn(len(truth.t), 3, generator=Generator().manual_seed(1)), dim=-1
    )
    sigma_m = hint.sigma_t_m.unsqueeze(-1)
    return hint._replace(pose=Pose(truth.t + WRONG * sigma_m * direction, truth.q))


def sharp(truth: Pose, half_m: float) -> Hint:
    """Return good hints, of 3 % of the half extent."""
    sigma = torch.full((len(truth.t),), 0.03)
    return Hint.isotropic(truth, sigma * half_m, sigma)


def scene_pixels(scene: object, count: int) -> list[np.ndarray]:
    """Return some test images (H, W, 3)."""
    images = scene.images("test")  # type: ignore[attr-defined]
    return [np.asarray(images.stored(i)[1], np.uint8) for i in range(min(count, len(images)))]


def foreign(kind: str, localizer: LocalizerModule, pixels: list[np.ndarray]) -> Query:
    """Return queries of images that do not show the place as it is."""
    import cv2

    made = []
    rng = np.random.default_rng(0)
    for image in pixels:
        if kind == "white wall":
            image = np.clip(rng.normal(230, 2, image.shape), 0, 255).astype(np.uint8)
        elif kind == "blurred":
            image = cv2.GaussianBlur(image, (0, 0), 25)
        elif kind == "noise":
            image = rng.integers(0, 255, image.shape).astype(np.uint8)
        else:
            image = np.ascontiguousarray(image[::-1])
        made.append(image)
    assert localizer.refinement is not None
    extractor = localizer.refinement.landmarks.features
    K = torch.tensor([[525.0, 0, 320], [0, 525, 240], [0, 0, 1]], dtype=torch.float64)
    local = [extractor.extract(np.asarray(image, np.uint8), Lens(K, ())) for image in made]
    small = torch.stack(
        [torch.from_numpy(cv2.resize(image, (320, 240))).permute(2, 0, 1) / 255 for image in made]
    )
    feature = localizer.model.with_feature(
        Query(
            small,
            torch.empty(0),
            K.expand(len(made), 3, 3),
            no_hint(small),
            [""] * len(made),
            torch.zeros(len(made)),
        )
    ).feature
    stacked = LocalFeatures(*(torch.stack(part) for part in zip(*local, strict=True)))
    names = [""] * len(made)
    return Query(
        small[:, :0],
        feature,
        K.float().expand(len(made), 3, 3),
        no_hint(small),
        names,
        torch.zeros(len(made)),
        stacked,
    )


def row(name: str, got: Asked, ratio: float = math.nan) -> str:
    """Return a line of the table."""
    shares = [
        100 * float(part.float().mean()) for part in (got.found, got.guided, got.contradicted)
    ]
    error = 100 * float(got.error_m.quantile(0.5)), float(got.error_deg.quantile(0.5))
    p95 = 100 * float(got.error_m.quantile(0.95))
    candidates = float(got.candidates.float().quantile(0.5))
    return (
        f"  {name:22} {shares[0]:4.0f} % {shares[1]:4.0f} % {shares[2]:4.0f} % "
        f"{error[0]:7.2f} cm {error[1]:5.2f} deg (95 %: {p95:6.1f} cm) "
        f"{ratio:5.2f} {candidates:6.0f} {got.ms:7.1f} ms"
    )


if __name__ == "__main__":
    with torch.inference_mode():
        main()
