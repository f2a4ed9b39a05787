"""The camera of a query, from numbers and from the files of COLMAP, nerfstudio, ROS and OpenCV."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.distortion import Fisheye
from hinted_posenet.data.query_camera import AnyK, QueryCamera, checked_intrinsics, given_camera

K = torch.tensor([[500.0, 0, 330], [0, 510, 250], [0, 0, 1]], dtype=torch.float64)
D = (-0.2, 0.05, 0.001, -0.002, 0.01)
ROS1 = """\
image_width: 640
image_height: 480
camera_name: front
camera_matrix: {rows: 3, cols: 3, data: [500.0, 0.0, 329.5, 0.0, 510.0, 249.5, 0.0, 0.0, 1.0]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.2, 0.05, 0.001, -0.002, 0.01]}
"""
ROS2 = """\
height: 480
width: 640
distortion_model: plumb_bob
d: [-0.2, 0.05, 0.001, -0.002, 0.01]
k: [500.0, 0.0, 329.5, 0.0, 510.0, 249.5, 0.0, 0.0, 1.0]
"""
COLMAP = "# header\n1 FULL_OPENCV 640 480 500 510 330 250 -0.2 0.05 0.001 -0.002 0.01 0 0 0\n"
TRANSFORMS = """\
{"fl_x": 500, "fl_y": 510, "cx": 330, "cy": 250, "w": 640, "h": 480,
 "k1": -0.2, "k2": 0.05, "p1": 0.001, "p2": -0.002, "k3": 0.01, "frames": []}
"""


def opencv_text(path: Path) -> str:
    """Return a calibration as OpenCV's own example writes it."""
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    file.write("image_width", 640)
    file.write("image_height", 480)
    zero_based = K.numpy().copy()
    zero_based[:2, 2] -= 0.5
    file.write("camera_matrix", zero_based)
    file.write("distortion_coefficients", np.array([D]))
    file.release()
    return path.read_text()


def read(path: Path, text: str) -> QueryCamera:
    path.write_text(text)
    found = given_camera(camera_file=path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cameras.txt", COLMAP),
        ("transforms.json", TRANSFORMS),
        ("front.yaml", ROS1),
        ("front.yaml", ROS2),
        ("front.yml", None),
        ("front.xml", None),
    ],
)
def test_files_of_one_camera_agree(tmp_path: Path, name: str, text: str | None) -> None:
    path = tmp_path / name
    found = read(path, text or opencv_text(path))
    assert found.lens is not None
    assert torch.equal(found.lens.K, K)
    assert found.lens.distortion == pytest.approx(D)
    assert found.size == (640, 480)


def test_a_matrix_file_states_no_size(tmp_path: Path) -> None:
    found = read(tmp_path / "camera-intrinsics.txt", "500 0 330\n0 510 250\n0 0 1\n")
    assert found.lens is not None
    assert torch.equal(found.lens.K, K)
    assert found.size is None


@pytest.mark.parametrize(
    "given", [K, K.numpy(), K.tolist(), K.flatten().tolist(), [500, 510, 330, 250]]
)
def test_given_intrinsics_have_several_shapes(given: AnyK) -> None:
    assert torch.equal(checked_intrinsics(given), K)


def test_a_camera_is_scaled_to_the_image(tmp_path: Path) -> None:
    camera = read(tmp_path / "front.yaml", ROS1)
    lens = camera.of_image(960, 1280)
    assert lens.K.tolist() == [[1000, 0, 660], [0, 1020, 500], [0, 0, 1]]
    assert lens.distortion == pytest.approx(D)
    with pytest.raises(InputError, match=r"a.jpg: 480 x 640 pixels, the camera has 640 x 480"):
        camera.of_image(640, 480, "a.jpg")


def test_a_focal_length_has_its_principal_point_in_the_middle() -> None:
    camera = given_camera(focal_px=400)
    assert camera is not None
    assert camera.of_image(300, 200).K.tolist() == [[400, 0, 100], [0, 400, 150], [0, 0, 1]]


def test_no_camera_and_two_cameras() -> None:
    assert given_camera() is None
    with pytest.raises(InputError, match="K and focal_px: two cameras"):
        given_camera(K=K, focal_px=500)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([500, 510, 330], r"shape \(3,\), expected a 3x3 matrix or fx, fy, cx, cy"),
        ([500, 510, 330, float("nan")], "expected .*fx, 0, cx"),
        ([-500, 510, 330, 250], "focal length -500 510 px is not positive"),
        (K.T, "expected .*fx, 0, cx"),
        (2 * K, "expected .*fx, 0, cx"),
        (torch.eye(3)[None], r"shape \(1, 3, 3\)"),
        ("wide", "expected numbers, got wide"),
    ],
)
def test_wrong_intrinsics_are_refused(given: AnyK, message: str) -> None:
    with pytest.raises(InputError, match=f"^K: .*{message}"):
        given_camera(K=given)


def test_a_principal_point_outside_of_the_image_is_refused() -> None:
    camera = given_camera(K=K)
    assert camera is not None
    with pytest.raises(InputError, match=r"principal point \(330, 250\) is outside of 320 x 240"):
        camera.of_image(240, 320)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cameras.txt", COLMAP + "2 PINHOLE 9 9 5 5 4 4\n", "2 cameras, expected one"),
        ("cameras.txt", "# none\n", "0 cameras, expected one"),
        ("cameras.txt", "1 FOV 640 480 500 510 330 250 1\n", "camera model .FOV."),
        (
            "front.yaml",
            ROS1.replace("plumb_bob", "mei"),
            "distortion_model 'mei', expected plumb_bob",
        ),
        ("front.yaml", "width: 3\n", "no camera_matrix or K"),
        ("front.yaml", "[", "not valid YAML"),
        ("front.yaml", "%YAML:1.0\nK: !!opencv-matrix\n", "no camera_matrix or K"),
        ("front.xml", "text", "not valid XML"),
        ("front.xml", "<a><camera_matrix><data>x</data></camera_matrix></a>", "expected numbers"),
        ("front.xml", "<a><camera_matrix/></a>", "no camera_matrix or K"),
        ("front.yaml", "K: [[1, 2], [3]]\n", "expected numbers"),
        ("front.yaml", ROS2.replace("480", "-1"), "no whole number"),
        ("front.yaml", ROS2.replace("height: 480", ""), "width and height are known together"),
        (
            "front.yaml",
            ROS2.replace("d: [-0.2", "d: [[1], 2"),
            "distortion coefficients are no list",
        ),
        ("front.json", TRANSFORMS.replace('"h": 480,', ""), "w is there without its other side"),
        ("front.json", TRANSFORMS.replace("480", "²").replace("²", '"²"'), "no whole number"),
        ("front.yaml", "- 1\n", "expected keys and values"),
        ("front.json", "[]", "expected an object with fl_x"),
        ("front.json", "{}", "fl_x is missing"),
    ],
)
def test_files_of_other_cameras_are_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path / name, text)


def test_a_fisheye_of_ros(tmp_path: Path) -> None:
    text = ROS1.replace("plumb_bob", "equidistant")
    with pytest.raises(InputError, match="5 distortion coefficients, expected at most 4"):
        read(tmp_path / "front.yaml", text)
    camera = read(tmp_path / "front.yaml", text.replace(", 0.01]", "]"))
    assert camera.lens is not None and isinstance(camera.lens.distortion, Fisheye)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.txt", "a.json"):
        with pytest.raises(InputError, match=rf"{name}: missing"):
            given_camera(camera_file=tmp_path / name)
