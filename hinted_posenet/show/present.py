"""Presenting a stage: a picture or a film of it, and a window where there is a display."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hinted_posenet.show.canvas import PICTURES, write_picture
from hinted_posenet.show.film import write_film
from hinted_posenet.show.stage import Stage, draw_stage
from hinted_posenet.show.viewpoint import HFOV_DEG, orbit, overview_pose
from hinted_posenet.show.window import has_display, open_window
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import InputError

FILM = ".mp4"


@dataclass(kw_only=True)
class Presentation:
    """How a stage is presented; what pictures of a stage have in common.

    Args:
        width_px: None takes 1600 for a picture, 800 for a film.
        seconds: once around, in a film.
        fps: of a film.
        window: also open one, where there is a display.
    """

    width_px: int | None = None
    seconds: float = 8.0
    fps: float = 24.0
    window: bool = True

    def check(self, path: Path) -> None:
        """Refuse what cannot be written, before any work is done."""
        if path.suffix not in (*PICTURES, FILM):
            raise InputError(
                f"output={path}: expected {', '.join(PICTURES)}, or {FILM} for a fly-through"
            )
        if not (self.fps > 0 and self.seconds * self.fps >= 1):
            raise InputError(
                f"what.seconds={self.seconds:g}, what.fps={self.fps:g}: expected a frame or more"
            )
        if self.width_px is not None and self.width_px < 64:
            raise InputError(f"what.width_px={self.width_px}: expected at least 64")

    def present(self, stage: Stage, path: Path, threads: int) -> None:
        """Write it; a machine without a display is told that there is no window."""
        width = self.width_px or (800 if path.suffix == FILM else 1600)
        camera = Camera(width // 2 * 2, width // 4 * 2, HFOV_DEG)  # a film's sides are even
        points = stage.points()
        pose = overview_pose(camera, points)
        if path.suffix == FILM:
            poses = orbit(camera, points, round(self.seconds * self.fps))
            frames: Iterator[Rgb] = (draw_stage(stage, camera, at, threads) for at in poses)
            write_film(path, frames, len(poses), self.fps)
        else:
            write_picture(path, draw_stage(stage, camera, pose, threads))
        print(f"written: {path}")
        if self.window and not has_display():
            print("no display answers, so no window is opened; the file is all there is")
        elif self.window:
            open_window(stage, pose)
