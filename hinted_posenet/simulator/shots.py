"""Shots: every image that the flights take, grouped into jobs, and the files that a job is rendered to.

A job alone determines its files, in any process and in any order.
"""

import math
import threading
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.simulator.aerial_layout import (
    FrameLabel,
    depth_file,
    encode,
    encode_depth,
    image_file,
)
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight, Station
from hinted_posenet.simulator.render import Frame, Renderer
from hinted_posenet.simulator.world import Capture, PixelGrid, Rgb, World
from hinted_posenet.simulator.world.tiles import TILE_PX

BLOCK_PX = 2 * TILE_PX  # side of the ground whose images are rendered together
JOB_PX = 2**23  # pixels of the images of one job: what an interrupted run loses at most
ENCODERS = 2  # threads: an image takes about twice as long to develop as to look up


class Shot(NamedTuple):
    """An image to take, and the seed of its photometric variation."""

    label: FrameLabel
    seed: np.random.SeedSequence


Job = list[Shot]
Files = dict[str, bytes]  # path within the data set -> content


def plan_shots(
    world: World, flights: Mapping[str, Flight], camera: Camera, seed: int, image_format: str
) -> list[Shot]:
    """List every image to take, flight by flight and date by date."""
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
    """Yield "<name>/<index>", date, station and image seed of a flight at each of its dates.

    Each name and each ``number`` of a draw has its own random numbers; a data set on disk uses number 0.
    """
    stream = np.random.SeedSequence([seed, zlib.crc32(name.encode()), number])
    captures = world.select_all(flight.when)
    index = 0
    for capture, own in zip(captures, stream.spawn(len(captures)), strict=True):
        stations = flight.stations(world, camera, np.random.default_rng(own))
        for station, shot_seed in zip(stations, own.spawn(len(stations)), strict=True):
            yield f"{name}/{index:06d}", capture, station, shot_seed
            index += 1


def block_below(pixel_grid: PixelGrid, T_world_cam: Pose) -> tuple[int, int]:
    """Return row and column of the block of ground below a camera."""
    row_px, col_px = pixel_grid.place_of(*T_world_cam.t[:2].tolist())
    return math.floor(row_px / BLOCK_PX), math.floor(col_px / BLOCK_PX)


def jobs(world: World, camera: Camera, shots: list[Shot]) -> list[Job]:
    """Group shots by the block of ground below the camera, then by capture, into jobs of limited size.

    The surface of a block is built once for many of its images, and each of its tiles is painted once
    a capture.
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


class Work:
    """Renders jobs; can be pickled and sent to other processes.

    No depth images are written without ``depth_unit_m``. Zero ``threads`` cast rays on every core.
    """

    def __init__(
        self, world: World, camera: Camera, depth_unit_m: float | None = None, threads: int = 0
    ) -> None:
        self.world, self.camera, self.depth_unit_m = world, camera, depth_unit_m
        self.threads = threads
        self._open()

    def files(self, job: Job) -> Files:
        """Render the files of a job; images are developed and encoded while others are rendered."""
        with self._one_at_a_time, ThreadPoolExecutor(ENCODERS) as pool:
            self._renderer.load([shot.label.station.T_world_cam for shot in job])
            parts = [pool.submit(self._encoded, shot, self._frame(shot)) for shot in job]
            return {name: content for part in parts for name, content in part.result().items()}

    def names(self, job: Job) -> set[str]:
        """Return the paths of the files of a job."""
        images = {image_file(shot.label.name) for shot in job}
        return images | {depth_file(shot.label.name) for shot in job if self.depth_unit_m}

    def _frame(self, shot: Shot) -> Frame:
        return self._renderer.render_loaded(shot.label.station.T_world_cam, shot.label.capture)

    def _encoded(self, shot: Shot, frame: Frame) -> Files:
        name = shot.label.name
        visibility_m = self.world.visibility_m(shot.label.capture)
        generator = np.random.default_rng(shot.seed)
        image = develop(self.camera, shot.label.station, frame, visibility_m, generator)
        files = {image_file(name): encode(image, PurePath(name).suffix)}
        if self.depth_unit_m is not None:
            files[depth_file(name)] = encode_depth(frame.depth_m, self.depth_unit_m)
        return files

    def _open(self) -> None:
        self._renderer = Renderer(self.world, self.camera, self.threads)
        self._one_at_a_time = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def develop(
    camera: Camera,
    station: Station,
    frame: Frame,
    visibility_m: float,
    generator: np.random.Generator,
) -> Rgb:
    """Return the image (H, W, 3) that the camera's sensor makes of a frame rendered at a station.

    ``visibility_m`` is inf for clear air; ``generator`` draws exposure, white balance and noise.
    """
    motion = image_motion_px_s(camera, station, float(np.median(frame.depth_m)))
    return camera.sensor.develop(frame.rgb, frame.depth_m, visibility_m, motion, generator)


def image_motion_px_s(camera: Camera, station: Station, depth_m: float) -> tuple[float, float]:
    """Return the motion (right, down) of the image center, for a surface at a depth."""
    R_cam_world = invert(*station.T_world_cam)[1]
    velocity = rotate(R_cam_world, station.T_world_cam.t.new_tensor(station.velocity_m_s))
    right, down, _ = (-camera.focal_px / depth_m * velocity).tolist()
    return right, down
