"""Meshes for other programs: the surface with the photo on it, or in the colours of its vertices."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import open3d as o3d

from hinted_posenet.show.relief import Relief, read_relief
from hinted_posenet.show.subject import Subject
from hinted_posenet.types import InputError

VERTEX_COLOURS, PHOTO = (".ply",), (".glb", ".obj")


@dataclass
class SurfaceMesh:
    """The surface of a world, or of a part of it, with the photo of one epoch.

    Args:
        when: season or epoch; None takes the first.
        area_m: see `read_relief`.
        vertices: see `read_relief`.
        photo_px: see `read_relief`; of no use to a .ply, whose vertices have one colour each.
    """

    file: ClassVar[str] = "mesh.glb"
    when: str | None = None
    area_m: Sequence[float] | None = None
    vertices: int = 300_000
    photo_px: int = 2048

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`."""
        if path.suffix not in (*VERTEX_COLOURS, *PHOTO):
            raise InputError(
                f"output={path}: expected .ply (coloured vertices), .glb or .obj (photo as texture)"
            )
        photo_px = None if path.suffix in VERTEX_COLOURS else self.photo_px
        world = subject.make_world()
        relief = read_relief(world, self.when, self.area_m, self.vertices, photo_px)
        write_mesh(path, relief)
        print(relief.summary())
        print(f"written: {path}")


def textured_mesh(relief: Relief) -> o3d.t.geometry.TriangleMesh:
    """The surface in world coordinates, with the photo as its texture."""
    nodes, triangles = relief.nodes().reshape(-1, 3), relief.triangles()
    mesh = _mesh(nodes, triangles)
    rows, cols = relief.photo.shape[:2]
    u = (nodes[:, 0] - relief.bounds.xmin) / (cols * relief.photo_px_m)
    v = 1.0 - (relief.bounds.ymax - nodes[:, 1]) / (rows * relief.photo_px_m)
    uv = np.stack([u, v], axis=-1).astype(np.float32)
    mesh.triangle.texture_uvs = o3d.core.Tensor.from_numpy(uv[triangles])
    mesh.material.set_default_properties()
    mesh.material.material_name = "defaultUnlit"  # the photo holds light and shadows
    mesh.material.texture_maps["albedo"] = o3d.t.geometry.Image(
        o3d.core.Tensor.from_numpy(relief.photo)
    )
    return mesh


def coloured_mesh(relief: Relief) -> o3d.t.geometry.TriangleMesh:
    """The surface in world coordinates, every vertex in the photo's colour."""
    nodes = relief.nodes()
    mesh = _mesh(nodes.reshape(-1, 3), relief.triangles())
    colours = relief.colours(nodes[..., 0], nodes[..., 1]).reshape(-1, 3)
    mesh.vertex.colors = o3d.core.Tensor.from_numpy(colours.astype(np.float32) / 255)
    return mesh


def write_mesh(path: Path, relief: Relief) -> None:
    """Write .ply with coloured vertices, .obj or .glb with the photo, in the world's metres.

    East, north, up are x, y, z; but x, -z, y in a .glb, whose format says that y is up.
    """
    mesh = coloured_mesh(relief) if path.suffix in VERTEX_COLOURS else textured_mesh(relief)
    if path.suffix == ".glb":
        upright = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], np.float64)
        mesh.transform(o3d.core.Tensor.from_numpy(upright))
    path.parent.mkdir(parents=True, exist_ok=True)
    quiet = o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder, quiet:
        if not o3d.t.io.write_triangle_mesh(Path(folder) / path.name, mesh):
            raise RuntimeError(f"{path}: could not be written")
        for file in Path(folder).iterdir():  # an .obj brings its .mtl and its .png
            file.replace(path.with_name(file.name))


def _mesh(nodes: np.ndarray, triangles: np.ndarray) -> o3d.t.geometry.TriangleMesh:
    vertices = o3d.core.Tensor.from_numpy(nodes.astype(np.float32))
    return o3d.t.geometry.TriangleMesh(vertices, o3d.core.Tensor.from_numpy(triangles))
