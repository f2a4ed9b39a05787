"""hinted-posenet simulate."""

from pathlib import Path
from typing import Any, Literal

from hinted_posenet.training.settings import NonNegative, Seed, Text

INTERRUPTED = "interrupted; the same command resumes the simulation"

# these change no byte of the images, so the manifest's recipe does not hold them
NOT_IN_RECIPE = ("root", "overwrite", "threads", "workers", "scheduler", "expected", "paths")


def run(
    config: dict[str, Any],
    world: dict[str, Any],
    flights: dict[str, dict[str, Any]],
    camera: dict[str, Any],
    root: Path,
    scene: Text,
    seed: Seed,
    image_format: Literal["jpg", "png"],
    depth: Literal["none", "png16"],
    overwrite: bool,
    workers: NonNegative,
    threads: NonNegative,
    scheduler: str | None,
    expected: dict[str, Any] | None,
) -> None:
    """Build the world, the camera and the flights, and write the data set."""
    from hinted_posenet.inference.build import build
    from hinted_posenet.simulator.simulate import simulate

    simulate(
        build(world, "world"),
        {name: build(flight, "flight") for name, flight in flights.items()},
        build(camera, "camera"),
        *(root, scene, seed, image_format, depth, overwrite, threads, workers, scheduler),
        recipe={key: value for key, value in config.items() if key not in NOT_IN_RECIPE},
        expected=expected,
    )
