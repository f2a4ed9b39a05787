"""Memory and time of a large landmark map: the process that answers, its parts, and the checkpoint.

    python benchmarks/landmarks.py --images 10000

A camera goes along a wall, an image a metre, and sees 500 landmarks in each; every landmark is in five images.
No image is drawn: descriptors are random, queries show 500 landmarks half a pixel off and as many features that no
landmark looks like. Their hint, where there is one, is 0.3 m and 3 degrees off, as it says. Targets: 4 GiB, and
1 s a query without its features on one thread.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hinted_posenet.cli.compose import compose
from hinted_posenet.core.covariance import moved
from hinted_posenet.core.types import Hint, LocalFeatures, Pose
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint, save_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule, prepare_device
from hinted_posenet.inference.place import Place
from hinted_posenet.inference.refinement import LandmarkRefinement
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer
from hinted_posenet.models.landmarks.quantization import quantized

SEEN, NEW = 500, 100  # landmarks of an image, and those that the image before has not
FOCAL_PX, NOISE_PX = 500.0, 0.5
CHANNELS, GRID = 112, 3  # of the features of whole images
SIGMA = (0.3, math.radians(3.0))
QUERIES = 50
PARTS = {  # methods of LandmarkLocalizer, and of what it has
    "images": ("", "_likely_images"),
    "landmarks": ("map", "of_images"),
    "matching": ("matcher", "match"),
}


def street(images: int, dim: int) -> tuple[Tensor, Tensor]:
    """Return the points (P, 3) of the wall and their descriptors (P, dim) float16."""
    count = NEW * (images + SEEN // NEW)
    across = torch.rand(count, 2) * torch.tensor([3.0, 2.0]) + torch.tensor([-1.5, 3.0])
    along = torch.arange(count) / NEW - SEEN / NEW / 2
    looks = torch.cat([normalize(part, dim=1).half() for part in chunks(count, dim)])
    return torch.cat([along.unsqueeze(1), across], dim=1), looks


def chunks(count: int, dim: int) -> list[Tensor]:
    """Return random numbers (count, dim) in parts, so that they are never all there in float32."""
    return [torch.randn(min(100_000, count - i), dim) for i in range(0, count, 100_000)]


def whole_image(place_m: Tensor) -> Tensor:
    """Return features (n, CHANNELS, GRID, GRID) of whole images at places (n,), alike within some metres."""
    size = CHANNELS * GRID * GRID
    own = torch.Generator().manual_seed(1)
    wave, phase = torch.randn(size, generator=own) / 5, 7 * torch.rand(size, generator=own)
    return torch.cos(place_m.unsqueeze(1) * wave + phase).view(-1, CHANNELS, GRID, GRID)


def filled(localizer: LocalizerModule, images: int, dim: int) -> None:
    """Put the map of a street into a localizer, as its fit would have left it."""
    assert isinstance(localizer.refinement, LandmarkRefinement)
    landmarks = localizer.refinement.landmarks
    known, (point_m, looks) = landmarks.map, street(images, dim)
    place_m = torch.arange(images).float()
    rows = (NEW * torch.arange(images).unsqueeze(1) + torch.arange(SEEN)).flatten()
    pose = Pose(
        torch.stack([place_m, 0 * place_m, 0 * place_m], dim=1),
        torch.tensor([1.0, 0, 0, 0]).repeat(images, 1),
    )
    known.point_m, (known.descriptor, known.scale) = point_m[rows], quantized(looks[rows])
    off_m = known.point_m - pose.t.repeat_interleave(SEEN, dim=0)
    known.ray = off_m[:, :2] / off_m[:, 2:]
    known.start, known.row = SEEN * torch.arange(images + 1), torch.arange(images)
    known.t_m, known.q = pose
    known.focal_px = torch.full((images,), FOCAL_PX)
    feature = whole_image(place_m)
    landmarks.memory.fit(pose, feature)
    localizer.model.frame.fit(pose)
    localizer.inference_hint.fit(pose, feature, torch.zeros(images, dtype=torch.int64))


def query(landmarks: LandmarkLocalizer, seed: int) -> tuple[Tensor, LocalFeatures, Pose]:
    """Return the feature, the local features and the pose of a query between two images."""
    own = torch.Generator().manual_seed(seed)
    images = len(landmarks.map.row)
    image = int(torch.randint(2, images - 2, (), generator=own))
    marks = landmarks.map.of_images(torch.tensor([image]))
    offset_m = torch.tensor([0.4, 0.1, 0.2])
    place = torch.tensor([float(image), 0, 0]) + offset_m
    off_m = marks.point_m - place
    ray = off_m[:, :2] / off_m[:, 2:]
    ray = ray + NOISE_PX / FOCAL_PX * torch.randn(ray.shape, generator=own)
    dim = marks.descriptor.shape[1]
    noise = 0.05 * torch.randn(SEEN, dim, generator=own)
    looks = [marks.descriptor.float() + noise, torch.randn(SEEN, dim, generator=own)]
    local = LocalFeatures(
        torch.cat([ray, torch.rand(SEEN, 2, generator=own) - 0.5]),
        torch.ones(2 * SEEN),
        normalize(torch.cat(looks), dim=1).half(),
        torch.tensor(FOCAL_PX),
    )
    truth = Pose(place.double(), torch.tensor([1.0, 0, 0, 0]).double())
    return whole_image(place[:1]), local, truth


def answer(checkpoint: Path) -> None:
    """Load a checkpoint, answer queries with and without a hint, and print a line for each."""
    prepare_device("cpu", threads=1)
    before_gib, started = peak_gib(), time.perf_counter()
    localizer = load_localizer(read_checkpoint(checkpoint))
    print(
        f"loaded in {time.perf_counter() - started:.1f} s; peak {peak_gib():.2f} GiB, of which "
        f"{before_gib:.2f} before"
    )
    assert isinstance(localizer.refinement, LandmarkRefinement)
    landmarks = localizer.refinement.landmarks
    queries = [query(landmarks, seed) for seed in range(QUERIES)]
    spent = timed_parts(landmarks)
    steps = torch.tensor([SIGMA[0]] * 3 + [SIGMA[1]] * 3).double()
    for title, hinted in (("no hint", False), ("hint", True)):
        spent.clear()
        errors_m, seconds = [], []
        for number, (feature, local, truth) in enumerate(queries):
            own = torch.Generator().manual_seed(number)
            there = moved(truth, steps * torch.randn(6, generator=own).double())
            prior = Hint.from_pose(there, SIGMA[0], math.degrees(SIGMA[1])) if hinted else None
            started = time.perf_counter()
            view = landmarks.locate(feature, local, prior)
            seconds.append(time.perf_counter() - started)
            errors_m.append(
                math.inf if view is None else float((view.solved.pose.t - truth.t).norm())
            )
        median_s, worst_s = sorted(seconds)[QUERIES // 2], max(seconds)
        parts = {name: spent.get(name, 0.0) / QUERIES * 1e3 for name in PARTS}
        rest = sum(seconds) / QUERIES * 1e3 - sum(parts.values())
        listed = ", ".join(f"{name} {ms:.0f}" for name, ms in (parts | {"solving": rest}).items())
        print(
            f"{title:8} median {median_s * 1e3:.0f} ms, longest {worst_s * 1e3:.0f} ms; mean ms: {listed}; "
            f"median error {sorted(errors_m)[QUERIES // 2] * 100:.1f} cm, {sum(map(math.isinf, errors_m))} lost"
        )
    print(f"peak {peak_gib():.2f} GiB")


def timed_parts(landmarks: LandmarkLocalizer) -> dict[str, float]:
    """Return seconds spent in each of `PARTS`, which grow with every query."""
    spent: dict[str, float] = {}

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **more: Any) -> Any:
            started = time.perf_counter()
            found = call(*arguments, **more)
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - started
            return found

        return run

    for name, (part, method) in PARTS.items():
        owner = getattr(landmarks, part) if part else landmarks
        setattr(owner, method, timed(name, getattr(owner, method)))
    return spent


def peak_gib() -> float:
    """Return the most memory that this process has had; ``getrusage`` would count that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


def main() -> None:
    """Write a checkpoint with a map, and answer with it in another process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument(
        "--dim", type=int, default=64, help="of a descriptor: 64 of xfeat, 128 of sift"
    )
    parser.add_argument("--folder", type=Path, help="to write to; a temporary one if not given")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer:
        answer(arguments.answer)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        path = Path(name) / "localizer.ckpt"
        config = compose(
            "train", "data=seven_scenes", "data.scene=street", "method=hinted_landmarks"
        )
        localizer = build_localizer(config, pretrained=False)
        filled(localizer, arguments.images, arguments.dim)
        started = time.perf_counter()
        place = Place(
            torch.eye(3).double(), torch.zeros(1, 3).double(), None, torch.zeros(3).double()
        )
        save_checkpoint(path, localizer, config, "", place)
        print(
            f"{arguments.images:,} images, {SEEN * arguments.images:,} landmarks of {arguments.dim} numbers: "
            f"checkpoint {path.stat().st_size / 1e9:.2f} GB, written in {time.perf_counter() - started:.1f} s"
        )
        del localizer
        subprocess.run([sys.executable, __file__, "--answer", str(path)], check=True)


if __name__ == "__main__":
    main()
