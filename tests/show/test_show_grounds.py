"""What a run is drawn over: its map, the recipe's surface, a model, or a grid."""

from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.show.grounds import CloudGround, Ground, MeshGround, PhotoGround, read_model
from hinted_posenet.show.rays import overview_pose
from hinted_posenet.show.relief import SurfaceMesh, flat_relief
from hinted_posenet.show.run_picture import RunPicture
from hinted_posenet.show.stage import Presentation, Stage
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import pixels
from hinted_posenet.simulator.camera import Camera

from .conftest import quarter_of
from .test_show_run import write

CAMERA = Camera(400, 200, 35.0)
STRAIGHT = np.eye(3)
SMALL = {"width_px": 320, "window": False, "vertices": 800}


@pytest.fixture(scope="module")
def run(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("run"), subject)


def drawn_quarters(ground: Ground, camera: Camera = CAMERA) -> None:
    """The ground's picture has the colours of the world of four quarters, where they are."""
    pose = overview_pose(camera, ground.corners())
    image = ground.render(camera, pose, threads=1)
    assert image.shape == (camera.height, camera.width, 3)
    for x_m, y_m in [(-80, 60), (80, 60), (-80, -60), (80, -60)]:
        col, row = pixels(camera, pose, np.array([x_m, y_m, 0.1 * x_m + 0.2 * y_m])).astype(int)
        np.testing.assert_allclose(image[row, col], quarter_of(x_m, y_m), atol=4)
    assert (image[0, 0] == (246, 248, 250)).all()


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".glb"])
def test_a_mesh_has_its_colours_where_it_is(subject: Subject, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"surface{suffix}"
    SurfaceMesh("summer", vertices=800, photo_px=100).draw(subject, path)
    drawn_quarters(read_model(path, STRAIGHT))


def test_points_have_their_colours_where_they_are(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "points.ply"
    SurfaceMesh("summer", vertices=40_000).draw(subject, path)
    points = o3d.io.read_point_cloud(str(path))
    o3d.io.write_point_cloud(str(path), points)  # without the triangles
    drawn_quarters(read_model(path, STRAIGHT), Camera(160, 80, 35.0))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_near_points_hide_far_ones(order: tuple[int, int]) -> None:
    pose = overview_pose(CAMERA, np.eye(3))
    near, far = np.ones(3) / 3, 2 / 3 * np.ones(3) - pose.t.numpy()  # on the same ray
    cloud = o3d.geometry.PointCloud()
    cloud.points = o3d.utility.Vector3dVector(np.stack([near, far])[list(order)])
    cloud.colors = o3d.utility.Vector3dVector(np.eye(3)[list(order)])
    image = CloudGround(cloud).render(CAMERA, pose, threads=1).astype(int)
    assert (image[..., 0] - image[..., 2]).max() > 50  # red
    assert (image[..., 1] - image[..., 2]).max() < 10  # and no green


def test_a_bare_mesh_is_lit_from_the_camera() -> None:
    box = o3d.geometry.TriangleMesh.create_box(2, 2, 1)
    box.compute_triangle_normals()
    ground = MeshGround(box)
    image = ground.render(CAMERA, overview_pose(CAMERA, ground.corners()), threads=1)
    shades = np.unique(image[(image != (246, 248, 250)).any(axis=2)])
    assert np.ptp(shades) > 50  # its sides differ


def test_the_flat_map_lies_at_the_ground(subject: Subject, run: Path) -> None:
    bounds, image = subject.overview()
    relief = flat_relief(image, bounds, -7.0)
    assert (relief.nodes()[..., 2] == -7.0).all()
    photo = cv2.imread(str(image))[..., ::-1]
    north_west = relief.colours(np.array([[-100.0]]), np.array([[90.0]]))[0, 0]
    at = (128 - 90) * photo.shape[0] // 256, (160 - 100) * photo.shape[1] // 320
    np.testing.assert_allclose(north_west, photo[at], atol=8)


def stages(monkeypatch: pytest.MonkeyPatch) -> list[Stage]:
    """The stages that are presented from now on."""
    seen: list[Stage] = []
    monkeypatch.setattr(Presentation, "present", lambda self, stage, *others: seen.append(stage))
    return seen


def test_the_ground_is_the_best_that_is_known(
    subject: Subject, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = write(tmp_path / "bare", subject, with_map=False)
    model = tmp_path / "points.ply"
    SurfaceMesh(vertices=100).draw(subject, model)
    seen = stages(monkeypatch)
    path, elsewhere = tmp_path / "run.png", subject._replace(scene="elsewhere", root=tmp_path)
    RunPicture(str(run), **SMALL).draw(subject._replace(root=tmp_path), path)
    RunPicture(str(run), surface=False, **SMALL).draw(subject, path)
    RunPicture(str(run), **SMALL).draw(elsewhere, path)
    RunPicture(str(run), model=str(model), **SMALL).draw(elsewhere, path)
    RunPicture(str(bare), up=[0, 0, 1], **SMALL).draw(elsewhere, path)
    surface, flat, flat_too, of_model, none = (stage.ground for stage in seen)
    assert isinstance(surface, PhotoGround) and np.ptp(surface.relief.heights_m) > 50
    for ground in (flat, flat_too):
        assert isinstance(ground, PhotoGround) and np.ptp(ground.relief.heights_m) == 0
        assert -30 < ground.relief.heights_m[0, 0] < 30
    assert of_model is not None and not isinstance(of_model, PhotoGround)
    assert none is None


def test_mistakes_are_answered_with_the_fix(subject: Subject, run: Path, tmp_path: Path) -> None:
    def fails(message: str, output: str = "a.png", **options: object) -> None:
        with pytest.raises(InputError, match=message):
            RunPicture(**{"run": str(run), **options}).draw(subject, tmp_path / output)

    fails(r"method=pass 7: .* has no such method; choose one of retrieval, pass 1", method="pass 7")
    fails(r"what=run: give run=FOLDER", run=None)
    fails(r"results\.json: no such file", run=str(tmp_path))
    fails(r"out=.*a\.gif: expected one of \.jpg, .*\.mp4", output="a.gif")
    fails(r"what\.model=.*: no such file", model=str(tmp_path / "none.ply"))
    fails(r"what\.model=.*: expected one of \.glb, \.obj, \.ply", model="house.stl")
    (tmp_path / "broken.ply").write_text("ply\n")
    fails(r"neither triangles nor points", model=str(tmp_path / "broken.ply"))
    fails(r"what\.up: expected \[x, y, z\]", up=[0, 0, 0])
    fails(r"what\.seconds=0", seconds=0.0)
    fails(r"what\.width_px=10", width_px=10)

    with pytest.raises(InputError, match=r"no such picture, though results\.json names it"):
        flat_relief(tmp_path / "map.jpg", subject.overview()[0], 0.0)
    assert not (tmp_path / "a.png").exists()
