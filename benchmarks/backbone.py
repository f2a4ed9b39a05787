"""Images a second through the default backbone on one CPU thread, with and without inference/localizer.py.

python benchmarks/backbone.py
"""

import subprocess
import sys
import time

import torch

from hinted_posenet.inference.localizer import keep_freed_memory
from hinted_posenet.models.backbones.timm import TimmBackbone

ROUNDS, BATCH, SIZE_PX = 8, 32, 160


def images_per_second() -> float:
    """Rate of EfficientNet-Lite0 over random images."""
    torch.set_num_threads(1)
    backbone = TimmBackbone().eval()
    images = torch.rand(BATCH, 3, SIZE_PX, SIZE_PX)
    with torch.inference_mode():
        backbone(images)
        start = time.perf_counter()
        for _ in range(ROUNDS):
            backbone(images)
    return ROUNDS * BATCH / (time.perf_counter() - start)


def main() -> None:
    """Each setting in a process of its own, in turns: the setting cannot be taken back."""
    if len(sys.argv) > 1:
        if sys.argv[1] == "keep":
            keep_freed_memory()
        print(images_per_second())
        return
    rates: dict[str, list[float]] = {"default": [], "keep": []}
    for _ in range(3):
        for setting, column in rates.items():
            command = [sys.executable, __file__, setting]
            column.append(float(subprocess.check_output(command, text=True)))
    default, keep = (max(column) for column in rates.values())
    print(f"default allocator       {default:6.0f} images/s")
    print(f"keep_freed_memory()     {keep:6.0f} images/s ({keep / default:.2f} x)")


if __name__ == "__main__":
    main()
