"""A stage: a ground with wires, a scale bar and a legend, shown as a picture, a film or in a window."""

import ctypes
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import open3d as o3d
from PIL import Image, ImageDraw

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.formatting import round_down, short_length
from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import (
    INK,
    PAPER,
    PICTURES,
    QUIET,
    ErrorScale,
    draw_text,
    ramp,
    write_film,
    write_picture,
)
from hinted_posenet.show.grounds import Ground
from hinted_posenet.show.rays import HFOV_DEG, orbit, overview_pose
from hinted_posenet.show.wires import Points, Wires, draw_wires, one_colour, pixels
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import Rgb

FILM = ".mp4"
WINDOW_PX = (1600, 1000)
# the view of a window, nearer than that of a picture: open3d 0.20 fixes the field of view to 60 degrees
CLOSER = 0.6


class ScaleBar(NamedTuple):
    """A thick line and its length."""

    ends: Points  # (2, 3)
    label: Points  # (3,) position of its text
    text: str

    def points(self) -> Points:
        """Return places (3, 3): a picture of them shows the bar and its text."""
        return np.stack([*self.ends, 2 * self.label - self.ends.mean(axis=0)])

    def drawn(self, image: Rgb, camera: Camera, pose: Pose) -> Rgb:
        """Return the image (H, W, 3) with the bar."""
        draw_wires(image, camera, pose, Wires("scale", self.ends[None], one_colour(INK, 1), 5.0))
        picture = Image.fromarray(image)
        x, y = pixels(camera, pose, self.label)
        draw_text(ImageDraw.Draw(picture), (x, y), self.text, camera.width / 68, "mm")
        return np.array(picture)


def scale_bar_beside(places: Points) -> ScaleBar:
    """Put a scale bar along the south edge of places (N, 3), from the west end, at the lowest height."""
    low, high = places.min(axis=0), places.max(axis=0)
    length_m, out_m = round_down((high[0] - low[0]) / 4), 0.025 * (high[1] - low[1])
    start = low - np.array([0.0, out_m, 0.0])
    ends = np.stack([start, start + np.array([length_m, 0.0, 0.0])])
    return ScaleBar(ends, ends.mean(axis=0) - [0.0, 2.5 * out_m, 0.0], short_length(length_m))


class Stage(NamedTuple):
    """Everything that a picture shows; z is up."""

    title: str
    subtitle: str
    ground: Ground | None
    wires: list[Wires]  # later ones are drawn over earlier ones
    legend: list[tuple[str, str]]  # colour and text
    scale: ErrorScale | None = None  # of the wires that are coloured by error
    scale_bar: ScaleBar | None = None

    def points(self) -> Points:
        """Return places (N, 3): a picture of them shows everything except a few poses that are far off."""
        places = np.concatenate([wires.segments.reshape(-1, 3) for wires in self.wires])
        low, high = np.percentile(places, [2, 98], axis=0)
        around = (high - low).max()
        places = places[((places > low - around) & (places < high + around)).all(axis=1)]
        others = [self.ground.corners()] if self.ground else []
        others += [self.scale_bar.points()] if self.scale_bar else []
        return np.concatenate([places, *others])


def counted(name: str, count: int, drawn: int) -> str:
    """Return the legend's text for a number of cameras."""
    return f"{name}: {count}" + ("" if drawn == count else f", {drawn} drawn")


def draw_stage(stage: Stage, camera: Camera, pose: Pose, threads: int = 0) -> Rgb:
    """Draw the stage from a pose, between a title and a legend, which add to the image's height."""
    image = _paper(camera.height, camera.width)
    if stage.ground:
        image = stage.ground.render(camera, pose, threads)
    for wires in stage.wires:
        draw_wires(image, camera, pose, wires)
    if stage.scale_bar:
        image = stage.scale_bar.drawn(image, camera, pose)
    return np.concatenate([_header(stage, camera.width), image, _footer(stage, camera.width)])


def _header(stage: Stage, width: int) -> Rgb:
    em = width / 62
    picture = Image.fromarray(_paper(round(2.2 * em) * 2, width))
    draw = ImageDraw.Draw(picture)
    draw_text(draw, (em, 0.9 * em), stage.title, 1.35 * em)
    draw_text(draw, (em, 2.8 * em), stage.subtitle, em, colour=QUIET)
    return np.asarray(picture)


