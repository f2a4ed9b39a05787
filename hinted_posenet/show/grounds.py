"""Grounds that cameras are drawn over: a surface with its photo, meshes and point clouds of other software."""

import itertools
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import PAPER
from hinted_posenet.show.rays import FINER, Rays, on_paper, smaller
from hinted_posenet.show.relief import Relief, textured_mesh
from hinted_posenet.show.wires import Points, in_camera
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import Rgb

MODELS = (".glb", ".obj", ".ply")
Y_IS_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64)  # from .glb's frame, to z up
OUTLINED = 10_000  # places of a model at most that a picture is fitted to
POINTS, POINT_PX = 300_000, 3  # drawn at most; side of one in a picture of 1600 px


class Ground(Protocol):
    """The ground below the wires; z is up."""

    def corners(self) -> Points:
        """Return places (N, 3): a picture of them shows the whole ground."""

    def render(self, camera: Camera, pose: Pose, threads: int) -> Rgb:
        """Render the ground (H, W, 3) over plain paper, seen from a pose."""

    def geometry(self) -> Any:
        """Return the ground as open3d shows it in a window."""


class PhotoGround:
    """A surface with its photo."""

    def __init__(self, relief: Relief) -> None:
        self.relief = relief
        self.rays = Rays(relief.nodes().reshape(-1, 3), relief.triangles())

    def corners(self) -> Points:
        """See `Ground`."""
        (xmin, ymin, xmax, ymax), heights_m = self.relief.bounds, self.relief.heights_m
        levels_m = float(heights_m.min()), float(heights_m.max())
        corners = itertools.product(levels_m, (ymax, ymin), (xmin, xmax))
        return np.array([(x, y, z) for z, y, x in corners])

    def render(self, camera: Camera, pose: Pose, threads: int) -> Rgb:
        """See `Ground`."""
        hit, places, _ = self.rays.cast(camera, pose, threads)
        return on_paper(self.relief.colours(places[..., 0], places[..., 1]), hit)

    def geometry(self) -> o3d.t.geometry.TriangleMesh:
        """See `Ground`."""
        return textured_mesh(self.relief)


