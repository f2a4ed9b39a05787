from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.show.relief import SurfaceMesh
from hinted_posenet.show.subject import Subject

from .conftest import quarter_of, slope_m


def inside_a_quarter(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    return (np.abs(x_m) > 15) & (np.abs(y_m) > 15)


def test_ply_has_places_and_colours_of_the_world(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "new" / "surface.ply"
    SurfaceMesh("summer", vertices=800).draw(subject, path)
    mesh = o3d.io.read_triangle_mesh(str(path))
    x, y, z = np.asarray(mesh.vertices).T
    np.testing.assert_allclose(z, slope_m(x, y), atol=1e-4)
    assert (x.min(), x.max(), y.min(), y.max()) == (-160, 160, -128, 128)
    colours = 255 * np.asarray(mesh.vertex_colors)
    sure = inside_a_quarter(x, y)
    wanted = [quarter_of(*place) for place in zip(x[sure], y[sure], strict=True)]
    np.testing.assert_allclose(colours[sure], wanted, atol=1)
    mesh.compute_triangle_normals()
    assert (np.asarray(mesh.triangle_normals)[:, 2] > 0.9).all()  # up, and no holes:
    area_m2 = 320 * 256 * np.sqrt(1 + 0.1**2 + 0.2**2)
    assert mesh.get_surface_area() == pytest.approx(area_m2, rel=1e-5)


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_the_photo_lies_where_it_belongs(subject: Subject, tmp_path: Path, suffix: str) -> None:
    SurfaceMesh("summer", vertices=800, photo_px=100).draw(subject, tmp_path / f"a{suffix}")
    mesh = o3d.t.io.read_triangle_mesh(str(tmp_path / f"a{suffix}"))
    vertices, uv = mesh.vertex.positions.numpy(), mesh.triangle.texture_uvs.numpy()
    corners = vertices[mesh.triangle.indices.numpy()].reshape(-1, 3)
    x, y, z = corners.T if suffix == ".obj" else (corners * [1, 1, -1])[:, [0, 2, 1]].T
    np.testing.assert_allclose(z, slope_m(x, y), atol=1e-3)
    photo = mesh.material.texture_maps["albedo"].as_tensor().numpy()
    rows, cols = photo.shape[:2]
    u, v = uv.reshape(-1, 2).T
    col, row = (u * cols).astype(int), ((1 - v) * rows).astype(int)
    sure = inside_a_quarter(x, y) & (np.abs(x) < 150) & (np.abs(y) < 120)
    wanted = [quarter_of(*place) for place in zip(x[sure], y[sure], strict=True)]
    assert len(wanted) > 500
    np.testing.assert_allclose(photo[row[sure], col[sure]][:, :3], wanted, atol=1)


def test_nothing_but_the_mesh_is_left(subject: Subject, tmp_path: Path) -> None:
    SurfaceMesh(vertices=50).draw(subject, tmp_path / "a.obj")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mtl", "a.obj", "a_albedo.png"]
    assert "a.mtl" in (tmp_path / "a.obj").read_text()


def test_the_stride_is_told(subject: Subject, tmp_path: Path, capsys) -> None:
    SurfaceMesh(vertices=25).draw(subject, tmp_path / "a.ply")
    assert "42 vertices, one every 53.3 m" in capsys.readouterr().out


def test_another_format_is_refused_before_the_world_is_made(tmp_path: Path) -> None:
    def never():
        raise AssertionError

    with pytest.raises(InputError, match=r"\.ply.*\.glb"):
        SurfaceMesh().draw(Subject(never, tmp_path, "a", 0), tmp_path / "a.stl")
