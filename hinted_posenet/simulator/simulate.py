"""From a world, flights and a camera to a data set on disk."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.aerial_layout import (
    comparison,
    depth_unit_m,
    encode,
    frames_csv,
    make_manifest,
    versions,
)
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.partial import Partial, check_target, sha256_of
from hinted_posenet.simulator.shots import Files, Work, jobs, plan_shots
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.world.tiles import overview


def simulate(
    world: World,
    flights: Mapping[str, Flight],
    camera: Camera,
    root: str | Path,
    scene: str,
    seed: int,
    image_format: str = "jpg",
    depth: str = "none",
    overwrite: bool = False,
    threads: int = 0,
    workers: int = 0,
    scheduler: str | None = None,
    recipe: Mapping[str, Any] | None = None,
    expected: Mapping[str, Any] | None = None,
) -> Path:
    """Fly, render and write ``<root>/<scene>``; an interrupted run resumes when it is started again.

    Args:
        world: what is flown over.
        flights: name -> flight; the name is the folder of its images.
        camera: the pinhole camera of all flights.
        root: folder of data sets.
        scene: name of this data set.
        seed: seed of poses and photometric variation; each flight has its own stream, by its name.
        image_format: jpg (quality 90) or png.
        depth: none, or png16 for a depth image beside each image.
        overwrite: replace an existing data set of this name, or an unfinished one of other settings.
        threads: threads that cast rays; 0 takes every core, or one in each of several processes.
        workers: processes that render; 0 renders in this one.
        scheduler: address of a dask scheduler whose workers render instead.
        recipe: the config that decides the bytes, for the manifest.
        expected: data_sha256 and the versions that it was made with, to compare the result with, and the source
            of the world that it was made from, if it has one; nothing is compared where that is another.

    Returns:
        The folder of the data set.

    Raises:
        InputError: settings that do not fit, a name that is taken, or a disk that is full.
    """
    plain = scene and Path(scene).name == scene and not scene.startswith(".")
    known_format = image_format in ("jpg", "png")
    one_kind = not workers or scheduler is None
    stated = expected is None or expected.keys() - {"source"} == {"data_sha256", "versions"}
    for fine, message in (
        (plain, f"scene: expected a plain folder name, got {scene!r}"),
        (known_format, f"image_format: expected jpg or png, got {image_format!r}"),
        (depth in ("none", "png16"), f"depth: expected none or png16, got {depth!r}"),
        (workers >= 0, f"workers: expected 0 or more, got {workers}"),
        (one_kind, "workers, scheduler: a scheduler has its own workers; set workers=0"),
        (stated, "expected: needs data_sha256 and versions, as a manifest states them"),
    ):
        if not fine:
            raise InputError(message)
    target = Path(root) / scene
    check_target(target, overwrite)  # before the work of planning
    shots = plan_shots(world, flights, camera, seed, image_format)
    labels = [shot.label for shot in shots]
    poses = (label.station.T_world_cam for label in labels)
    unit_m = depth_unit_m(world, camera, poses) if depth == "png16" else None
    work = Work(world, camera, unit_m, threads or int(bool(workers or scheduler)))
    numbered = dict(enumerate(jobs(world, camera, shots)))
    table = frames_csv(labels)
    made_from = {"seed": seed, "recipe": dict(recipe or {}), "versions": versions()}
    layout = {"images": image_format, "depth": depth, "frames": sha256_of(table)}
    with Partial(target, {**made_from, **layout}, overwrite) as partial:
        todo = {n: job for n, job in numbered.items() if not partial.holds(n, work.names(job))}
        done = len(shots) - sum(map(len, todo.values()))
        with tqdm(desc=f"simulate {scene}", total=len(shots), initial=done, unit="image") as bar:
            rendered: Iterator[tuple[int, Files]] = (
                (number, work.files(job)) for number, job in todo.items()
            )
            if workers or scheduler is not None:
                # here, for dask takes a second to import
                from hinted_posenet.simulator.parallel import files_of

                rendered = files_of(work, todo, workers, scheduler)
            for number, files in rendered:
                partial.add_job(number, files)
                bar.update(len(todo[number]))
        partial.add("map.jpg", encode(overview(world, labels[0].capture), ".jpg"))
        partial.add("frames.csv", table)
        manifest = make_manifest(scene, world, camera, labels, unit_m, partial.sha256, made_from)
        partial.finish(manifest)
    print(f"{target}: {len(labels)} images")
    counts = Counter((label.split, label.flight, label.capture.key) for label in labels)
    for (split, flight, key), count in counts.items():
        print(f"  {split:5} {flight} {key}: {count}")
    print(f"  world {world.bounds.size}, map.jpg, frames.csv, manifest.json")
    if expected is not None and _made_from_the_same(expected, recipe):
        same, line = comparison(expected, manifest)
        print(line if same else f"warning: {line}", file=sys.stdout if same else sys.stderr)
    return target


def _made_from_the_same(expected: Mapping[str, Any], recipe: Mapping[str, Any] | None) -> bool:
    """Return whether a recipe's world is read from the files that were released."""
    return "source" not in expected or expected["source"] == (recipe or {}).get("world", {}).get(
        "source"
    )
