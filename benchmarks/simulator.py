"""The cost of an image of 224 x 224, beside its bare rays and beside crops of a flat orthophoto.

python benchmarks/simulator.py "world.size_m=1000" "world.size_m=10000" --per-km2 20

Each argument is a world, as overrides of `hinted-posenet simulate`; each is measured in processes of
its own, one date, random flights, equally many images a square kilometre. All rates of a row are taken in turns,
job by job, so that they see the same machine:

- rays: one ray a pixel into finished surfaces; "+ building": including triangles and their tree
- loaded: the full pipeline - render, develop, encode, hash, write - with photos and heights in memory
- first visit: the same, with photos and heights read or generated
- crops: cv2.warpPerspective of the orthophoto, as if the ground were flat
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from hinted_posenet.cli.compose import compose
from hinted_posenet.core.geometry import rotate
from hinted_posenet.inference.build import build
from hinted_posenet.simulator.camera import Camera, footprint
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.partial import Partial
from hinted_posenet.simulator.patch import Patch, cells_over
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.shots import Job, Shot, Work, jobs, plan_shots
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import Window, World

SIZE_PX = 224


class Scene(NamedTuple):
    """A world and how it is photographed."""

    world: World
    camera: Camera
    flights: dict[str, Flight]
    area_km2: float


def scene_of(overrides: str, per_km2: float) -> Scene:
    """Build the scene of a world's overrides."""
    size = [f"camera.width={SIZE_PX}", f"camera.height={SIZE_PX}"]
    config = compose("simulate", *overrides.split(), *size)
    world = build(config["world"], "world")
    area_km2 = world.bounds.width_m * world.bounds.height_m / 1e6
    images = max(1, round(per_km2 * area_km2))
    flight = Flight(
        "train", [world.captures[0].key], images, build(config["flight"]["random"], "plan")
    )
    return Scene(world, build(config["camera"], "camera"), {"train": flight}, area_km2)


def whole(overrides: str, per_km2: float) -> dict[str, float]:
    """Measure `simulate` from planning to manifest: time an image, and peak memory."""
    scene = scene_of(overrides, per_km2)
    with tempfile.TemporaryDirectory() as root:
        start, start_cpu = time.perf_counter(), time.process_time()
        simulate(scene.world, scene.flights, scene.camera, root, "scene", seed=0)
        wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        images = len(list(Path(root).rglob("images/*/*.jpg")))
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "km2": scene.area_km2,
        "images": images,
        "wall_ms": 1e3 * wall / images,
        "cpu_ms": 1e3 * cpu / images,
        "peak_gib": peak_gib,
    }


