"""Rendered images a second, beside the bare ray rate of the same scene, which is their ceiling.

python benchmarks/render.py
"""

import time
from pathlib import Path

import numpy as np
import open3d as o3d
import torch
from hydra import compose, initialize_config_dir

from hinted_posenet.build import build
from hinted_posenet.geometry import rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.render import Patch, Renderer, build_patch
from hinted_posenet.simulator.world.tiles import tiles_over
from hinted_posenet.types import Pose

IMAGES = 200


def rays_of(pose: Pose, camera: Camera, patch: Patch) -> o3d.core.Tensor:
    """The same rays as the renderer's."""
    axes = rotate(pose.q, torch.eye(3, dtype=torch.float64)).numpy()
    directions = camera.pixel_rays() @ axes
    centre = pose.t.numpy() - [patch.x_m, patch.y_m, 0.0]
    rays = np.concatenate([np.broadcast_to(centre, directions.shape), directions], axis=-1)
    return o3d.core.Tensor.from_numpy(rays.astype(np.float32))


def main() -> None:
    """The quick start's world and camera, one season."""
    with initialize_config_dir(str(Path(__file__).parents[1] / "configs"), version_base="1.3"):
        config = compose("simulate", ["recipe=quickstart"])
    world, camera = build(config.world), build(config.camera)
    plan = build(config.flight.random)
    poses = plan.poses(world, camera, IMAGES, np.random.default_rng(0))
    renderer = Renderer(world, camera)
    renderer.load(poses)
    for pose in poses:
        renderer.render(pose, world.epochs[0])  # loads the season
    start = time.perf_counter()
    for pose in poses:
        renderer.render(pose, world.epochs[0])
    rendered = IMAGES / (time.perf_counter() - start)

    patch = build_patch(renderer.tiles, frozenset(tiles_over(world, world.bounds)))
    scene, batches = patch.scene, [rays_of(pose, camera, patch) for pose in poses]
    scene.cast_rays(batches[0])  # builds the tree
    start = time.perf_counter()
    for rays in batches:
        scene.cast_rays(rays)
    bare = IMAGES / (time.perf_counter() - start)
    print(f"rays alone      {bare:6.0f} images/s of {camera.width} x {camera.height}")
    print(f"whole images    {rendered:6.0f} images/s ({rendered / bare:.2f} of the rays' rate)")


if __name__ == "__main__":
    main()
