"""Wires: coloured segments in the world, such as pyramids of cameras, drawn over a picture of its ground."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ImageColor

from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.types import Pose, View, stack_poses
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import Rgb

Points = NDArray[np.float64]  # (..., 3) in the world
EDGES = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1)]  # between corners
NEAR = 0.01  # least depth that is drawn, as a share of the largest
SUBPIXEL_BITS = 4


def frusta(views: Sequence[View], size_m: float) -> Points:
    """Return the corners (N, 5, 3) of cameras, see `pyramids`."""
    if not views:
        return np.zeros((0, 5, 3))
    K = torch.stack([view.K for view in views])
    slopes = K[:, :2, 2] / K[:, [0, 1], [0, 1]]
    return pyramids(stack_poses(view.T_world_cam for view in views), slopes, size_m)


def pyramids(T_world_cam: Pose, slopes: torch.Tensor, size_m: float) -> Points:
    """Return corners (N, 5, 3), ``size_m`` long: the center, then the image's corners clockwise.

    ``slopes`` (N, 2) are half an image's width and height, over its focal length.
    """
    signs = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)
    corners = torch.nn.functional.pad(signs * slopes[:, None], (0, 1), value=1.0)  # (N, 4, 3)
    t, q = (part[:, None] for part in T_world_cam)
    return np.asarray(torch.cat([t, rotate(q, size_m * corners) + t], dim=1))


class Wires(NamedTuple):
    """N segments of one kind."""

    name: str
    segments: Points  # (N, 2, 3)
    colours: NDArray[np.uint8]  # (N, 3)
    width_px: float = 2.0  # in a picture of 1600 px
    casing: str | None = None  # colour of a thin edge, which sets lines off against a photo


def frustum_wires(
    name: str, outlines: Points, colours: str | NDArray[np.uint8], width_px: float = 2.0
) -> Wires:
    """Return frusta (N, 5, 3) as wires, in one colour or one (N, 3) each."""
    if isinstance(colours, str):
        colours = one_colour(colours, len(outlines))
    segments = outlines[:, EDGES].reshape(-1, 2, 3)
    return Wires(name, segments, colours.repeat(len(EDGES), axis=0), width_px)


def one_colour(colour: str, count: int) -> NDArray[np.uint8]:
    """Repeat a colour: (N, 3)."""
    return np.tile(np.array(ImageColor.getrgb(colour), np.uint8), (count, 1))


def draw_wires(image: Rgb, camera: Camera, pose: Pose, wires: Wires) -> None:
    """Draw into (H, W, 3), near segments over far ones, without those behind the camera."""
    ends = in_camera(pose, wires.segments)
    near = NEAR * max(ends[..., 2].max(initial=0.0), 1e-9)
    shown = ends[..., 2].max(axis=1) > near
    ends, colours = ends[shown], wires.colours[shown]
    z = ends[..., 2:]
    share = np.clip((near - z) / np.where(z < near, z[:, ::-1] - z, 1.0), 0.0, 1.0)
    ends = ends + share * (ends[:, ::-1] - ends)  # cut at the nearest depth
    uv = ends[..., :2] / ends[..., 2:] * camera.focal_px
    uv += np.array([camera.width, camera.height]) / 2 - 0.5  # OpenCV: a pixel's center is whole
    beyond = 4 * camera.width  # keeps distant points within OpenCV's integers
    whole = np.round(np.clip(uv, -beyond, beyond) * 2**SUBPIXEL_BITS).astype(int)
    width = max(1, round(wires.width_px * camera.width / 1600))
    casing = wires.casing and ImageColor.getrgb(wires.casing)
    for index in np.argsort(-ends[..., 2].mean(axis=1)):
        (start, end), colour = whole[index].tolist(), colours[index].tolist()
        if casing:
            cv2.line(image, start, end, casing, width + 2, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.line(image, start, end, colour, width, cv2.LINE_AA, SUBPIXEL_BITS)


def pixels(camera: Camera, pose: Pose, points: Points) -> NDArray[np.float64]:
    """Project points (..., 3) in front of the camera to pixels (..., 2)."""
    seen = in_camera(pose, points) @ camera.K.T
    return np.asarray(seen[..., :2] / seen[..., 2:])


def in_camera(pose: Pose, points: Points) -> Points:
    """Transform points (..., 3) of the world to the camera's frame."""
    t, q = invert(*pose)
    return np.asarray(rotate(q, torch.from_numpy(points)) + t)