def _footer(stage: Stage, width: int) -> Rgb:
    em = width / 68
    height = round(1.6 * em) * 2
    picture = Image.fromarray(_paper(height, width))
    draw = ImageDraw.Draw(picture)
    x, y = em, height / 2
    for colour, text in stage.legend:
        draw.rectangle((x, y - em / 2, x + em, y + em / 2), colour)
        x += draw_text(draw, (x + 1.4 * em, y), text, em, "lm") + 3.2 * em
    if stage.scale:  # the colour bar with its ticks
        left = x + (draw_text(draw, (x, y), "predicted, by position error", em, "lm") + em)
        length, top = width - 1.5 * em - left, round(0.5 * em)
        bar = ramp(np.linspace(0, 1, max(1, round(length))))
        picture.paste(Image.fromarray(np.tile(bar, (round(em), 1, 1))), (round(left), top))
        for position, text in stage.scale.ticks():
            x = left + position * length
            draw.line((x, top + em, x, top + 1.3 * em), INK, 1)
            draw_text(draw, (x, top + 1.4 * em), text, 0.9 * em, "ma")
    return np.asarray(picture)


def _paper(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), PAPER, np.uint8)


@dataclass(kw_only=True)
class Presentation:
    """How a stage is presented: the settings that all pictures of a stage have."""

    width_px: int | None = None
    seconds: float = 8.0
    fps: float = 24.0
    window: bool = True

    def check(self, path: Path) -> None:
        """Refuse what cannot be written, before any work is done."""
        check_writable(path, endings=(*PICTURES, FILM))
        if not (self.fps > 0 and self.seconds * self.fps >= 1):
            raise InputError(
                f"what.seconds={self.seconds:g}, what.fps={self.fps:g}: expected a frame or more"
            )
        if self.width_px is not None and self.width_px < 64:
            raise InputError(f"what.width_px={self.width_px}: expected at least 64")

    def present(self, stage: Stage, path: Path, threads: int) -> None:
        """Write the file, and open a window unless no display answers."""
        width = self.width_px or (800 if path.suffix.lower() == FILM else 1600)
        camera = Camera(width // 2 * 2, width // 4 * 2, HFOV_DEG)  # a film needs even sides
        points = stage.points()
        pose = overview_pose(camera, points)
        if path.suffix.lower() == FILM:
            poses = orbit(camera, points, round(self.seconds * self.fps))
            frames: Iterator[Rgb] = (draw_stage(stage, camera, at, threads) for at in poses)
            write_film(path, frames, len(poses), self.fps)
        else:
            write_picture(path, draw_stage(stage, camera, pose, threads))
        print(f"written: {path}")
        if self.window and not has_display():
            print("no display answers, so no window is opened; see the file")
        elif self.window:
            open_window(stage, pose)


def has_display() -> bool:
    """Return whether windows can be opened: always on Windows and macOS, else where a display answers.

    A DISPLAY that is left over from a closed session would make open3d hang.
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
    """Open a window on the stage, seen from ``pose`` at first, and wait until it is closed.

    The ground and each kind of wires can be switched on and off. Where the graphics that open3d needs
    are missing, a message names them.
    """
    items = [{"name": "ground", "geometry": stage.ground.geometry()}] if stage.ground else []
    items += [{"name": wires.name, "geometry": line_set(wires)} for wires in stage.wires]
    middle_m = stage.points().mean(axis=0)
    eye_m = middle_m + CLOSER * (pose.t.numpy() - middle_m)
    where = {"eye": eye_m, "lookat": middle_m, "up": [0.0, 0.0, 1.0]}
    try:
        o3d.visualization.draw(  # type: ignore[no-untyped-call]  # open3d states no types here
            items, stage.title, *WINDOW_PX, show_ui=True, show_skybox=False, **where
        )
    except RuntimeError as error:
        print(
            f"no window: {error} On Debian and Ubuntu, install libvulkan1 and mesa-vulkan-drivers; "
            "what.window=false turns the window off"
        )


def line_set(wires: Wires) -> o3d.t.geometry.LineSet:
    """Return wires as open3d shows them."""
    ends = wires.segments.reshape(-1, 3).astype(np.float32)
    edges = np.arange(len(ends), dtype=np.int32).reshape(-1, 2)
    tensor = o3d.core.Tensor.from_numpy
    lines = o3d.t.geometry.LineSet(tensor(ends), tensor(edges))
    lines.line.colors = tensor((wires.colours.astype(np.float32) / 255) ** 2.2)  # linear light
    return lines
