"""Shots: every image that flights take, and their order of work."""

import math
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.aerial_layout import FrameLabel
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight, Station
from hinted_posenet.simulator.world import Capture, PixelGrid, World
from hinted_posenet.simulator.world.tiles import TILE_PX

BLOCK_PX = 2 * TILE_PX  # side of the ground whose images are rendered together
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
    shots = [
        Shot(FrameLabel(f"{place}.{image_format}", flight.split, name, capture, station), shot_seed)
        for name, flight in flights.items()
        for place, capture, station, shot_seed in flown(world, camera, name, flight, seed)
    ]
    if not shots:
        raise InputError("flights: no images planned; give at least one flight with images > 0")
    return shots


def flown(
    world: World, camera: Camera, name: str, flight: Flight, seed: int, number: int = 0
) -> Iterator[tuple[str, Capture, Station, np.random.SeedSequence]]:
    """A flight at each of its dates: "<name>/<index>", date, station and the seed of the image.

    Args:
        world: what is flown over.
        camera: of all images.
        name: of the flight, which has a stream of random numbers of its own.
        flight: what is flown.
        seed: of all flights.
        number: of the drawing; a data set has those of number 0.
    """
    stream = np.random.SeedSequence([seed, zlib.crc32(name.encode()), number])
    captures = list(
        dict.fromkeys(capture for when in flight.when for capture in world.select(when))
    )
    index = 0
    for capture, own in zip(captures, stream.spawn(len(captures)), strict=True):
        stations = flight.stations(world, camera, np.random.default_rng(own))
        for station, shot_seed in zip(stations, own.spawn(len(stations)), strict=True):
            yield f"{name}/{index:06d}", capture, station, shot_seed
            index += 1


def block_below(pixel_grid: PixelGrid, T_world_cam: Pose) -> tuple[int, int]:
    """Row and column of the block of ground below a camera."""
    x_m, y_m, _ = T_world_cam.t.tolist()
    block_m = BLOCK_PX * pixel_grid.resolution_m
    row, col = (pixel_grid.ymax - y_m) / block_m, (x_m - pixel_grid.xmin) / block_m
    return math.floor(row), math.floor(col)


def jobs(world: World, camera: Camera, shots: list[Shot]) -> list[Job]:
    """Shots by the block of ground below the camera, within a block by capture, in handy numbers.

    A block's surface is built once for many of its images, and each of its tiles painted once an
    capture.
    """
    blocks: dict[tuple[int, int], Job] = {}
    for shot in shots:
        block = block_below(world.pixel_grid, shot.label.station.T_world_cam)
        blocks.setdefault(block, []).append(shot)
    size = max(1, JOB_PX // (camera.width * camera.height))
    parts = []
    for _, job in sorted(blocks.items()):
        job.sort(key=lambda shot: world.captures.index(shot.label.capture))
        parts += [job[first : first + size] for first in range(0, len(job), size)]
    return parts
