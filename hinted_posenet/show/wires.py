"""Wires: coloured line segments in the world, drawn on top of a picture of its ground."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ImageColor

from hinted_posenet.geometry import invert, rotate
from hinted_posenet.show.frusta import EDGES, Points
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import Pose

NEAR = 0.01  # nearest that is drawn, as a share of the farthest
SUBPIXEL_BITS = 4


class Wires(NamedTuple):
    """N segments of one kind."""

    name: str
    segments: Points  # (N, 2, 3)
    colours: NDArray[np.uint8]  # (N, 3)
    width_px: float = 2.0  # in a picture of 1600 px
    casing: str | None = None  # colour of a thin edge, which keeps lines apart from a photo


def frustum_wires(
    name: str, outlines: Points, colours: str | NDArray[np.uint8], width_px: float = 2.0
) -> Wires:
    """Frusta (N, 5, 3) as wires, in one colour or one (N, 3) each."""
    if isinstance(colours, str):
        colours = one_colour(colours, len(outlines))
    segments = outlines[:, EDGES].reshape(-1, 2, 3)
    return Wires(name, segments, colours.repeat(len(EDGES), axis=0), width_px)


def one_colour(colour: str, count: int) -> NDArray[np.uint8]:
    """The same (N, 3)."""
    return np.tile(np.array(ImageColor.getrgb(colour), np.uint8), (count, 1))


def draw_wires(image: Rgb, camera: Camera, pose: Pose, wires: Wires) -> None:
    """Draw into (H, W, 3), near segments over far ones; what is behind the camera is left out."""
    ends, far_first, colours = _in_front(in_camera(pose, wires.segments), wires.colours)
    uv = ends[..., :2] / ends[..., 2:] * camera.focal_px
    uv += np.array([camera.width, camera.height]) / 2 - 0.5  # OpenCV: a pixel's centre is whole
    beyond = 4 * camera.width  # keeps what is far outside within OpenCV's integers
    whole = np.round(np.clip(uv, -beyond, beyond) * 2**SUBPIXEL_BITS).astype(int)
    width = max(1, round(wires.width_px * camera.width / 1600))
    casing = wires.casing and ImageColor.getrgb(wires.casing)
    for index in far_first:
        (start, end), colour = whole[index].tolist(), colours[index].tolist()
        if casing:
            cv2.line(image, start, end, casing, width + 2, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.line(image, start, end, colour, width, cv2.LINE_AA, SUBPIXEL_BITS)


def pixels(camera: Camera, pose: Pose, points: Points) -> NDArray[np.float64]:
    """Where points (..., 3) in front of the camera are in its image (..., 2)."""
    seen = in_camera(pose, points) @ camera.K.T
    return np.asarray(seen[..., :2] / seen[..., 2:])


def in_camera(pose: Pose, points: Points) -> Points:
    """Points (..., 3) of the world in the camera's frame."""
    t, q = invert(*pose)
    return np.asarray(rotate(q, torch.from_numpy(points)) + t)


def _in_front(
    ends: Points, colours: NDArray[np.uint8]
) -> tuple[Points, NDArray[np.int64], NDArray[np.uint8]]:
    """Segments (N, 2, 3) in the camera frame, cut at the nearest depth; and their order, far to near."""
    near = NEAR * max(ends[..., 2].max(initial=0.0), 1e-9)
    shown = ends[..., 2].max(axis=1) > near
    ends, colours = ends[shown], colours[shown]
    z = ends[..., 2:]
    share = np.clip((near - z) / np.where(z < near, z[:, ::-1] - z, 1.0), 0.0, 1.0)
    ends = ends + share * (ends[:, ::-1] - ends)
    return ends, np.argsort(-ends[..., 2].mean(axis=1)), colours
