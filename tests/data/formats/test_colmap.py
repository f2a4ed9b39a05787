"""Our reader of COLMAP models against COLMAP's own, and files that it takes but must not."""

from pathlib import Path

import fakes
import numpy as np
import pycolmap
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotate
from hinted_posenet.data.cameras import COLMAP_MODELS
from hinted_posenet.data.distortion import distorted
from hinted_posenet.data.formats.colmap import read_model
from hinted_posenet.data.formats.colmap_model import Camera

PARAMETERS = {
    "SIMPLE_PINHOLE": "500 320.5 239",
    "PINHOLE": "500 510 320.5 239",
    "SIMPLE_RADIAL": "500 320.5 239 -0.1",
    "RADIAL": "500 320.5 239 -0.1 0.03",
    "OPENCV": "500 510 320.5 239 -0.1 0.03 0.004 -0.005",
    "FULL_OPENCV": "500 510 320.5 239 -0.1 0.03 0.004 -0.005 0.02 0.01 -0.02 0.003",
    "OPENCV_FISHEYE": "500 510 320.5 239 0.05 -0.01 0.003 -0.001",
    "SIMPLE_RADIAL_FISHEYE": "500 320.5 239 0.05",
    "RADIAL_FISHEYE": "500 320.5 239 0.05 -0.01",
    "THIN_PRISM_FISHEYE": "500 510 320.5 239 0.05 -0.01 0.004 -0.005 0.003 -0.001 0.002 -0.003",
    "SIMPLE_FISHEYE": "500 320.5 239",
    "FISHEYE": "500 510 320.5 239",
}


def pixels(camera: Camera, points: np.ndarray) -> np.ndarray:
    shown = distorted(points[:, :2] / points[:, 2:], camera.lens.distortion)
    K = camera.lens.K.numpy()
    return shown @ K[:2, :2].T + K[:2, 2]


@pytest.mark.parametrize("binary", [False, True])
def test_every_camera_and_pose_is_as_colmap_reads_it(tmp_path: Path, binary: bool) -> None:
    assert PARAMETERS.keys() == COLMAP_MODELS.keys()
    cameras, images = [], []
    for number, (model, parameters) in enumerate(PARAMETERS.items(), start=1):
        cameras.append(f"{number} {model} 640 480 {parameters}")
        view = fakes.camera(number, 0)
        pose = fakes.numbers(-view.q_cam_world, view.t_cam_world)
        images += [f"{10 * number} {pose} {number} {model}.png", "1 2 -1"]
    for name, lines in {"cameras": cameras, "images": images, "points3D": []}.items():
        (tmp_path / f"{name}.txt").write_text("\n".join([*lines, ""]))
    theirs = pycolmap.Reconstruction(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    (theirs.write_binary if binary else theirs.write_text)(tmp_path)
    ours, posed = read_model(tmp_path, None)
    assert ours.keys() == set(theirs.cameras)
    points = np.array([[0.3, -0.2, 1.0], [-0.6, 0.4, 1.1], [0.0, 0.0, 2.0]])
    for number, camera in ours.items():
        assert isinstance(camera, Camera)
        other = theirs.cameras[number]
        assert (camera.width, camera.height) == (other.width, other.height)
        assert np.abs(pixels(camera, points) - other.img_from_cam(points)).max() < 1e-9
    assert posed.keys() == {image.name for image in theirs.images.values()}
    for image in theirs.images.values():
        found = posed[image.name]
        t, q = found.stated.T_world_cam
        assert found.camera_id == image.camera_id
        assert np.abs(t.numpy() - image.projection_center()).max() < 1e-12
        ahead = image.cam_from_world().inverse() * np.array([0.1, 0.2, 3.0])
        ours_ahead = rotate(q, q.new_tensor([0.1, 0.2, 3.0])) + t
        assert np.abs(ours_ahead.numpy() - ahead).max() < 1e-12


def test_poses_of_a_rig_of_two_cameras(tmp_path: Path) -> None:
    """Since COLMAP 3.12 two further files hold a rig's pose; those of its images stand where they were."""

    def motion(view: fakes.Camera) -> pycolmap.Rigid3d:
        x, y, z, w = np.roll(view.q, -1)
        return pycolmap.Rigid3d(pycolmap.Rotation3d([x, y, z, w]), view.t)

    theirs, rig = pycolmap.Reconstruction(), pycolmap.Rig(rig_id=1)
    frame = pycolmap.Frame(frame_id=1, rig_id=1)
    images = []
    for number in (1, 2):
        camera = pycolmap.Camera(
            model="PINHOLE", width=64, height=48, params=[50, 50, 32, 24], camera_id=number
        )
        theirs.add_camera(camera)
        if number == 1:
            rig.add_ref_sensor(camera.sensor_id)
        else:
            rig.add_sensor(camera.sensor_id, motion(fakes.camera(0, 0)))
        image = pycolmap.Image(name=f"{number}.png", camera_id=number, image_id=number, frame_id=1)
        frame.add_data_id(image.data_id)
        images.append(image)
    theirs.add_rig(rig)
    frame.rig_from_world = motion(fakes.camera(1, 1))
    theirs.add_frame(frame)
    for image in images:
        theirs.add_image(image)
    theirs.register_frame(1)
    theirs.write_binary(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"rigs.bin", "frames.bin"}
    _, posed = read_model(tmp_path, None)
    for image in theirs.images.values():
        found = posed[image.name].stated.T_world_cam.t.numpy()
        assert np.abs(found - image.projection_center()).max() < 1e-12


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
def test_a_binary_file_cut_off_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    model = fakes.write_colmap(tmp_path, frames=1, binary=True) / "sparse" / "0"
    whole = (model / name).read_bytes()
    for size in range(len(whole)):
        (model / name).write_bytes(whole[:size])
        with pytest.raises(InputError, match="is cut off; copy it again"):
            read_model(model, None)
    (model / name).write_bytes(whole)
    assert len(read_model(model, None)[1]) == 4


def test_a_name_in_another_encoding(tmp_path: Path) -> None:
    model = fakes.write_colmap(tmp_path, frames=1, binary=True) / "sparse" / "0"
    path = model / "images.bin"
    path.write_bytes(path.read_bytes().replace(b"a/my image", b"a/m\xfc image"))
    assert "a/mü image 0.png" in read_model(model, None)[1]
