"""The subject of a picture: the world of a recipe, and the data set that was simulated over it."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.formats.aerial import CARD, read_manifest, read_views
from hinted_posenet.data.formats.layout import SPLITS
from hinted_posenet.simulator.world import Bounds, World


class Subject(NamedTuple):
    """A recipe's world, built when a picture needs it, and where its data set lies."""

    make_world: Callable[[], World]
    root: Path
    scene: str
    seed: int
    threads: int = 0  # threads that cast rays; 0 takes every core

    def views(self) -> dict[str, list[View]]:
        """Read the views of every split of the data set."""
        return {split: read_views(self.root, self.scene, split) for split in SPLITS}

    def overview(self) -> tuple[Bounds, Path]:
        """Return the bounds of the data set's map, and its file."""
        path = self.root / self.scene / "manifest.json"
        overview = read_manifest(path).get("map", {})
        if len(overview.get("bounds_m", ())) != 4 or "image" not in overview:
            raise InputError(f"{path}: map.image or map.bounds_m is missing; see {CARD}")
        image = path.with_name(overview["image"])
        if not image.is_file():
            raise InputError(f"{image}: missing; simulate the scene again, see {CARD}")
        return Bounds(*overview["bounds_m"]), image

    def world_of_views(self) -> World:
        """Make the world, and check that the data set was simulated over it."""
        path, world = self.root / self.scene / "manifest.json", self.make_world()
        here = (*world.bounds, self.seed)
        there = (*self.overview()[0], read_manifest(path).get("seed", self.seed))
        if not np.allclose(here, there, rtol=0, atol=1e-3):
            raise InputError(
                f"{path}: simulated over another world (bounds in m and seed {list(there)}, the "
                f"recipe's are {list(here)}); give the recipe and values that simulate was given"
            )
        return world


class Picture(Protocol):
    """A kind of picture: one class and one config of group ``what``."""

    file: ClassVar[str]  # end of its default name, which begins with the scene's

    def draw(self, subject: Subject, path: Path) -> None:
        """Write the picture to a file."""
