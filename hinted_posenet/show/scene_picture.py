"""A picture of a scene: the surface of a world with its photo, and the cameras of a data set above it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hinted_posenet.core.types import View
from hinted_posenet.show.canvas import SPLIT_COLOURS, SPLIT_NAMES
from hinted_posenet.show.grounds import PhotoGround
from hinted_posenet.show.relief import Relief, read_relief
from hinted_posenet.show.stage import Presentation, Stage, counted, scale_bar_beside
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import frusta, frustum_wires

FRUSTA = 240  # drawn at most: more would hide each other and the ground


@dataclass
class ScenePicture(Presentation):
    """The surface with its photo and the cameras of the data set, by split."""

    file: ClassVar[str] = "scene.png"
    when: str | None = None
    vertices: int = 1_000_000
    photo_px: int = 2048

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; a window is opened in addition where there is a display."""
        self.check(path)
        views, world = subject.views(), subject.world_of_views()
        when = world.select(self.when or world.captures[0].key)[0]
        relief = read_relief(world, when.key, None, self.vertices, self.photo_px)
        stage = scene_stage(subject.scene, f"photo: {when.key}", relief, views)
        self.present(stage, path, subject.threads)


def scene_stage(
    title: str, subtitle: str, relief: Relief, views: Mapping[str, Sequence[View]]
) -> Stage:
    """Set cameras, coloured by split, over the surface."""
    shown, bounds = thinned(views), relief.bounds
    size_m = 0.02 * max(bounds.width_m, bounds.height_m)  # of frusta
    wires, legend = [], []
    for split, found in views.items():
        if found:
            outlines, colour = frusta(shown[split], size_m), SPLIT_COLOURS[split]
            wires.append(frustum_wires(split, outlines, colour))
            legend.append((colour, counted(SPLIT_NAMES[split], len(found), len(outlines))))
    ground, text = PhotoGround(relief), f"{bounds.size}; {subtitle}"
    scale_bar = scale_bar_beside(ground.corners())
    return Stage(title, text, ground, wires, legend, scale_bar=scale_bar)


def thinned(views: Mapping[str, Sequence[View]]) -> dict[str, Sequence[View]]:
    """Take every n-th view of each split, so that there are at most `FRUSTA`."""
    every = -(-sum(map(len, views.values())) // FRUSTA) or 1
    return {split: found[::every] for split, found in views.items()}
