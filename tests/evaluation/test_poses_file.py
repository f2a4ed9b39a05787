import math
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.data.poses import matrix_text, write_poses
from hinted_posenet.evaluation.poses_file import read_poses_file

# a camera at (1, 2, 3), turned by 90 degrees about z
H = math.sqrt(0.5)
CENTER, Q_WORLD_CAM = [1.0, 2.0, 3.0], [H, 0.0, 0.0, H]
WORLD_TO_CAMERA = f"{H} 0 0 {-H} -2 1 -3"
POSE = Pose(*(torch.tensor(part, dtype=torch.float64) for part in (CENTER, Q_WORLD_CAM)))
COLUMNS = ("qw", "qx", "qy", "qz", "tx", "ty", "tz")


def assert_is_the_camera(found: Pose, row: int = 0) -> None:
    torch.testing.assert_close(found.t[row], POSE.t, rtol=0, atol=1e-9)
    assert abs(float(found.q[row] @ POSE.q)) == pytest.approx(1.0, abs=1e-9)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def csv(prefix: str, numbers: str) -> str:
    return f"name,{','.join(f'{prefix}_{c}' for c in COLUMNS)}\na.png,{numbers.replace(' ', ',')}\n"


FILES = {
    "text": ("p.txt", f"# from elsewhere\r\n\r\na.png {WORLD_TO_CAMERA}\r\n"),
    "tum": ("p.txt", f"# time tx ty tz qx qy qz qw\n12.5 1 2 3 0 0 {H} {H}\n"),
    "csv": ("p.csv", csv("T_world_cam", f"{H} 0 0 {H} 1 2 3")),
    "csv, world to camera": ("p.csv", csv("T_cam_world", WORLD_TO_CAMERA)),
    "seven_scenes": ("seq-01/frame-000000.pose.txt", matrix_text(POSE)),
    "colmap": ("images.txt", f"# images\n1 {WORLD_TO_CAMERA} 1 a.png\n\n"),
}
NAMES = {"tum": "12.5", "seven_scenes": "seq-01/frame-000000"}


@pytest.mark.parametrize("format", FILES)
def test_every_format_is_recognised_and_is_the_same_camera(tmp_path, format):
    name, text = FILES[format]
    path = written(tmp_path / name, text)
    written(tmp_path / "cameras.txt", "1 SIMPLE_PINHOLE 64 48 50 32 24\n")
    found = read_poses_file(tmp_path if format in ("seven_scenes", "colmap") else path)
    assert_is_the_camera(found.T_world_cam)
    assert found.names == [NAMES.get(format, "a.png")]
    assert path.name in found.where[0] or "images.txt" in found.where[0]


def test_what_predict_writes_is_read(tmp_path):
    names = ["my photo.jpg", "seq/b.jpg"]
    write_poses(tmp_path / "p.txt", names, Pose(*(part.expand(2, -1) for part in POSE)))
    found = read_poses_file(tmp_path / "p.txt")
    assert found.names == names
    assert_is_the_camera(found.T_world_cam, row=1)


def test_minus_q_and_a_q_that_is_not_unit_are_the_same_rotation(tmp_path):
    text = f"a {WORLD_TO_CAMERA}\nb {-2 * H} 0 0 {2 * H} -2 1 -3\n"
    found = read_poses_file(written(tmp_path / "p.txt", text))
    for row in (0, 1):
        assert_is_the_camera(found.T_world_cam, row)


@pytest.mark.parametrize("format", ["text", "tum", "seven_scenes"])
def test_nan_is_an_answer_that_failed(tmp_path, format):
    name, text = FILES[format]
    failed = {
        "text": "b.png nan nan nan nan nan nan nan\n",
        "tum": "13.5 nan nan nan nan nan nan nan\n",
    }
    path = written(tmp_path / name, text + failed.get(format, ""))
    if format == "seven_scenes":
        path = written(tmp_path / "seq-01/frame-000001.pose.txt", "nan nan nan nan\n" * 4)
        path = tmp_path
    found = read_poses_file(path)
    assert_is_the_camera(found.T_world_cam)
    assert found.T_world_cam.t[1].isnan().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 0 0 0 1 2 3\nb 1 0 0 0 1 2\n", r"p\.txt line 2: expected 8 fields .*, found 7"),
        ("a 1 0 0 0 1 2 3\n# x\na 1 0 0 0 1 2 3\n", r"line 3: a is already in p\.txt line 1"),
        ("a 1 0 0 0 1 2 3\nb 1 0 0 0 1 2 x\n", r"line 2: expected numbers, found `1 0 0 0 1 2 x`"),
        ("a 0 0 0 0 1 2 3\n", r"line 1: quaternion of norm 0, expected about 1"),
        ("a 1 0 0 0 1 2 inf\n", r"line 1: quaternion"),
        ("a 1 0 0 0 1 2 1e30\n", r"line 1: a position more than 1e\+08 m from the origin"),
        ("a 1 0 0 0 1 2 ²\n", r"line 1: expected numbers, found `1 0 0 0 1 2 ²`"),
        ("a 1 0 0 0 1 2 1_0\n", r"line 1: expected numbers"),
        ("a\tb 1 0 0 0 1 2 3\n", r"line 1: 'a\\tb' has a line end or control character"),
        ("# nothing\n", "no poses"),
    ],
)
def test_mistakes_are_told_by_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_poses_file(written(tmp_path / "p.txt", text))


def test_the_first_of_many_mistakes_is_told_with_their_count(tmp_path):
    path = written(tmp_path / "p.txt", "x 1 2\n" * 8)
    with pytest.raises(InputError, match=r"^[^\n]*p\.txt line 1: [^\n]* \(7 more like it\)$"):
        read_poses_file(path)


def test_a_missing_or_binary_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt: no such file"):
        read_poses_file(tmp_path / "gone.txt")
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"p\.txt line 1: not UTF-16 text"):
        read_poses_file(tmp_path / "p.txt")
    with pytest.raises(InputError, match=r"expected images\.txt"):
        read_poses_file(tmp_path)
    with pytest.raises(InputError, match=r"expected \*\.pose\.txt in the folder"):
        read_poses_file(tmp_path, "seven_scenes")
    written(tmp_path / "cameras.txt", "")
    written(tmp_path / "images.txt", "# nothing")
    with pytest.raises(InputError, match=r"no poses; expected those of images\.txt"):
        read_poses_file(tmp_path)
