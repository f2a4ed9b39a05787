"""Each camera model by literal parameters."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.cameras import (
    Lens,
    check_lens,
    colmap_camera,
    csv_camera,
    intrinsics,
    intrinsics_text,
    parse_colmap_camera,
    parse_csv_camera,
    parse_intrinsics_text,
    parse_transforms_camera,
    read_nvm_focals,
    transforms_camera,
)
from hinted_posenet.data.distortion import Fisheye

K = torch.tensor([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]], dtype=torch.float64)
SQUARE = torch.tensor([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        ("SIMPLE_PINHOLE", "500 320 240", Lens(SQUARE, ())),
        ("PINHOLE", "500 510 320 240", Lens(K, ())),
        ("SIMPLE_RADIAL", "500 320 240 0.1", Lens(SQUARE, (0.1, 0, 0, 0, 0))),
        ("RADIAL", "500 320 240 0.1 -0.2", Lens(SQUARE, (0.1, -0.2, 0, 0, 0))),
        ("OPENCV", "500 510 320 240 0.1 -0.2 0.3 0.4", Lens(K, (0.1, -0.2, 0.3, 0.4, 0))),
        ("OPENCV", "500 510 320 240 0 0 0 0", Lens(K, ())),
        (
            "FULL_OPENCV",
            "500 510 320 240 0.1 -0.2 0.3 0.4 0.5 0 0 0",
            Lens(K, (0.1, -0.2, 0.3, 0.4, 0.5)),
        ),
        (
            "FULL_OPENCV",
            "500 510 320 240 0.1 -0.2 0.3 0.4 0 0 0.1 0",
            Lens(K, (0.1, -0.2, 0.3, 0.4, 0, 0, 0.1, 0)),
        ),
        ("FISHEYE", "500 510 320 240", Lens(K, Fisheye())),
        ("SIMPLE_RADIAL_FISHEYE", "500 320 240 0.1", Lens(SQUARE, Fisheye(0.1))),
        (
            "OPENCV_FISHEYE",
            "500 510 320 240 0.1 -0.2 0.3 0.4",
            Lens(K, Fisheye(0.1, -0.2, 0.3, 0.4)),
        ),
    ],
)
def test_colmap_models(model: str, parameters: str, expected: Lens) -> None:
    lens = parse_colmap_camera(model, parameters.split(), "x")
    assert torch.equal(lens.K, expected.K) and lens.distortion == expected.distortion


@pytest.mark.parametrize(
    ("distortion", "model"),
    [
        ((), "PINHOLE"),
        ((0.1, -0.2, 0.3, 0.4, 0.0), "OPENCV"),
        ((0.1, -0.2, 0.3, 0.4, 0.5), "FULL_OPENCV"),
        ((0.1, -0.2, 0.3, 0.4, 0.5, 0.0, 0.6, 0.0), "FULL_OPENCV"),
        (Fisheye(), "OPENCV_FISHEYE"),
        (Fisheye(0.1, -0.2, 0.3, 0.4), "OPENCV_FISHEYE"),
        (Fisheye(0.1, -0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), "THIN_PRISM_FISHEYE"),
    ],
)
def test_cameras_come_back(distortion: tuple[float, ...], model: str) -> None:
    name, parameters = colmap_camera(Lens(K, distortion))
    assert name == model
    there = transforms_camera(Lens(K, distortion))
    row = {column: str(value) for column, value in csv_camera(Lens(K, distortion)).items()}
    for lens in (
        parse_colmap_camera(name, parameters, "x"),
        parse_transforms_camera(there, "x"),
        parse_csv_camera(row, "x"),
    ):
        assert torch.equal(lens.K, K) and lens.distortion == distortion
        assert type(lens.distortion) is type(distortion)


PINHOLE = {"fl_x": 500, "fl_y": 510, "cx": 320, "cy": 240}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"camera_model": "PINHOLE", "k1": 0.1}, r"k1 is 0\.1, which PINHOLE does not have"),
        ({"camera_model": "RADIAL", "p2": -0.1}, r"p2 is -0\.1, which RADIAL does not have"),
        ({"camera_model": "OPENCV", "k4": 0.1}, r"k4 is 0\.1, which OPENCV does not have"),
        ({"k4": 0.1}, r"k4 is 0\.1, which OPENCV does not have"),
        ({"is_fisheye": True, "p1": 0.1}, r"p1 is 0\.1, which OPENCV_FISHEYE does not have"),
        ({"camera_model": "OPENCV", "is_fisheye": True}, "OPENCV, but is_fisheye"),
        ({"camera_model": "FOV"}, "camera_model 'FOV', expected one of SIMPLE_PINHOLE, "),
        ({"camera_model": ["OPENCV"]}, "expected one of"),
        ({"k1": None}, "expected numbers"),
        ({"k1": float("inf")}, "expected finite numbers"),
    ],
)
def test_distortion_has_to_fit_the_camera_model(keys: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"^x: .*{message}"):
        parse_transforms_camera({**PINHOLE, **keys}, "x")


def test_fisheye_of_instant_ngp() -> None:
    found = parse_transforms_camera({**PINHOLE, "is_fisheye": True, "k1": 0.1, "k4": 0.2}, "x")
    assert found.distortion == Fisheye(0.1, 0, 0, 0.2)
    assert parse_transforms_camera({**PINHOLE, "is_fisheye": False}, "x").distortion == ()


@pytest.mark.parametrize(
    ("pinhole", "message"),
    [
        ((500, 500, 320, 240), ""),
        ((33, 33, 0.5, 479), ""),
        ((0, 500, 320, 240), "is not positive"),
        ((-500, -500, 320, 240), "is not positive"),
        ((float("nan"), 500, 320, 240), "expected finite numbers"),
        ((500, 500, float("inf"), 240), "expected finite numbers"),
        ((0.035, 0.035, 320, 240), "expected 32 to 64000"),  # in metres
        ((1.2, 1.2, 0.5, 0.5), "expected 32 to 64000"),  # in widths of the image
        ((1e6, 1e6, 320, 240), "expected 32 to 64000"),
        ((5000, 500, 320, 240), "are of no lens"),
        ((500, 500, 0, 0), "is outside of 640 x 480"),
        ((500, 500, 960, 540), "is outside of 640 x 480"),  # of an image of another size
    ],
)
def test_a_camera_has_to_fit_its_image(pinhole: tuple[float, ...], message: str) -> None:
    lens = Lens(intrinsics(*pinhole), ())
    refused = pytest.raises(InputError, match=f"^x: .*{message}")
    with refused if message else nullcontext():
        check_lens(lens, (640, 480), "x")


def test_intrinsics_text_comes_back() -> None:
    odd = torch.cat([K[:2] / 3, K[2:]])
    assert torch.equal(parse_intrinsics_text(intrinsics_text(odd), "x"), odd)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 " * 9, "expected rows"),
        ("nan " * 9, "expected finite numbers"),
        ("500 0 320 0 500 240", "expected a 3x3 matrix, found 6 numbers"),
        ("500 0 0 0 500 0 320 240 1", "expected rows"),  # transposed
        ("500 0 320 0 500 240 0 0 2", "expected rows"),
    ],
)
def test_intrinsics_text_that_is_no_pinhole(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^x: .*{message}"):
        parse_intrinsics_text(text, "x")


def test_nvm_focals(tmp_path: Path) -> None:
    path = tmp_path / "reconstruction.nvm"
    camera = "1 0 0 0 5 6 7 -0.05 0"
    path.write_text(
        f"NVM_V3 \r\n\r\n2\r\nseq1/a.jpg\t1672.5 {camera}\r\nb.c.jpg 800 {camera}\r\n"
        "\r\n1\r\n0 0 0 1\r\n"
    )
    assert read_nvm_focals(path) == {"seq1/a.jpg": 1672.5, "b.c.jpg": 800.0}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "NVM_V3"),
        ("NVM_V3\n\nmany\n", 3, "camera count"),
        ("NVM_V3\n\n1\na.jpg 1672.5 1 0 0\n", 4, "11 fields"),
        ("NVM_V3\n\n1\na.jpg 0 1 0 0 0 5 6 7 -0.05 0\n", 4, "not positive"),
    ],
)
def test_broken_nvm(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "r.nvm"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"r\.nvm line {line}: .*{message}"):
        read_nvm_focals(path)
