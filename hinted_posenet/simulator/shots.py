"""Shots: every image that flights take, and their order of work."""

import math
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.world.tiles import TILE_PX
from hinted_posenet.simulator.write import FrameLabel
from hinted_posenet.types import InputError

BLOCK_TILES = 2  # tiles a side that are rendered together
JOB_PX = 2**23  # of the images of one job: what a killed run loses, and what one answer holds


class Shot(NamedTuple):
    """An image to take, and the seed of its photometric variation."""

    label: FrameLabel
    seed: np.random.SeedSequence


Job = list[Shot]


def plan_shots(
    world: World, flights: Mapping[str, Flight], camera: Camera, seed: int, image_format: str
) -> list[Shot]:
    """Every image to take, flight by flight and date by date."""
    shots: list[Shot] = []
    for name, flight in flights.items():
        stream = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
        epochs = list(dict.fromkeys(epoch for when in flight.when for epoch in world.select(when)))
        index = 0
        for epoch, epoch_stream in zip(epochs, stream.spawn(len(epochs)), strict=True):
            stations = flight.stations(world, camera, np.random.default_rng(epoch_stream))
            for station, shot_seed in zip(stations, epoch_stream.spawn(len(stations)), strict=True):
                file = f"{name}/{index:06d}.{image_format}"
                label = FrameLabel(file, flight.split, name, epoch, station)
                shots.append(Shot(label, shot_seed))
                index += 1
    if not shots:
        raise InputError("flights: no images planned; give at least one flight with images > 0")
    return shots


def jobs(world: World, camera: Camera, shots: list[Shot]) -> list[Job]:
    """Shots by the block of ground below the camera, within a block by epoch, in handy numbers.

    A block's surface is built once for many of its images, and each of its tiles painted once an
    epoch.
    """
    block_m = BLOCK_TILES * TILE_PX * world.lattice.resolution_m
    order = {epoch: number for number, epoch in enumerate(world.epochs)}
    blocks: dict[tuple[int, int], Job] = {}
    for shot in shots:
        x_m, y_m, _ = shot.label.station.T_world_cam.t.tolist()
        block = (
            math.floor((world.lattice.ymax - y_m) / block_m),
            math.floor((x_m - world.lattice.xmin) / block_m),
        )
        blocks.setdefault(block, []).append(shot)
    size = max(1, JOB_PX // (camera.width * camera.height))
    return [
        part
        for block in sorted(blocks)
        for part in _parts(sorted(blocks[block], key=lambda shot: order[shot.label.epoch]), size)
    ]


def _parts(job: Job, size: int) -> Iterator[Job]:
    for first in range(0, len(job), size):
        yield job[first : first + size]
