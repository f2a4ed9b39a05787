"""Grounds that cameras are drawn over, among them a surface with its photo."""

from typing import Any, Protocol

import numpy as np
import open3d as o3d

from hinted_posenet.show.frusta import Points
from hinted_posenet.show.mesh import textured_mesh
from hinted_posenet.show.rays import Rays, on_paper
from hinted_posenet.show.relief import Relief
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import Pose


class Ground(Protocol):
    """What is drawn below the wires; z is up."""

    def corners(self) -> Points:
        """Places (N, 3): a picture of them all shows all of it."""

    def render(self, camera: Camera, pose: Pose, threads: int) -> Rgb:
        """It (H, W, 3) over plain paper, seen from a pose."""

    def geometry(self) -> Any:
        """It, as open3d shows it in a window."""


class PhotoGround:
    """A surface with its photo."""

    def __init__(self, relief: Relief) -> None:
        self.relief = relief
        self.rays = Rays(relief.nodes().reshape(-1, 3), relief.triangles())

    def corners(self) -> Points:
        """See `Ground`."""
        nodes, heights_m = self.relief.nodes(), self.relief.heights_m
        corners = nodes[:: len(nodes) - 1, :: nodes.shape[1] - 1].reshape(-1, 3)
        lowest, highest = corners.copy(), corners.copy()
        lowest[:, 2], highest[:, 2] = heights_m.min(), heights_m.max()
        return np.concatenate([lowest, highest])

    def render(self, camera: Camera, pose: Pose, threads: int) -> Rgb:
        """See `Ground`."""
        hit, places, _ = self.rays.cast(camera, pose, threads)
        return on_paper(self.relief.colours(places[..., 0], places[..., 1]), hit)

    def geometry(self) -> o3d.t.geometry.TriangleMesh:
        """See `Ground`."""
        return textured_mesh(self.relief)
