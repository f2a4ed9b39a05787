"""Runs as evaluate writes them, of made-up networks on a flight over a made-up map."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from hinted_posenet.core.types import Hint, Pose, View
from hinted_posenet.evaluation import write_run as results
from hinted_posenet.evaluation.predictions import MethodAnswer
from hinted_posenet.evaluation.write_run import frames_of

ANGLE_RAD = 0.05
THRESHOLDS = [(5.0, 2.0), (20.0, 5.0)]


def pictures(folder: Path, count: int = 4) -> list[Path]:
    """Images as smooth as photos of land."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for path in paths:
        coarse = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC))
    return paths


def positions(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, generator=generator) * torch.tensor([1000.0, 600.0, 50.0])


def off(truth: Pose, sigma_m: float | torch.Tensor, seed: int) -> Pose:
    """Poses off by a Gaussian in position, of one sigma or one each (N,), and by a small rotation about z."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(truth.t.shape, generator=generator) * torch.as_tensor(sigma_m)[..., None]
    half = ANGLE_RAD * torch.randn(len(noise), generator=generator) / 2
    zero = torch.zeros_like(half)
    return Pose(truth.t + noise, torch.stack([half.cos(), zero, zero, half.sin()], dim=1))


def about_run(name: str, **changes: Any) -> dict[str, Any]:
    """What results.json says of a run beside its metrics."""
    data = {"name": "aerial", "scene": "toy", "ground_truth": "exact"}
    about = {"name": name, "data": data, "split": "test", "seed": 0, "oracle": False}
    return {**about, "inference_hint": {"name": "none"}, "map": None, **changes}


def views_at(
    poses: Pose,
    tags: Sequence[dict[str, str]],
    sequences: Sequence[str] = ("flight",),
    images: Sequence[Path] = (Path(),),
    folder: str = "",
) -> list[View]:
    """Views from poses (N,); tags, sequences and images are taken in turn."""
    return [
        View(
            f"{folder}{i:04d}.jpg",
            images[i % len(images)],
            Pose(t, q),
            torch.eye(3),
            sequences[i % len(sequences)],
            tags[i % len(tags)],
        )
        for i, (t, q) in enumerate(zip(*poses, strict=True))
    ]


def write_run(
    folder: Path,
    name: str,
    seed: int = 0,
    sigma_m: float = 10.0,
    count: int = 60,
    images: list[Path] | None = None,
    hint_m: float | None = 40.0,
    **changes: Any,
) -> Path:
    """A run whose network is off by about ``sigma_m`` per axis and says how much; every other frame is of winter.

    Training did not see that season: there the network is off by twice of what it says.
    """
    truth, known = (
        Pose(positions(n, s), torch.tensor([[1.0, 0, 0, 0]] * n)) for n, s in ((count, 1), (80, 2))
    )
    images = images or [Path("nowhere.jpg")]
    summer, winter = {"season": "summer"}, {"season": "winter"}
    views = views_at(truth, [summer, winter], ["test"], images, "test/")
    train = views_at(known, [summer], ["train"], images, "train/")
    luck = 2 * zlib.crc32(f"{name} {seed}".encode())
    near = torch.arange(count) % 80
    stated, oracle = sigma_m * torch.linspace(0.5, 1.5, count), bool(changes.get("oracle"))
    winter_too = torch.where(torch.arange(count) % 2 == 1, 2.0, 1.0)
    answers = [
        MethodAnswer("constant pose", "control", off(truth, 400.0, 0)),
        MethodAnswer("retrieval", "control", Pose(known.t[near], known.q[near]), neighbour=near),
        MethodAnswer("pass 1", "network", off(truth, 1.5 * sigma_m, luck), step=1, oracle=oracle),
        MethodAnswer(
            "pass 2",
            "network",
            off(truth, winter_too * stated, luck + 1),
            Hint.isotropic(truth, stated, torch.tensor(ANGLE_RAD)).covariance,
            step=2,
            oracle=oracle,
        ),
    ]
    if hint_m is not None:
        hint = MethodAnswer("hint as the answer", "hint", off(truth, hint_m, 5))
        answers[2:2] = [hint, MethodAnswer("shuffled image", "control", off(truth, 90.0, 6))]
    about = {
        "seed": seed,
        "inference_hint": {"name": "none" if hint_m is None else "retrieval"},
        "map": {"image": str(images[0]), "bounds_m": [0.0, 0.0, 1000.0, 600.0]},
        "frames": {"train": 80, "val": 0, "test": count},
        "versions": {"python": "3"},
    }
    about = about_run(name, **{**about, **changes})
    results.write_run(folder, about, frames_of(views), frames_of(train), answers, truth, THRESHOLDS)
    return folder


def write_runs(root: Path) -> list[Path]:
    """A control without a hint, two seeds of a network, and the same with simulated sensors."""
    images = pictures(root / "images")
    runs = [write_run(root / "null", "null", 0, 30.0, images=images, hint_m=None)]
    runs += [write_run(root / f"seed-{s}", "residual", s, images=images) for s in (0, 1)]
    for sigma_m in (5.0, 50.0):
        hint = {"name": "oracle", "sigma_t_m": sigma_m, "sigma_r_deg": None}
        about = {"oracle": True, "inference_hint": hint}
        folder = root / f"seed-0/from-sensor-{sigma_m:g}m"
        runs.append(write_run(folder, "residual", 0, 8.0, images=images, hint_m=sigma_m, **about))
    return runs
