"""Scene: the surface of a world with its photo, and the cameras of a data set above it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hinted_posenet.core.types import View
from hinted_posenet.show.canvas import SPLIT_COLOURS, SPLIT_NAMES
from hinted_posenet.show.grounds import PhotoGround
from hinted_posenet.show.presentation import Presentation
from hinted_posenet.show.relief import Relief, read_relief
from hinted_posenet.show.stage import Stage, counted, ruler_beside
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import frusta, frustum_wires

FRUSTA = 240  # drawn at most: more would hide each other and the ground


@dataclass
class ScenePicture(Presentation):
    """The surface with its photo and the cameras of the data set, by split.

    Args:
        when: season or capture of the photo; None takes the first.
        vertices: see `read_relief`.
        photo_px: see `read_relief`.
    """

    file: ClassVar[str] = "scene.png"
    when: str | None = None
    vertices: int = 1_000_000
    photo_px: int = 2048

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; a machine without a display gets the picture, and is told so."""
        self.check(path)
        views, world = subject.views(), subject.world_of_views()
        when = world.select(self.when or world.captures[0].key)[0]
        relief = read_relief(world, when.key, None, self.vertices, self.photo_px)
        stage = scene_stage(subject.scene, f"photo: {when.key}", relief, views)
        self.present(stage, path, subject.threads)


def scene_stage(
    title: str, subtitle: str, relief: Relief, views: Mapping[str, Sequence[View]]
) -> Stage:
    """Cameras by split, over the surface."""
    shown, bounds = thinned(views), relief.bounds
    size_m = 0.02 * max(bounds.width_m, bounds.height_m)  # of frusta
    wires, legend = [], []
    for split, found in views.items():
        if found:
            outlines, colour = frusta(shown[split], size_m), SPLIT_COLOURS[split]
            wires.append(frustum_wires(split, outlines, colour))
            legend.append((colour, counted(SPLIT_NAMES[split], len(found), len(outlines))))
    ground, size = PhotoGround(relief), f"{size_text(relief)}; {subtitle}"
    return Stage(title, size, ground, wires, legend, ruler=ruler_beside(ground.corners()))


def thinned(views: Mapping[str, Sequence[View]]) -> dict[str, Sequence[View]]:
    """Every n-th view of each split, so that there are at most `FRUSTA`."""
    every = -(-sum(map(len, views.values())) // FRUSTA) or 1
    return {split: found[::every] for split, found in views.items()}


def size_text(relief: Relief) -> str:
    """How large the ground is."""
    width_m, height_m = relief.bounds.width_m, relief.bounds.height_m
    if max(width_m, height_m) < 1000:
        return f"{width_m:.0f} x {height_m:.0f} m"
    return f"{width_m / 1000:.1f} x {height_m / 1000:.1f} km"
