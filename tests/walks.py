"""Scenes of cameras that walk, without any file, and rooms with a picture on the wall to walk in."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix

from hinted_posenet.core.geometry import quaternion_exp
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.checks.checked_scene import ImageFile, Scene

WIDTH, HEIGHT, FOCAL_PX = 320, 240, 260.0


def scene_of(views: Sequence[View]) -> Scene:
    """A scene of one split, with whatever images there are."""
    there = {v.image: ImageFile(True, (WIDTH, HEIGHT), v.name) for v in views if v.image.is_file()}
    images = {view.image: ImageFile(False) for view in views} | there
    counts = {"train": len(views)}
    return Scene("walk", "seven_scenes", Path(), {"train": list(views)}, [], [], images, counts, {})


def views_of(
    t: np.ndarray,
    turn: np.ndarray | None = None,
    numbers: Sequence[int] | None = None,
    sequence: str = "seq1",
    folder: Path = Path("nowhere"),
) -> list[View]:
    """Views at t (N, 3) metres, with rotations of the vectors ``turn`` (N, 3), in radians."""
    q = quaternion_exp(torch.from_numpy(np.zeros_like(t) if turn is None else turn))
    K = torch.tensor([[FOCAL_PX, 0, WIDTH / 2], [0, FOCAL_PX, HEIGHT / 2], [0, 0, 1]]).double()
    names = [
        f"{sequence}/frame{n:05d}.png" for n in (range(len(t)) if numbers is None else numbers)
    ]
    poses = [Pose(*pose) for pose in zip(torch.from_numpy(t), q, strict=True)]
    return [
        View(name, folder / name, pose, K, sequence, {}, size=(WIDTH, HEIGHT))
        for name, pose in zip(names, poses, strict=True)
    ]


def walk(seed: int, frames: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Positions (N, 3) and rotation vectors (N, 3): it stands, walks, runs, turns on the spot, shakes."""
    rng = np.random.default_rng(seed)
    speed = np.repeat(rng.choice([0.0, 0.7, 0.8, 3.0], frames // 20, p=[0.2, 0.3, 0.3, 0.2]), 20)
    heading = np.cumsum(
        rng.normal(0, 0.15, frames) * np.repeat(rng.uniform(0, 2, frames // 20), 20)
    )
    step = speed[:, None] * np.stack([np.cos(heading), np.sin(heading), 0 * heading], axis=1)
    t = np.cumsum(step, axis=0) + rng.normal(0, 0.1, (frames, 3))
    return t, np.stack([0 * heading, 0 * heading, heading], axis=1) + rng.normal(
        0, 0.02, (frames, 3)
    )


def swing_in_a_room(folder: Path) -> list[View]:
    """16 images of a camera that swings sideways, forth and up, and turns about all axes."""
    phase = np.linspace(0, 4, 16)[:, None]
    t = np.hstack([1.2 * np.sin(phase), 0.5 * np.sin(2 * phase + 1), 0.8 * np.cos(1.7 * phase)])
    turn = np.hstack([0.2 * np.sin(2 * phase), 0.3 * np.sin(phase + 2), 0.4 * np.sin(1.5 * phase)])
    views = views_of(t, turn, folder=folder)
    draw_room(views)
    return views


def draw_room(views: Sequence[View]) -> None:
    """Write what the views see: two textured walls, 4 m and 7 m ahead along z."""
    rng = np.random.default_rng(0)
    walls = [(4.0, _texture(rng), (-6.0, 0.5)), (7.0, _texture(rng), (-12.0, 12.0))]
    for view in views:
        image = np.zeros((HEIGHT, WIDTH), np.uint8)
        for depth_m, texture, (left_m, right_m) in reversed(walls):
            size_m = right_m - left_m
            # texture pixel -> the wall's point in the world: x = left + u s, y = v s - size / 2, z = depth
            s = size_m / texture.shape[1]
            world = np.array([[s, 0, left_m], [0, s, -size_m / 2], [0, 0, depth_m]])
            R = quaternion_to_rotation_matrix(view.T_world_cam.q).numpy()
            shift = np.array([[0, 0, 1.0]]) * view.T_world_cam.t.numpy()[:, None]
            H = view.K.numpy() @ R.T @ (world - shift)
            warped = cv2.warpPerspective(texture, H, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
            seen = cv2.warpPerspective(np.full_like(texture, 255), H, (WIDTH, HEIGHT))
            image = np.where(seen > 127, warped, image)
        view.image.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(view.image), image)


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Blobs of several sizes, 1024x1024, with nothing that repeats."""
    sizes = (32, 64, 128, 256)
    layers = [
        cv2.resize(rng.random((n, n)), (1024, 1024), interpolation=cv2.INTER_CUBIC) for n in sizes
    ]
    total = np.sum(layers, axis=0)
    return np.clip(255 * (total - 1) / 2, 0, 255).astype(np.uint8)
