"""A window to look around in a scene; needs a display."""

import ctypes
import os
import sys

import numpy as np
import open3d as o3d

from hinted_posenet.show.stage import Stage
from hinted_posenet.show.wires import Wires
from hinted_posenet.types import Pose

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
