"""A video of a generated room, as a phone films it on two rounds: for those who have no video at hand."""

from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX, HFOV_DEG, FPS = 480, 360, 65.0, 8
ROOM_M = (5.0, 4.0, 2.6)
# west, south, floor and size of what stands about, in metres
FURNITURE_M = [
    ((0.3, 0.3, 0.0), (1.6, 0.6, 0.8)),
    ((3.6, 0.2, 0.0), (0.8, 0.5, 1.7)),
    ((2.0, 3.3, 0.0), (1.2, 0.5, 1.0)),
    ((4.3, 1.8, 0.0), (0.5, 1.2, 0.6)),
    ((0.2, 2.6, 0.0), (0.5, 0.9, 1.3)),
    ((2.2, 1.7, 0.0), (0.6, 0.6, 0.45)),
]
PIXELS_PER_M = 150


def film(path: Path, frames: int = 120, seed: int = 0) -> None:
    """Write the video; every third frame is blurred, as by a hand that shakes.

    Args:
        path: .avi, motion JPEG.
        frames: of the video, at 8 a second.
        seed: of the textures.
    """
    rng = np.random.default_rng(seed)
    scene = o3d.t.geometry.RaycastingScene()
    for corner, size in [((0.0, 0.0, 0.0), ROOM_M), *FURNITURE_M]:
        box = o3d.t.geometry.TriangleMesh.create_box(*size)
        scene.add_triangles(box.translate(o3d.core.Tensor.from_numpy(np.array(corner, np.float32))))
    paper = wallpaper(rng)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH_PX, HEIGHT_PX))
    for frame in range(frames):
        image = photo(scene, paper, *walk(frame / frames))
        video.write(cv2.GaussianBlur(image, (9, 9), 2.5) if frame % 3 == 1 else image)
    video.release()


def wallpaper(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(2048, 2048) grey, of patches and speckles at all scales, so that every place looks its own."""
    image = np.full((2048, 2048), 150, np.float32)
    for cells, contrast in ((12, 20), (48, 25), (190, 25), (760, 15)):
        patches = rng.normal(0, contrast, (cells, cells)).astype(np.float32)
        image += cv2.resize(patches, image.shape, interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(image, (0, 0), 1.0).clip(0, 255).astype(np.uint8)


def walk(share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Camera center and the point looked at, in metres, after that share of the two rounds."""
    angle = 4 * np.pi * share
    outwards = np.array([np.cos(angle), np.sin(angle), 0.0])
    middle = np.array([ROOM_M[0] / 2, ROOM_M[1] / 2, 1.0])
    radius_m = 1.5 if share < 0.5 else 1.2  # the second round is a little closer and higher
    height_m = 0.4 + 0.2 * (share >= 0.5) + 0.1 * np.sin(5 * angle)
    center = middle + outwards * [radius_m, 0.8 * radius_m, 0.0] + [0.0, 0.0, height_m]
    return center, middle - outwards + [0.0, 0.0, 0.2 * np.cos(3 * angle)]


def photo(
    scene: o3d.t.geometry.RaycastingScene,
    paper: NDArray[np.uint8],
    center: NDArray[np.float64],
    target: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """BGR image (HEIGHT_PX, WIDTH_PX, 3)."""
    down = np.array([0.0, 0.0, -1.0])  # rows of an image count downwards, Open3D's upwards
    at, eye, up = (o3d.core.Tensor.from_numpy(vector) for vector in (target, center, down))
    rays = scene.create_rays_pinhole(HFOV_DEG, at, eye, up, WIDTH_PX, HEIGHT_PX)
    hit = scene.cast_rays(rays)
    start, along = rays.numpy()[..., :3], rays.numpy()[..., 3:]
    point_m = start + along * hit["t_hit"].numpy()[..., None]
    normal = hit["primitive_normals"].numpy()
    axis = np.abs(normal).argmax(-1)  # the wall's; its paper lies along the other two
    u = np.where(axis == 0, point_m[..., 1], point_m[..., 0])
    v = np.where(axis == 2, point_m[..., 1], point_m[..., 2])
    facing = np.take_along_axis(normal, axis[..., None], -1)[..., 0] > 0
    surface = hit["geometry_ids"].numpy().astype(np.int64) * 6 + axis * 2 + facing
    shift = (surface * 331.0) % 2048  # another part of the paper on every surface
    grey = cv2.remap(
        paper,
        ((u * PIXELS_PER_M + shift) % 2048).astype(np.float32),
        ((v * PIXELS_PER_M + 1.7 * shift) % 2048).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    paint = np.random.default_rng(3).uniform(0.6, 1.1, (surface.max() + 1, 3))
    image: NDArray[np.uint8] = (grey[..., None] * paint[surface]).clip(0, 255).astype(np.uint8)
    return image
