"""Surface and photo of a part of a world at any resolution, also as meshes for other programs."""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.decode import decoded
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.show.subject import Subject
from hinted_posenet.simulator.patch import grid_triangles
from hinted_posenet.simulator.world import Bounds, Capture, Raster, Rgb, Window, World

BLOCK_PX = 1024  # side of the windows that are read at a time
VERTEX_COLOURS, PHOTO = (".ply",), (".glb", ".obj")


class Relief(NamedTuple):
    """Evenly spaced nodes of the surface, and its photo."""

    bounds: Bounds
    heights_m: Raster  # nodes (rows, cols), from the north-west corner to the south-east one
    photo: Rgb  # from the north-west corner; may reach beyond the bounds by a fraction of a pixel
    photo_px_m: float

    @property
    def step_m(self) -> tuple[float, float]:
        """Distance between two nodes, to the east and to the south."""
        rows, cols = self.heights_m.shape
        return self.bounds.width_m / (cols - 1), self.bounds.height_m / (rows - 1)

    def summary(self) -> str:
        """Describe size and resolution in one line."""
        return (
            f"{self.bounds.size}: {self.heights_m.size} vertices, one every {self.step_m[0]:.3g} m; "
            f"photo pixels of {self.photo_px_m:.3g} m"
        )

    def nodes(self) -> Floats:
        """Return the places (rows, cols, 3) of the nodes in the world."""
        rows, cols = self.heights_m.shape
        x = np.linspace(self.bounds.xmin, self.bounds.xmax, cols)
        y = np.linspace(self.bounds.ymax, self.bounds.ymin, rows)
        return np.stack([*np.meshgrid(x, y), self.heights_m], axis=-1)

    def triangles(self) -> NDArray[np.int32]:
        """Return two triangles (N, 3) between every four nodes, as the renderer does; they face up."""
        return grid_triangles(*self.heights_m.shape).astype(np.int32)

    def colours(self, x_m: Floats, y_m: Floats) -> Rgb:
        """Return the photo (H, W, 3) at places (H, W), bilinear."""
        col = (x_m - self.bounds.xmin) / self.photo_px_m - 0.5
        row = (self.bounds.ymax - y_m) / self.photo_px_m - 0.5
        maps = col.astype(np.float32), row.astype(np.float32)
        found = cv2.remap(self.photo, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.uint8)


