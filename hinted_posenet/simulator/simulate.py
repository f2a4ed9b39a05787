"""simulate: world + flights + camera -> a data set on disk."""

import math
import platform
import zlib
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import SPLITS, Flight
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import Epoch, Window, World
from hinted_posenet.simulator.world.tiles import TILE_PX
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.simulator.write import DatasetWriter, FrameLabel
from hinted_posenet.types import InputError

MAP_SIZE_PX = 1024
BLOCK_TILES = 2  # tiles a side that are rendered together
FRAME = (
    "ENU, metres, z up; T_cam_world: p_cam = R(q) p_world + t; camera x right, y down, z forward"
)


class Shot(NamedTuple):
    """An image to take, and the seed of its photometric variation."""

    label: FrameLabel
    seed: np.random.SeedSequence


def simulate(
    world: World,
    flights: Mapping[str, Flight],
    camera: Camera,
    root: str | Path,
    scene: str,
    seed: int,
    image_format: str = "jpg",
    overwrite: bool = False,
    threads: int = 0,
    recipe: Mapping[str, Any] | None = None,
) -> Path:
    """Fly, render and write ``<root>/<scene>``.

    Args:
        world: what is flown over.
        flights: name -> flight; the name is the folder of its images.
        camera: the pinhole camera of all flights.
        root: folder of data sets.
        scene: name of this data set.
        seed: of poses and photometric variation; each flight has its own stream, by its name.
        image_format: jpg (quality 90) or png.
        overwrite: replace an existing data set of this name.
        threads: threads that cast rays; 0 takes every core.
        recipe: the config this came from, for the manifest.

    Returns:
        The folder of the data set.
    """
    if image_format not in ("jpg", "png"):
        raise InputError(f"image_format: expected jpg or png, got {image_format!r}")
    writer = DatasetWriter(Path(root), scene, overwrite)
    shots = plan_shots(world, flights, camera, seed, image_format)
    counts = {split: sum(shot.label.split == split for shot in shots) for split in SPLITS}
    renderer = Renderer(world, camera, threads)
    with writer:
        with tqdm(total=len(shots), desc=f"simulate {scene}", unit="image") as progress:
            for job in jobs(world, shots):
                renderer.load([shot.label.station.T_world_cam for shot in job])
                for label, shot_seed in job:
                    frame = renderer.render(label.station.T_world_cam, label.epoch)
                    image = camera.develop(frame.rgb, np.random.default_rng(shot_seed))
                    writer.add(label.name, image)
                    progress.update()
        manifest = {
            "format": "hinted_posenet aerial",
            "version": 2,
            "scene": scene,
            "frame": FRAME,
            "origin": None if world.origin is None else world.origin._asdict(),
            "camera": {
                "width": camera.width,
                "height": camera.height,
                "fx": camera.K[0, 0],
                "fy": camera.K[1, 1],
                "cx": camera.K[0, 2],
                "cy": camera.K[1, 2],
                "distortion": list(camera.distortion),
            },
            "map": {"image": "map.jpg", "bounds_m": list(world.bounds)},
            "counts": counts,
            "seed": seed,
            "recipe": dict(recipe or {}),
            "versions": _versions(),
        }
        labels = [shot.label for shot in shots]
        folder = writer.finish(labels, overview(world, labels[0].epoch), manifest)
    print(_summary(folder, world, labels))
    return folder


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


def jobs(world: World, shots: list[Shot]) -> list[list[Shot]]:
    """Shots by the block of ground below the camera, within a block by epoch.

    A block's surface is built once for all of its images, and each of its tiles painted once an
    epoch.
    """
    block_m = BLOCK_TILES * TILE_PX * world.lattice.resolution_m
    order = {epoch: number for number, epoch in enumerate(world.epochs)}
    blocks: dict[tuple[int, int], list[Shot]] = {}
    for shot in shots:
        x_m, y_m, _ = shot.label.station.T_world_cam.t.tolist()
        block = (
            math.floor((world.lattice.ymax - y_m) / block_m),
            math.floor((x_m - world.lattice.xmin) / block_m),
        )
        blocks.setdefault(block, []).append(shot)
    return [
        sorted(blocks[block], key=lambda shot: order[shot.label.epoch]) for block in sorted(blocks)
    ]


def overview(world: World, epoch: Epoch) -> Rgb:
    """The world from above, at most 1024 px a side, over exactly its bounds."""
    rows, cols = world.lattice.rows, world.lattice.cols
    longest = max(rows, cols)
    step = 2 ** max(0, math.floor(math.log2(longest / MAP_SIZE_PX)))
    strips = []
    for row in range(0, rows, TILE_PX):  # strip by strip, however vast the world is
        strip = world.photo(Window(row, 0, min(TILE_PX, rows - row), cols), epoch)
        reduced = math.ceil(cols / step), math.ceil(len(strip) / step)
        strips.append(cv2.resize(strip, reduced, interpolation=cv2.INTER_AREA))
    shrink = min(1.0, MAP_SIZE_PX / longest)
    size = max(1, round(cols * shrink)), max(1, round(rows * shrink))
    return np.asarray(cv2.resize(np.vstack(strips), size, interpolation=cv2.INTER_AREA), np.uint8)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in ("hinted_posenet", "numpy", "opencv-python", "open3d", "torch"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # a source checkout that was not installed
            versions[package] = "not installed"
    return versions


def _summary(folder: Path, world: World, labels: list[FrameLabel]) -> str:
    counts = Counter((label.split, label.flight, label.epoch.key) for label in labels)
    lines = [f"{folder}: {len(labels)} images"]
    lines += [f"  {split:5} {flight} {key}: {n}" for (split, flight, key), n in counts.items()]
    size = f"{world.bounds.width_m:.0f} x {world.bounds.height_m:.0f} m"
    return "\n".join([*lines, f"  world {size}, map.jpg, frames.csv, manifest.json"])
