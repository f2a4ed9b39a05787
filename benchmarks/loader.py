"""Images per CPU-second of one thread: decoded from files, and from the cache of decoded images.

python benchmarks/loader.py --images 200

Every row ends in float32 batches with K, as a network takes them: images are resized to 256x455 (Cambridge) or
240x320 (7-Scenes), and 224x224 is cut from the center. "decode alone" only decodes and resizes, image by image.
Images are photographs where HINTED_POSENET_DATA has some (RedKitchen, enlarged for 1920x1080), else noise of a
photograph's spectrum. All rows of a set are taken in turns, so that they see the same machine.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.images import fitted
from hinted_posenet.data.posed_images import PosedImages, identity
from hinted_posenet.inference.localizer import keep_freed_memory

CROP = (224, 224)
BATCH = 64
TURN_S = 1.0  # CPU-seconds of a row, at least, before it is another one's turn
SETS = {  # (width, height) as stored, file type, (height, width) resized
    "1920x1080 png": ((1920, 1080), "png", (256, 455)),
    "1920x1080 jpg": ((1920, 1080), "jpg", (256, 455)),
    "640x480 jpg": ((640, 480), "jpg", (240, 320)),
}


def photographs(number: int) -> Iterator[NDArray[np.uint8]]:
    """Images (h, w, 3) of a size of their own."""
    root = Path(os.environ.get("HINTED_POSENET_DATA", "data")) / "seven_scenes"
    files = sorted(root.rglob("*.color.*"))
    for index in range(number):
        if files:
            yield np.asarray(decoded(files[index % len(files)]), np.uint8)
        else:
            yield spectral_noise(index)


def spectral_noise(seed: int, width: int = 640, height: int = 480) -> NDArray[np.uint8]:
    """Noise whose amplitude falls with frequency, as a photograph's does."""
    white = np.random.default_rng(seed).standard_normal((3, height, width))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)) + 1 / width
    pink = np.fft.irfft2(np.fft.rfft2(white) / frequency, (height, width))
    pixels: NDArray[np.uint8] = np.clip(128 + 50 * pink / pink.std(), 0, 255).astype(np.uint8)
    return pixels.transpose(1, 2, 0)


def write_views(folder: Path, number: int, size: tuple[int, int], suffix: str) -> list[View]:
    """Photographs as files of one size and type."""
    folder.mkdir(parents=True)
    pose = Pose(torch.zeros(3).double(), torch.tensor([1.0, 0, 0, 0]).double())
    K = intrinsics(size[0], size[0], size[0] / 2, size[1] / 2)
    grain = np.random.default_rng(0)
    views = []
    for index, photo in enumerate(photographs(number)):
        image = photo
        if photo.shape[1::-1] != size:
            # enlarging leaves no detail, so a sensor's grain stands for it
            large = cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC)
            noise = np.asarray(grain.normal(0, 3, large.shape)).astype(np.int8)
            image = np.asarray(cv2.add(large, noise, dtype=cv2.CV_8U), np.uint8)
        path = folder / f"{index:05d}.{suffix}"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        views.append(View(path.name, path, pose, K, "seq", {}, size=size))
    return views


def rates(views: list[View], shape: tuple[int, int], folder: Path, rounds: int) -> dict[str, float]:
    """Images per CPU-second of each way."""
    cache = ImageCache(folder, limit_gb=100, threads=1)
    start = time.process_time()
    kept, faults = cache.fill(views, *shape, "images")
    filled_s = time.process_time() - start
    assert not faults
    ways = {
        "decode alone": lambda: [fitted(view, decoded(view.image), *shape) for view in views],
        "loader": batches(PosedImages(views, *shape, None, CROP)),
        "cached": batches(PosedImages(views, *shape, kept, CROP)),
        "cached, whole": batches(PosedImages(views, *shape, kept)),
    }
    seconds, refinement_steps = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.process_time()
            while (spent := time.process_time() - start) < TURN_S:
                run()
                refinement_steps[way] += 1
            seconds[way] += spent
    measured = {way: refinement_steps[way] * len(views) / seconds[way] for way in ways}
    return {"filling": len(views) / filled_s} | measured


def batches(images: PosedImages) -> Callable[[], object]:
    """Take all batches in a random order, in this process."""
    order = torch.randperm(len(images)).tolist()
    loader = DataLoader(images, BATCH, sampler=order, collate_fn=identity)
    return lambda: [batch.query.image.shape for batch in loader]


def main() -> None:
    """Print a table of all sets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=128, help="of each set")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="to write to; a temporary one if not given")
    arguments = parser.parse_args()
    keep_freed_memory()  # as every training does
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        for name, (size, suffix, shape) in SETS.items():
            views = write_views(Path(root) / suffix / name, arguments.images, size, suffix)
            found = rates(views, shape, Path(root) / "cache", arguments.rounds)
            if name == next(iter(SETS)):
                print(f"{'':14}" + "".join(f"{way:>15}" for way in found) + "  cached / decode")
            ratio = found["cached"] / found["decode alone"]
            rates_text = "".join(f"{rate:15.0f}" for rate in found.values())
            print(f"{name:14}{rates_text}{ratio:17.0f}")


if __name__ == "__main__":
    main()