def read_model(path: Path, turn: NDArray[np.float64]) -> Ground:
    """Read a file's mesh, or its points if it has no triangles, rotated by ``turn`` (3, 3)."""
    if path.suffix not in MODELS:
        raise InputError(f"what.model={path}: expected one of {', '.join(MODELS)}")
    if not path.is_file():
        raise InputError(f"what.model={path}: no such file")
    if path.suffix == ".glb":
        turn = turn @ Y_IS_UP
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        mesh = o3d.io.read_triangle_mesh(path)
        if mesh.has_triangles():
            mesh.rotate(turn, center=np.zeros(3))
            mesh.compute_vertex_normals()
            return MeshGround(mesh)
        cloud = o3d.io.read_point_cloud(path) if path.suffix == ".ply" else None
    if not cloud or not cloud.has_points():
        raise InputError(f"what.model={path}: open3d finds neither triangles nor points in it")
    cloud.rotate(turn, center=np.zeros(3))
    return CloudGround(cloud.uniform_down_sample(-(-len(cloud.points) // POINTS)))


class MeshGround:
    """A mesh with a texture or colours of its vertices; without both, it is lit from the camera."""

    def __init__(self, mesh: o3d.geometry.TriangleMesh) -> None:
        self.mesh = mesh
        self.triangles = np.asarray(mesh.triangles)
        self.rays = Rays(np.asarray(mesh.vertices), self.triangles)

    def corners(self) -> Points:
        """See `Ground`."""
        return _most_of(np.asarray(self.mesh.vertices))

    def render(self, camera: Camera, pose: Pose, threads: int) -> Rgb:
        """See `Ground`."""
        hit, places, answer = self.rays.cast(camera, pose, threads)
        image = np.zeros((*hit.shape, 3), np.uint8)
        towards = pose.t.numpy() - places[hit]
        image[hit] = self._colours(
            answer["primitive_ids"].numpy()[hit].astype(np.int64),
            answer["primitive_uvs"].numpy()[hit],
            towards / np.linalg.norm(towards, axis=1, keepdims=True),
        )
        return on_paper(image, hit)

    def geometry(self) -> o3d.geometry.TriangleMesh:
        """See `Ground`."""
        return self.mesh

    def _colours(self, index: NDArray[np.int64], uv: Points, towards: Points) -> Rgb:
        """Return colours (N, 3) by triangle, place in the triangle, and direction of the camera."""
        weights = np.column_stack([1 - uv.sum(axis=1), uv])[..., None]
        if self.mesh.has_triangle_uvs() and any(
            not photo.is_empty() for photo in self.mesh.textures
        ):
            uvs = np.asarray(self.mesh.triangle_uvs).reshape(-1, 3, 2)
            return self._texture(index, (uvs[index] * weights).sum(axis=1))
        if self.mesh.has_vertex_colors():
            corners = np.asarray(self.mesh.vertex_colors)[self.triangles[index]]
            return np.asarray(255 * (corners * weights).sum(axis=1), np.uint8)
        normals = np.asarray(self.mesh.triangle_normals)[index]
        light = 70 + 150 * np.abs((normals * towards).sum(axis=1))
        return np.asarray(light[:, None].repeat(3, axis=1), np.uint8)

    def _texture(self, index: NDArray[np.int64], uv: Points) -> Rgb:
        """Return colours (N, 3) of the textures at (N, 2); each triangle has one texture."""
        chosen = np.asarray(self.mesh.triangle_material_ids)[index]
        colours = np.full((len(index), 3), 128, np.uint8)
        for number, texture in enumerate(map(np.asarray, self.mesh.textures)):
            if not texture.ndim:  # of a material without one
                continue
            mine = chosen == number
            rows, cols = texture.shape[:2]
            row = np.floor((uv[mine, 1] % 1.0) * rows).astype(int)
            col = np.floor((uv[mine, 0] % 1.0) * cols).astype(int)
            colours[mine] = texture[row.clip(0, rows - 1), col.clip(0, cols - 1), :3]
        return colours


class CloudGround:
    """A cloud of points in their colours, or in grey."""

    def __init__(self, cloud: o3d.geometry.PointCloud) -> None:
        self.cloud = cloud
        self.points = np.asarray(cloud.points)
        colours = np.asarray(cloud.colors) if cloud.has_colors() else np.full((1, 3), 0.5)
        self.colours = np.broadcast_to(np.asarray(255 * colours, np.uint8), self.points.shape)

    def corners(self) -> Points:
        """See `Ground`."""
        return _most_of(self.points)

    def render(self, camera: Camera, pose: Pose, threads: int) -> Rgb:
        """See `Ground`; every point is a small square."""
        rows, cols = FINER * camera.height, FINER * camera.width
        seen = in_camera(pose, self.points)
        ahead = np.flatnonzero(seen[:, 2] > 0)
        far_first = ahead[np.argsort(-seen[ahead, 2])]  # the last of the points on a pixel is kept
        uv = FINER * camera.focal_px * seen[far_first, :2] / seen[far_first, 2:]
        col, row = np.floor(uv + np.array([cols, rows]) / 2).astype(np.int64).T
        side = max(FINER, cols * POINT_PX // 1600)
        image = np.empty((rows + side, cols + side, 3), np.uint8)
        image[:] = PAPER
        inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
        offsets = np.indices((side, side)).reshape(2, -1).T
        places = np.stack([row, col], axis=-1)[inside, None] + offsets
        colours = self.colours[far_first][inside, None].repeat(side**2, axis=1)
        image[places[..., 0], places[..., 1]] = colours
        half = side // 2
        return smaller(image[half : half + rows, half : half + cols])

    def geometry(self) -> o3d.geometry.PointCloud:
        """See `Ground`."""
        return self.cloud


def _most_of(points: Points) -> Points:
    """Return some of the places (N, 3) without outliers, which models from images often have."""
    some = points[:: -(-len(points) // OUTLINED)]
    low, high = np.percentile(some, [1, 99], axis=0)
    return np.asarray(some[((some >= low) & (some <= high)).all(axis=1)])
