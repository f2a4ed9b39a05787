"""Scene: the surface of a world with its photo, and the cameras of a data set above it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
import torch
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from hinted_posenet.geometry import invert, quaternion_inverse, rotate
from hinted_posenet.show.canvas import (
    SPLIT_COLOURS,
    SPLIT_NAMES,
    check_picture_name,
    write_picture,
    write_text,
)
from hinted_posenet.show.frusta import EDGES, Points, frusta, frustum_size_m
from hinted_posenet.show.relief import Relief, read_relief
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.window import has_display, open_window
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.plan.attitude import pose_at
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import Pose, View

FRUSTA = 240  # drawn at most: more would hide each other and the ground
PAPER = (246, 248, 250)
FINER = 2  # rays a side for every pixel of the picture, so that edges are smooth
HEADING_DEG, OFF_NADIR_DEG, HFOV_DEG = 20.0, 55.0, 35.0


class ScenePicture:
    """The surface with its photo and the cameras of the data set, by split.

    Args:
        when: season or epoch of the photo; None takes the first.
        vertices: see `read_relief`.
        photo_px: see `read_relief`.
        width_px: of the picture.
        window: also open a window, where there is a display.
    """

    file = "scene.png"

    def __init__(
        self,
        when: str | None = None,
        vertices: int = 1_000_000,
        photo_px: int = 2048,
        width_px: int = 1600,
        window: bool = True,
    ) -> None:
        self.when, self.vertices, self.photo_px = when, vertices, photo_px
        self.width_px, self.window = width_px, window

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; a machine without a display gets the picture, and is told so."""
        check_picture_name(path)
        views, world = subject.views(), subject.world_of_views()
        relief = read_relief(world, self.when, None, self.vertices, self.photo_px)
        camera = Camera(self.width_px, self.width_px * 5 // 8, HFOV_DEG)
        pose = overview_pose(camera, relief, views)
        write_picture(path, draw_scene(relief, views, camera, pose, subject.threads))
        print(f"written: {path}")
        if self.window and not has_display():
            print("no display answers, so no window is opened; the picture is all there is")
        elif self.window:
            open_window(subject.scene, relief, views, pose.t.tolist())


def thinned(views: Mapping[str, Sequence[View]]) -> dict[str, Sequence[View]]:
    """Every n-th view of each split, so that there are at most `FRUSTA`."""
    every = -(-sum(map(len, views.values())) // FRUSTA) or 1
    return {split: found[::every] for split, found in views.items()}


def draw_scene(
    relief: Relief,
    views: Mapping[str, Sequence[View]],
    camera: Camera,
    pose: Pose,
    threads: int = 0,
) -> Rgb:
    """The scene from a pose, cast ray by ray: it needs neither a display nor a GPU."""
    shown, size_m, width_px = thinned(views), frustum_size_m(relief), camera.width
    ground = _ground(relief, camera, pose, threads)
    strip = np.full((width_px // 30, width_px, 3), PAPER, np.uint8)
    picture = Image.fromarray(np.concatenate([ground, strip]))
    draw = ImageDraw.Draw(picture)
    for split, found in shown.items():
        for outline in _pixels(camera, pose, frusta(found, size_m)):
            for start, end in EDGES:
                draw.line([*outline[start], *outline[end]], SPLIT_COLOURS[split], 2)
    _legend(draw, shown, views, picture.size)
    return np.asarray(picture)


def overview_pose(camera: Camera, relief: Relief, views: Mapping[str, Sequence[View]]) -> Pose:
    """From where an image shows the whole surface and all cameras obliquely, as close as can be."""
    points = _extremes(relief, [frusta(found, frustum_size_m(relief)) for found in views.values()])
    turn = pose_at((0, 0, 0), HEADING_DEG, OFF_NADIR_DEG, 0.0).q
    seen = rotate(quaternion_inverse(turn), torch.from_numpy(points)).numpy()
    slope = 0.5 * np.array([camera.width, camera.height]) / camera.focal_px * 0.96
    # a point at p has |p_x - x| <= slope (p_z - z): the planes through the outermost points meet
    # where the camera is, along each of the image's axes
    low = (seen[:, :2] + slope * seen[:, 2:]).min(axis=0)
    high = (seen[:, :2] - slope * seen[:, 2:]).max(axis=0)
    middle, back = 0.5 * (low + high), 0.5 * (low - high) / slope
    centre = torch.tensor([*middle, back.min()], dtype=torch.float64)
    return Pose(rotate(turn, centre), turn)


def _extremes(relief: Relief, outlines: Sequence[Points]) -> Points:
    """Corners (N, 3) of the surface, and all cameras."""
    nodes = relief.nodes()
    corners = nodes[:: len(nodes) - 1, :: nodes.shape[1] - 1].reshape(-1, 3)
    lowest, highest = corners.copy(), corners.copy()
    lowest[:, 2], highest[:, 2] = relief.heights_m.min(), relief.heights_m.max()
    return np.concatenate([lowest, highest, *(outline.reshape(-1, 3) for outline in outlines)])


def _ground(relief: Relief, camera: Camera, pose: Pose, threads: int) -> Rgb:
    """The surface (H, W, 3) over plain paper."""
    scene = o3d.t.geometry.RaycastingScene()
    centre = pose.t.numpy()  # rays start at 0, so that float32 is exact however vast the world is
    vertices = (relief.nodes().reshape(-1, 3) - centre).astype(np.float32)
    scene.add_triangles(
        o3d.core.Tensor.from_numpy(vertices),
        o3d.core.Tensor.from_numpy(relief.triangles().astype(np.uint32)),
    )
    size = camera.width, camera.height
    fine = Camera(FINER * size[0], FINER * size[1], HFOV_DEG)
    axes = rotate(pose.q, torch.eye(3, dtype=torch.float64)).numpy()
    directions = (fine.pixel_rays() @ axes).astype(np.float32)
    rays = np.concatenate([np.zeros_like(directions), directions], axis=-1)
    depth_m = scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=threads)["t_hit"].numpy()
    hit = np.isfinite(depth_m)
    depth_m[~hit] = 0.0
    places = centre + depth_m[..., None] * directions
    image = relief.colours(places[..., 0], places[..., 1])
    image[~hit] = PAPER
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _pixels(camera: Camera, pose: Pose, points: Points) -> NDArray[np.float64]:
    """Where points (..., 3) in front of the camera are in its image (..., 2)."""
    t, q = invert(*pose)
    seen = (rotate(q, torch.from_numpy(points)) + t).numpy() @ camera.K.T
    return np.asarray(seen[..., :2] / seen[..., 2:])


def _legend(
    draw: ImageDraw.ImageDraw,
    shown: Mapping[str, Sequence[View]],
    views: Mapping[str, Sequence[View]],
    size_px: tuple[int, int],
) -> None:
    """Which colour is what, along the lower edge."""
    em = size_px[0] / 75
    x, y = em, size_px[1] - size_px[0] / 60
    for split, found in views.items():
        if found:
            box = (x, y - em / 2, x + em, y + em / 2)
            draw.rectangle(box, ImageColor.getrgb(SPLIT_COLOURS[split]))
            drawn = (
                "" if len(shown[split]) == len(found) else f", {len(shown[split])} of them drawn"
            )
            text = f"{SPLIT_NAMES[split]}: {len(found)} images{drawn}"
            x += write_text(draw, (x + 1.5 * em, y), text, em, "lm") + 4 * em
