"""Train the network of ``weights=released``, which registers images over any place, on generated worlds alone.

    python scripts/train_any_place.py any_place.pt [--steps 520] [--seed 0]

Takes half an hour on one core. Another file can be given to `hinted-posenet locate weights=FILE`.
"""

import argparse
from pathlib import Path

import torch

from hinted_posenet.cli.compose import compose
from hinted_posenet.core.tensor_files import write_tensors
from hinted_posenet.inference.build import build
from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.ground_registration import GroundRegistration
from hinted_posenet.training.practice import CHECKS, WORLDS, calibrate_registration, draw_exercise
from hinted_posenet.training.registration import fit_registration


def ground(words: str) -> ArrayGround:
    """Paint a world on all its dates."""
    world = build(compose("simulate", "world=generated", *words.split())["world"], "world")
    return ArrayGround.of_world(world, [capture.key for capture in world.captures[:8]])


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("file", type=Path)
parser.add_argument("--steps", type=int, default=520)
parser.add_argument("--images", type=int, default=100, help="to calibrate with")
parser.add_argument("--seed", type=int, default=0)
asked = parser.parse_args()
torch.manual_seed(asked.seed)
network, worlds = GroundRegistration(), [ground(words) for words in WORLDS]
parts = asked.file.with_suffix(".part")
fit_registration(
    network,
    lambda _: draw_exercise(worlds, 8, torch.default_generator),
    asked.steps,
    asked.seed,
    parts,
)
checks = [ground(words) for words in CHECKS]
calibrate_registration(network, checks, asked.images, torch.default_generator)
write_tensors(asked.file, dict(network.state_dict()))
parts.unlink(missing_ok=True)
