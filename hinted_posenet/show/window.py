"""A window to look around in a scene; needs a display."""

import ctypes
import os
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import open3d as o3d
from PIL import ImageColor

from hinted_posenet.show.canvas import SPLIT_COLOURS
from hinted_posenet.show.frusta import EDGES, Points, frusta, frustum_size_m
from hinted_posenet.show.mesh import textured_mesh
from hinted_posenet.show.relief import Relief
from hinted_posenet.types import View

HFOV_DEG = 35.0


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


def open_window(
    title: str, relief: Relief, views: Mapping[str, Sequence[View]], eye_m: Sequence[float]
) -> None:
    """Open it, seen from ``eye_m`` (3,) at first, and wait until it is closed.

    Splits can be switched on and off. A machine without the graphics that open3d needs is told so.
    """
    items = [{"name": "surface", "geometry": textured_mesh(relief)}]
    for split, found in views.items():
        if found:
            lines = frustum_lines(split, frusta(found, frustum_size_m(relief)))
            items.append({"name": split, "geometry": lines})
    middle_m = relief.nodes().mean(axis=(0, 1))
    where = {"eye": eye_m, "lookat": middle_m, "up": [0.0, 0.0, 1.0], "field_of_view": HFOV_DEG}
    try:
        o3d.visualization.draw(  # type: ignore[no-untyped-call]  # open3d states no types here
            items, title=title, show_ui=True, show_skybox=False, **where
        )
    except RuntimeError as error:
        print(
            f"no window: {error} On Debian and Ubuntu, install libvulkan1 and mesa-vulkan-drivers; "
            "what.window=false leaves the window out"
        )


def frustum_lines(split: str, outlines: Points) -> o3d.t.geometry.LineSet:
    """Frusta (N, 5, 3) as lines in the colour of their split."""
    first = len(outlines[0]) * np.arange(len(outlines), dtype=np.int32)
    edges = (first[:, None, None] + np.array(EDGES, np.int32)).reshape(-1, 2)
    points = o3d.core.Tensor.from_numpy(outlines.reshape(-1, 3).astype(np.float32))
    lines = o3d.t.geometry.LineSet(points, o3d.core.Tensor.from_numpy(edges))
    srgb = np.array(ImageColor.getrgb(SPLIT_COLOURS[split]), np.float32) / 255
    colour = srgb**2.2  # lines are coloured in linear light
    lines.line.colors = o3d.core.Tensor.from_numpy(np.tile(colour, (len(edges), 1)))
    return lines