def rates(overrides: str, per_km2: float, most: int) -> dict[str, float]:
    """Measure images a second of single steps, over evenly spaced jobs of about ``most`` images in all."""
    scene = scene_of(overrides, per_km2)
    shots = plan_shots(scene.world, scene.flights, scene.camera, 0, "jpg")
    every = jobs(scene.world, scene.camera, shots)
    chosen = every[:: max(1, round(len(shots) / most))]
    work = Work(scene.world, scene.camera)
    renderer = Renderer(scene.world, scene.camera)
    seconds: dict[str, float] = defaultdict(float)

    def timed(step: str, run: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = run(*arguments)
        seconds[step] += time.perf_counter() - start
        return result

    with tempfile.TemporaryDirectory() as root, Partial(Path(root) / "scene", {}) as partial:

        def write_job(number: int, job: Job) -> None:
            partial.add_job(number, work.files(job))

        for number, job in enumerate(chosen):
            for step in ("first visit", "loaded"):
                timed(step, write_job, number, job)
            cast(renderer, job, timed)
            for shot in job:
                photo, to_photo = flat_crop(renderer, shot)
                timed("crops", crop, photo, to_photo)
    images = sum(map(len, chosen))
    seconds["rays + building"] = seconds["rays"] + seconds.pop("building")
    return {step: images / spent for step, spent in seconds.items()}


def cast(renderer: Renderer, job: Job, timed: Callable[..., Any]) -> None:
    """Time the bare rays of a job's images, and the building of the patch that they are cast into."""
    poses = [shot.label.station.T_world_cam for shot in job]
    bounds = [footprint(renderer.world, renderer.camera, pose) for pose in poses]
    cells = frozenset(c for b in bounds if b is not None for c in cells_over(renderer.world, b))
    Patch(renderer.tiles, cells)  # reads the heights, which are the world's business
    patch = timed("building", lambda: built(renderer, cells))
    for pose in poses:
        rays = renderer.rays(pose, patch)
        timed("rays", lambda rays=rays: patch.depth_m(rays, 0))


def built(renderer: Renderer, cells: frozenset[Window]) -> Patch:
    """Return a patch with its tree, which the first ray builds."""
    patch = Patch(renderer.tiles, cells)
    patch.depth_m(np.array([[[0, 0, 1e4, 0, 0, -1]]], np.float32), 0)
    return patch


def flat_crop(renderer: Renderer, shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo under an image at its mip level, and the homography image -> photo of flat ground."""
    world, camera, T_world_cam = renderer.world, renderer.camera, shot.label.station.T_world_cam
    bounds = footprint(world, camera, T_world_cam)
    assert bounds is not None
    x_m, y_m, z_m = T_world_cam.t.tolist()
    height_m = z_m - world.terrain_at(x_m, y_m)
    pixel_m = height_m / camera.focal_px
    level = max(0, int(np.log2(pixel_m / world.pixel_grid.resolution_m)))
    pixel_grid = world.pixel_grid._replace(resolution_m=world.pixel_grid.resolution_m * 2**level)
    window = pixel_grid.window_of(bounds)
    corners = np.array([[0, 0], [SIZE_PX, 0], [SIZE_PX, SIZE_PX], [0, SIZE_PX]], np.float64)
    rays = rotate(T_world_cam.q, torch.from_numpy(camera.rays(corners))).numpy()
    east_m, north_m = (height_m / -rays[:, 2:] * rays[:, :2] + [x_m, y_m]).T
    col = (east_m - pixel_grid.xmin) / pixel_grid.resolution_m - window.col
    row = (pixel_grid.ymax - north_m) / pixel_grid.resolution_m - window.row
    there = np.stack([col, row], axis=-1)
    homography = cv2.getPerspectiveTransform(
        (corners - 0.5).astype(np.float32), (there - 0.5).astype(np.float32)
    )
    return renderer.tiles.mosaic(window, level, shot.label.capture), homography


def crop(photo: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """Return the image of flat ground."""
    size = SIZE_PX, SIZE_PX
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(photo, homography, size, flags=flags))


def main() -> None:
    """Print a table of the worlds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "worlds", nargs="*", default=["recipe=village_four_seasons"], metavar="OVERRIDES"
    )
    parser.add_argument("--per-km2", type=float, default=100.0, help="images a square kilometre")
    parser.add_argument("--most", type=int, default=1000, help="images that rates are taken from")
    given = parser.parse_args()
    measured = []
    for overrides in given.worlds:
        row: dict[str, float] = {}
        for part in ((whole, given.per_km2), (rates, given.per_km2, given.most)):
            # a process of its own, so that its peak memory is its own
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                row |= fresh.submit(part[0], overrides, *part[1:]).result()
        measured.append(row)
        print(f"\n{overrides}: {row['km2']:.1f} km2, {row['images']:.0f} images", flush=True)
        for step in ("rays", "rays + building", "loaded", "first visit", "crops"):
            ratio = row[step] / row["rays"]
            print(f"  {step:16}{row[step]:8.0f} images/s   {ratio:5.2f} of the bare rays")
        print(
            f"  simulate        {row['wall_ms']:8.1f} ms an image ({row['cpu_ms']:.1f} ms of CPU time), "
            f"peak memory {row['peak_gib']:.2f} GiB"
        )
    for overrides, row in zip(given.worlds[1:], measured[1:], strict=True):
        wall, cpu = (row[key] / measured[0][key] for key in ("wall_ms", "cpu_ms"))
        print(
            f"\n{overrides}: {wall:.2f} times the first world's time an image, {cpu:.2f} in CPU time"
        )


if __name__ == "__main__":
    main()
