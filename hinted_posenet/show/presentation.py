"""A stage presented as a picture, a film, or a window where there is a display."""

import ctypes
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open3d as o3d

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import PICTURES, write_film, write_picture
from hinted_posenet.show.rays import HFOV_DEG, orbit, overview_pose
from hinted_posenet.show.stage import Stage, draw_stage
from hinted_posenet.show.wires import Wires
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb

SIZE_PX = (1600, 1000)
# than for a picture: open3d 0.20 has a field of view of 60 degrees, whatever it is told
CLOSER = 0.6


def has_display() -> bool:
    """Whether windows can be opened: on Windows and macOS always, elsewhere where a display answers.

    A DISPLAY that is left over from a closed session would stop open3d for ever.
    """
    if sys.platform in ("win32", "darwin") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if display:
        x11.XCloseDisplay(ctypes.c_void_p(display))
    return bool(display)


def open_window(stage: Stage, pose: Pose) -> None:
    """Open it, seen from ``pose`` at first, and wait until it is closed.

    The ground and each kind of wires can be switched on and off. A machine without the graphics that
    open3d needs is told so.
    """
    items = [{"name": "ground", "geometry": stage.ground.geometry()}] if stage.ground else []
    items += [{"name": wires.name, "geometry": line_set(wires)} for wires in stage.wires]
    middle_m = stage.points().mean(axis=0)
    eye_m = middle_m + CLOSER * (pose.t.numpy() - middle_m)
    where = {"eye": eye_m, "lookat": middle_m, "up": [0.0, 0.0, 1.0]}
    try:
        o3d.visualization.draw(  # type: ignore[no-untyped-call]  # open3d states no types here
            items, stage.title, *SIZE_PX, show_ui=True, show_skybox=False, **where
        )
    except RuntimeError as error:
        print(
            f"no window: {error} On Debian and Ubuntu, install libvulkan1 and mesa-vulkan-drivers; "
            "what.window=false leaves the window out"
        )


def line_set(wires: Wires) -> o3d.t.geometry.LineSet:
    """Wires as open3d shows them."""
    ends = wires.segments.reshape(-1, 3).astype(np.float32)
    edges = np.arange(len(ends), dtype=np.int32).reshape(-1, 2)
    lines = o3d.t.geometry.LineSet(
        o3d.core.Tensor.from_numpy(ends), o3d.core.Tensor.from_numpy(edges)
    )
    colours = (wires.colours.astype(np.float32) / 255) ** 2.2  # lines are coloured in linear light
    lines.line.colors = o3d.core.Tensor.from_numpy(colours)
    return lines


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
