"""Scene: the surface of a world with its photo, and the cameras of a data set above it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hinted_posenet.show.canvas import SPLIT_COLOURS, SPLIT_NAMES
from hinted_posenet.show.frusta import frusta, frustum_size_m
from hinted_posenet.show.ground import PhotoGround
from hinted_posenet.show.present import Presentation
from hinted_posenet.show.relief import Relief, read_relief
from hinted_posenet.show.ruler import ruler_beside
from hinted_posenet.show.stage import Stage, counted
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import frustum_wires
from hinted_posenet.types import View

FRUSTA = 240  # drawn at most: more would hide each other and the ground


class ScenePicture:
    """The surface with its photo and the cameras of the data set, by split.

    Args:
        when: season or epoch of the photo; None takes the first.
        vertices: see `read_relief`.
        photo_px: see `read_relief`.
        width_px: see `Presentation`.
        seconds: see `Presentation`.
        fps: see `Presentation`.
        window: see `Presentation`.
    """

    file = "scene.png"

    def __init__(
        self,
        when: str | None = None,
        vertices: int = 1_000_000,
        photo_px: int = 2048,
        width_px: int | None = None,
        seconds: float = 8.0,
        fps: float = 24.0,
        window: bool = True,
    ) -> None:
        self.when, self.vertices, self.photo_px = when, vertices, photo_px
        self.presentation = Presentation(width_px, seconds, fps, window)

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; a machine without a display gets the picture, and is told so."""
        self.presentation.check(path)
        views, world = subject.views(), subject.world_of_views()
        when = world.select(self.when or world.epochs[0].key)[0]
        relief = read_relief(world, when.key, None, self.vertices, self.photo_px)
        stage = scene_stage(subject.scene, f"photo: {when.key}", relief, views)
        self.presentation.present(stage, path, subject.threads)


def scene_stage(
    title: str, subtitle: str, relief: Relief, views: Mapping[str, Sequence[View]]
) -> Stage:
    """Cameras by split, over the surface."""
    shown, size_m = thinned(views), frustum_size_m(relief)
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