def read_relief(
    world: World,
    when: str | None = None,
    area_m: Sequence[float] | None = None,
    vertices: int = 300_000,
    photo_px: int | None = None,
) -> Relief:
    """Read a world block by block, with memory for the result only.

    Args:
        world: what is read.
        when: season or capture of the photo; None takes the first.
        area_m: xmin, ymin, xmax, ymax of a part of the world; None takes all of it.
        vertices: approximate limit of the number of nodes.
        photo_px: limit of the longest side of the photo; None makes its pixels half as wide as the
            distance between nodes, which may then be less than the world's.

    Raises:
        InputError: an area that is not within the world.
    """
    capture = world.select(when or world.captures[0].key)[0]
    window = _window(world, world.bounds if area_m is None else area_m)
    bounds = world.pixel_grid.bounds_of(window)
    step = max(1, math.ceil(math.sqrt(window.rows * window.cols / max(vertices, 1))))
    if photo_px is None and step < world.node_px:
        step = 2 ** math.ceil(math.log2(step))  # colours of vertices are finer than the surface
    else:
        step = world.node_px * math.ceil(step / world.node_px)
    longest = max(window.rows, window.cols)
    cell = max(1, step // 2) if photo_px is None else math.ceil(longest / photo_px)
    photo, photo_px_m = _photo(world, capture, window, cell), cell * world.pixel_grid.resolution_m
    return Relief(bounds, _heights(world, window, step), photo, photo_px_m)


def flat_relief(image: Path, bounds: Bounds, height_m: float) -> Relief:
    """Return a picture of the ground as a level surface."""
    if not image.is_file():
        raise InputError(
            f"{image}: no such picture, though results.json names it as the map; evaluate the run again "
            "where its data set lies now"
        )
    rgb = decoded(image)
    heights_m = np.full((2, 2), height_m, np.float32)
    return Relief(bounds, heights_m, rgb, bounds.width_m / rgb.shape[1])


def _window(world: World, area_m: Sequence[float]) -> Window:
    """Return the pixels of an area."""
    pixel_grid = world.pixel_grid
    left, top, right, bottom = 0, 0, 0, 0
    if len(area_m) == 4:
        xmin, ymin, xmax, ymax = area_m
        top, left = map(round, pixel_grid.place_of(xmin, ymax))
        bottom, right = map(round, pixel_grid.place_of(xmax, ymin))
    if not (0 <= left < right <= pixel_grid.cols and 0 <= top < bottom <= pixel_grid.rows):
        raise InputError(
            "what.area_m: expected [xmin, ymin, xmax, ymax] within the world's "
            f"{[round(edge, 1) for edge in world.bounds]}, got {list(area_m)}"
        )
    return Window(top, left, bottom - top, right - left)


def _photo(world: World, capture: Capture, window: Window, cell: int) -> Rgb:
    """Average the photo of a window over cells of pixels; the last cells may reach beyond it."""
    rows, cols = math.ceil(window.rows / cell), math.ceil(window.cols / cell)
    side = max(1, BLOCK_PX // cell)
    photo = np.empty((rows, cols, 3), np.uint8)
    for row, col in tqdm(_blocks(rows, cols, side), "photo", unit="block", leave=False):
        part = photo[row : row + side, col : col + side]
        height, width = part.shape[:2]
        block = Window(row * cell, col * cell, height * cell, width * cell)
        full = world.photo(block.moved(window.row, window.col), capture)
        part[:] = cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA)
    return photo


def _heights(world: World, window: Window, step: int) -> Raster:
    """Return heights at even distances of at most ``step`` pixels over exactly the window."""
    south, east = (
        np.linspace(first, first + count, math.ceil(count / step) + 1) / world.node_px
        for first, count in ((window.row, window.rows), (window.col, window.cols))
    )
    heights_m = np.empty((len(south), len(east)), np.float32)
    side = max(1, BLOCK_PX // step)
    for row, col in tqdm(_blocks(*heights_m.shape, side), "surface", unit="block", leave=False):
        rows, cols = south[row : row + side], east[col : col + side]
        top, left = math.floor(rows[0]), math.floor(cols[0])
        extent = (top, left, math.floor(rows[-1]) + 1 - top, math.floor(cols[-1]) + 1 - left)
        nodes = world.surface(Window(*(world.node_px * edge for edge in extent)))
        part = _between(_between(nodes, rows - top).T, cols - left).T
        heights_m[row : row + side, col : col + side] = part
    return heights_m


def _between(values: Raster, at: Floats) -> Raster:
    """Interpolate rows of (N, M) at fractional numbers (K,) -> (K, M), exactly where these are whole."""
    first = np.clip(np.floor(at).astype(int), 0, len(values) - 2)
    share = (at - first)[:, None]
    return np.asarray(values[first] * (1 - share) + values[first + 1] * share, np.float32)


def _blocks(rows: int, cols: int, side: int) -> list[tuple[int, int]]:
    return [(row, col) for row in range(0, rows, side) for col in range(0, cols, side)]


@dataclass
class SurfaceMesh:
    """The surface of a world, or of a part of it, with the photo of one capture; see `read_relief`."""

    file: ClassVar[str] = "mesh.glb"
    when: str | None = None
    area_m: Sequence[float] | None = None
    vertices: int = 300_000
    photo_px: int = 2048

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`."""
        if path.suffix not in (*VERTEX_COLOURS, *PHOTO):
            raise InputError(
                f"out={path}: expected .ply (coloured vertices), .glb or .obj (photo as texture)"
            )
        photo_px = None if path.suffix in VERTEX_COLOURS else self.photo_px
        world = subject.make_world()
        relief = read_relief(world, self.when, self.area_m, self.vertices, photo_px)
        write_mesh(path, relief)
        print(relief.summary())
        print(f"written: {path}")


def textured_mesh(relief: Relief) -> o3d.t.geometry.TriangleMesh:
    """Return the surface in world coordinates, with the photo as its texture."""
    nodes, triangles = relief.nodes().reshape(-1, 3), relief.triangles()
    mesh = _mesh(nodes, triangles)
    rows, cols = relief.photo.shape[:2]
    u = (nodes[:, 0] - relief.bounds.xmin) / (cols * relief.photo_px_m)
    v = 1.0 - (relief.bounds.ymax - nodes[:, 1]) / (rows * relief.photo_px_m)
    uv = np.stack([u, v], axis=-1).astype(np.float32)
    mesh.triangle.texture_uvs = o3d.core.Tensor.from_numpy(uv[triangles])
    mesh.material.set_default_properties()
    mesh.material.material_name = "defaultUnlit"  # the photo holds light and shadows
    image = o3d.t.geometry.Image(o3d.core.Tensor.from_numpy(relief.photo))
    mesh.material.texture_maps["albedo"] = image
    return mesh


def write_mesh(path: Path, relief: Relief) -> None:
    """Write .ply with coloured vertices, .obj or .glb with the photo, in the world's metres.

    East, north, up are x, y, z, but x, -z, y in a .glb, in whose format y is up.
    """
    if path.suffix in VERTEX_COLOURS:
        nodes = relief.nodes()
        mesh = _mesh(nodes.reshape(-1, 3), relief.triangles())
        colours = relief.colours(nodes[..., 0], nodes[..., 1]).reshape(-1, 3)
        mesh.vertex.colors = o3d.core.Tensor.from_numpy(colours.astype(np.float32) / 255)
    else:
        mesh = textured_mesh(relief)
    if path.suffix == ".glb":
        upright = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], np.float64)
        mesh.transform(o3d.core.Tensor.from_numpy(upright))
    path.parent.mkdir(parents=True, exist_ok=True)
    quiet = o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder, quiet:
        if not o3d.t.io.write_triangle_mesh(Path(folder) / path.name, mesh):
            raise RuntimeError(f"{path}: could not be written")
        for file in Path(folder).iterdir():  # an .obj comes with a .mtl and a .png
            file.replace(path.with_name(file.name))


def _mesh(nodes: np.ndarray, triangles: np.ndarray) -> o3d.t.geometry.TriangleMesh:
    vertices = o3d.core.Tensor.from_numpy(nodes.astype(np.float32))
    return o3d.t.geometry.TriangleMesh(vertices, o3d.core.Tensor.from_numpy(triangles))
