"""A generated room, as a phone films it on two rounds: for those who have no video of a room at hand."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
import torch
from numpy.typing import NDArray

from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.formats.export import write_views
from hinted_posenet.data.formats.transforms import TransformsFormat

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
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH_PX, HEIGHT_PX))
    for frame, (image, _) in enumerate(photos(frames, seed)):
        video.write(cv2.GaussianBlur(image, (9, 9), 2.5) if frame % 3 == 1 else image)
    video.release()


def write_posed(folder: Path, frames: int = 60, seed: int = 0) -> None:
    """Write sharp frames with their true poses as images/ and transforms.json, as apps that scan rooms do."""
    with tempfile.TemporaryDirectory() as drafts:
        views = []
        for frame, (image, T_world_cam) in enumerate(photos(frames, seed)):
            file = Path(drafts, f"{frame:04d}.jpg")
            cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
            pose, K = Pose.from_matrix(T_world_cam), torch.from_numpy(intrinsics())
            views.append(View(file.name, file, pose, K, "walk", {}))
        write_views(
            {"train": views, "val": [], "test": []}, folder.name, TransformsFormat(), folder
        )


def photos(frames: int, seed: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """Yield BGR images (HEIGHT_PX, WIDTH_PX, 3) of the walk, each with T_world_cam (4, 4)."""
    scene = o3d.t.geometry.RaycastingScene()
    for corner, size in [((0.0, 0.0, 0.0), ROOM_M), *FURNITURE_M]:
        box = o3d.t.geometry.TriangleMesh.create_box(*size)
        scene.add_triangles(box.translate(o3d.core.Tensor.from_numpy(np.array(corner, np.float32))))
    paper = wallpaper(np.random.default_rng(seed))
    for frame in range(frames):
        T_world_cam = walk(frame / frames)
        yield photo(scene, paper, T_world_cam), T_world_cam


def intrinsics() -> NDArray[np.float64]:
    """Return K (3, 3), in pixels."""
    focal_px = WIDTH_PX / 2 / np.tan(np.radians(HFOV_DEG) / 2)
    return np.array([[focal_px, 0, WIDTH_PX / 2], [0, focal_px, HEIGHT_PX / 2], [0, 0, 1]])


def wallpaper(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(2048, 2048) grey, of patches and speckles at all scales, so that every place looks its own."""
    image = np.full((2048, 2048), 150, np.float32)
    for cells, contrast in ((12, 20), (48, 25), (190, 25), (760, 15)):
        patches = rng.normal(0, contrast, (cells, cells)).astype(np.float32)
        image += cv2.resize(patches, image.shape, interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(image, (0, 0), 1.0).clip(0, 255).astype(np.uint8)


def walk(share: float) -> NDArray[np.float64]:
    """Return T_world_cam (4, 4), metres, after that share of the two rounds."""
    angle = 4 * np.pi * share
    outwards = np.array([np.cos(angle), np.sin(angle), 0.0])
    middle = np.array([ROOM_M[0] / 2, ROOM_M[1] / 2, 1.0])
    radius_m = 1.5 if share < 0.5 else 1.2  # the second round is a little closer and higher
    height_m = 0.4 + 0.2 * (share >= 0.5) + 0.1 * np.sin(5 * angle)
    center = middle + outwards * [radius_m, 0.8 * radius_m, 0.0] + [0.0, 0.0, height_m]
    ahead = middle - outwards + [0.0, 0.0, 0.2 * np.cos(3 * angle)] - center
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    axes = [right, np.cross(ahead, right), ahead]
    T_world_cam = np.eye(4)
    T_world_cam[:3, :3] = np.column_stack([axis / np.linalg.norm(axis) for axis in axes])
    T_world_cam[:3, 3] = center
    return T_world_cam


def photo(
    scene: o3d.t.geometry.RaycastingScene,
    paper: NDArray[np.uint8],
    T_world_cam: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """BGR image (HEIGHT_PX, WIDTH_PX, 3)."""
    rays = scene.create_rays_pinhole(
        o3d.core.Tensor.from_numpy(intrinsics()),
        o3d.core.Tensor.from_numpy(np.linalg.inv(T_world_cam)),
        WIDTH_PX,
        HEIGHT_PX,
    )
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
