"""hinted-posenet show."""

from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import UsageError
from hinted_posenet.training.settings import NonNegative, Seed, Text


def run(
    what: dict[str, Any],
    world: dict[str, Any],
    run: Path | None,
    out: Path | None,
    root: Path,
    scene: Text,
    seed: Seed,
    threads: NonNegative,
) -> None:
    """Draw a recipe's world, the data set that was simulated over it, or a run of any data set."""
    from hinted_posenet.inference.build import build
    from hinted_posenet.show.subject import Subject

    picture = build(what, "picture")
    if run is not None and "run" not in what:
        raise UsageError(f"run={run}: what=run draws it; give that too, or leave run out")
    subject = Subject(lambda: build(world, "world"), root, scene, seed, threads)
    default = Path(f"{scene}-{picture.file}") if run is None else run / picture.file
    picture.draw(subject, out or default)
