"""Each camera model by literal parameters."""

from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.cameras import (
    Lens,
    colmap_camera,
    intrinsics_text,
    parse_colmap_camera,
    parse_intrinsics_text,
    parse_transforms_camera,
    read_nvm_focals,
    transforms_camera,
)

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
    ],
)
def test_cameras_come_back(distortion: tuple[float, ...], model: str) -> None:
    name, parameters = colmap_camera(Lens(K, distortion))
    assert name == model
    there = transforms_camera(Lens(K, distortion))
    for lens in (parse_colmap_camera(name, parameters, "x"), parse_transforms_camera(there, "x")):
        assert torch.equal(lens.K, K) and lens.distortion == distortion


def test_rational_terms_are_refused() -> None:
    with pytest.raises(InputError, match=r"x: k5 is 0\.1, not supported; undistort"):
        parse_colmap_camera("FULL_OPENCV", [500, 510, 320, 240, 0, 0, 0, 0, 0, 0, 0.1, 0], "x")


def test_intrinsics_text_comes_back() -> None:
    odd = K / 3
    assert torch.equal(parse_intrinsics_text(intrinsics_text(odd), "x"), odd)


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
