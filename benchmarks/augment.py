"""What each augmentation costs on one CPU thread, and how much of its views lies outside the old image.

python benchmarks/augment.py
"""

import time
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Generator

from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.types import Hint, Pose, Query, Sample
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.augment.effects import (
    Blur,
    Colours,
    Effect,
    Fog,
    Noise,
    Precipitation,
    Shadow,
)
from hinted_posenet.inference.build import build
from hinted_posenet.inference.localizer import keep_freed_memory

ROUNDS, BATCH, SIZE_PX = 5, 32, 224
EFFECTS: dict[str, Effect] = {
    "brightness": Colours(brightness=0.3),
    "contrast": Colours(contrast=0.3),
    "saturation": Colours(saturation=0.3),
    "gamma": Colours(gamma=0.3),
    "white balance": Colours(white_balance=0.2),
    "hue": Colours(hue=0.05),
    "blur": Blur(p=1),
    "noise": Noise(p=1),
    "shadow": Shadow(p=1),
    "fog": Fog(p=1),
    "rain": Precipitation(p=1),
    "snow": Precipitation(length_px=3, width_px=0.9, p=1),
}
VIEWS: dict[str, dict[str, Any]] = {
    "rotations of 5 deg": {"rotation_deg": (5, 5, 5)},
    "rotations of 5 deg, crop 160": {"rotation_deg": (5, 5, 5), "crop_px": (160, 160)},
    "rotations of 8, 8, 10 deg": {"rotation_deg": (8, 8, 10)},
    "any roll": {"roll_deg": 180},
    "any roll, crop 160": {"roll_deg": 180, "crop_px": (160, 160)},
    "zoom 0.8 to 1.25": {"zoom": (0.8, 1.25)},
    "crop 160 at random": {"crop_px": (160, 160), "crop_at": "random"},
}


def white(batch: int) -> Sample:
    """Images of one camera with a view of 53 degrees."""
    pose = Pose(torch.zeros(batch, 3), torch.eye(4)[0].expand(batch, 4))
    nothing = torch.full((batch,), torch.inf)
    half = SIZE_PX / 2
    K = torch.tensor([[SIZE_PX, 0.0, half], [0.0, SIZE_PX, half], [0.0, 0.0, 1.0]])
    query = Query(
        torch.ones(batch, 3, SIZE_PX, SIZE_PX),
        torch.empty(batch, 0),
        K.expand(batch, 3, 3),
        Hint.isotropic(pose, nothing, nothing),
        ["white"] * batch,
        torch.zeros(batch, dtype=torch.int64),
    )
    return Sample(query, pose)


def ms_per_image(augment: Augment) -> float:
    """Processor time."""
    sample = white(BATCH)
    image = torch.rand(BATCH, 3, SIZE_PX, SIZE_PX)
    sample = sample._replace(query=sample.query._replace(image=image))
    generator = Generator().manual_seed(0)
    augment(sample, generator)
    start = time.process_time()
    for _ in range(ROUNDS):
        augment(sample, generator)
    return 1000 * (time.process_time() - start) / (ROUNDS * BATCH)


def outside(augment: Augment) -> float:
    """Mean share of the pixels of 500 views that the old image does not show."""
    augment = Augment(
        augment.rotation_deg, augment.roll_deg, augment.zoom, augment.crop_px, padding_mode="zeros"
    )
    image = augment(white(500), Generator().manual_seed(0)).query.image
    return float((image < 0.5).float().mean())


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    keep_freed_memory()  # as runs on the CPU do
    files = sorted((config_folder() / "augment").glob("*.yaml"))
    print(f"{'':34}ms/image   outside")
    for name, settings in VIEWS.items():
        view = Augment(**settings)
        print(f"{name:34}{ms_per_image(view):8.2f}{outside(view):10.1%}")
    for name, effect in EFFECTS.items():
        print(f"{name:34}{ms_per_image(Augment(effect=effect)):8.2f}")
    for file in files:
        whole = build(OmegaConf.load(file), "augment")
        print(f"augment={file.stem:26}{ms_per_image(whole):8.2f}{outside(whole):10.1%}")


if __name__ == "__main__":
    main()
