"""Training views rendered live, beside reading the same data set's JPEG files and a frozen backbone.

python benchmarks/live.py [recipe=naip ...]     simulate the recipe first; arguments as for `hinted-posenet train`

Figures are views a second of one core, measured in turns so that other load meets all of them.
"""

import resource
import sys
import time
from collections.abc import Callable

import torch
from torch.utils.data import default_collate

from hinted_posenet.cli.compose import compose
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.training.run import read_scene

ROUNDS, VIEWS = 5, 128


def main() -> None:
    """Measure the rates of each source alone, and of each source with the backbone."""
    torch.set_num_threads(1)
    config = compose("train", "data=aerial_live", *sys.argv[1:])
    scene = read_scene(config)
    live, files = scene.live_images("train", seed=0), scene.images("train")
    model = build_localizer(config).model.eval()
    batch = default_collate([files[index] for index in range(VIEWS)]).query

    def images(source: PosedImages, first: int) -> Callable[[], object]:
        return lambda: [source[index] for index in range(first, first + VIEWS)]

    seconds: dict[str, float] = {}
    for number in range(-1, ROUNDS):  # the first one loads tiles
        works: dict[str, Callable[[], object]] = {
            "rendered live": images(live, (number + 1) * VIEWS),
            "read from JPEG files": images(files, max(number, 0) * VIEWS),
            "backbone": lambda: model.features(batch),
        }
        for name, work in works.items():
            start = time.process_time()
            with torch.no_grad():
                work()
            if number >= 0:
                seconds[name] = seconds.get(name, 0.0) + time.process_time() - start
    per_view = {name: taken / (ROUNDS * VIEWS) for name, taken in seconds.items()}
    per_view["live and backbone"] = per_view["rendered live"] + per_view["backbone"]
    per_view["files and backbone"] = per_view["read from JPEG files"] + per_view["backbone"]
    for name, taken in per_view.items():
        print(f"{name:22}{1 / taken:7.0f} views/s")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(live)} views an epoch, peak memory {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
