"""Each format by a literal line whose pose was worked out by hand."""

from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Pose
from hinted_posenet.data.poses import (
    AERIAL_POSE_COLUMNS,
    CSV_POSE_COLUMNS,
    ValidatedPose,
    cambridge_line,
    colmap_pose,
    csv_pose,
    matrix_text,
    nvm_line,
    opengl_matrix,
    parse_cambridge_line,
    parse_colmap_pose,
    parse_csv_pose,
    parse_matrix_texts,
    parse_opengl_matrix,
    parse_pseudo_ground_truth_line,
    parse_tum_pose,
    write_poses,
)

# The camera at (1, 2, 3) that is turned by +90 degrees about z: its x axis points along world y.
# World to camera: q = (h, 0, 0, -h), and t = -R^T c = -(c_y, -c_x, c_z) = (-2, 1, -3).
H = 0.5**0.5
CENTER = [1.0, 2.0, 3.0]
Q_WORLD_CAM = [H, 0.0, 0.0, H]


def parse_matrix_text(text: str, where: str) -> ValidatedPose:
    (stated,) = parse_matrix_texts([text], [where])
    if isinstance(stated, InputError):
        raise stated
    return stated


def assert_is_the_camera(pose: Pose | ValidatedPose, atol: float = 1e-12) -> None:
    if isinstance(pose, ValidatedPose):
        pose = pose.T_world_cam
    assert pose.t.dtype == pose.q.dtype == torch.float64
    assert pose.t.tolist() == pytest.approx(CENTER, abs=atol)
    assert float(rotation_angle(pose.q, torch.tensor(Q_WORLD_CAM, dtype=torch.float64))) < 1e-7
    assert float(pose.q.norm()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, -1.0, 2.01, 0.5])
def test_cambridge_line_has_the_center_and_the_inverse_rotation(scale: float) -> None:
    name, stated = parse_cambridge_line(f"seq1/a.png 1 2 3 {scale * H} 0 0 {-scale * H}\r\n", "x")
    assert name == "seq1/a.png"
    assert_is_the_camera(stated)
    assert stated.rotation_error == pytest.approx(abs(abs(scale) - 1), abs=1e-12)


def test_matrix_text_is_camera_to_world() -> None:
    assert_is_the_camera(parse_matrix_text("0 -1 0 1\r\n1 0 0 2\r\n0\t0 1 3\r\n0 0 0 1\r\n", "x"))


def test_matrix_text_is_projected_to_the_nearest_rotation() -> None:
    text = "0.0003 -0.9998 0 1\n0.9999 0 0.0002 2\n0 0 0.9997 3\n0 0 0 1\n"
    pose, rotation_error, _ = parse_matrix_text(text, "x")
    assert rotation_error == pytest.approx(1 - 0.9997**2 - 0.0002**2)
    assert float(pose.q.norm()) == pytest.approx(1.0, abs=1e-12)
    assert float(rotation_angle(pose.q, torch.tensor(Q_WORLD_CAM, dtype=torch.float64))) < 3e-4


def test_many_matrices_at_once_keep_their_places() -> None:
    good = "0 -1 0 1\n1 0 0 2\n0 0 1 3\n0 0 0 1\n"
    texts = [good, "1 2 3", good, good.replace("3", "-inf"), good.replace("-1", "-2")]
    found = parse_matrix_texts(texts, [f"f{i}" for i in range(5)])
    for i in (0, 2):
        assert isinstance(found[i], ValidatedPose)
        assert_is_the_camera(found[i])
    for i, reason in {1: "4 rows of 4", 3: "finite", 4: "not a rotation"}.items():
        assert str(found[i]).startswith(f"f{i}: ") and reason in str(found[i])


def test_pseudo_ground_truth_is_world_to_camera() -> None:
    line = f"seq-01/frame-000000.color.png {H} 0 0 {-H} -2 1 -3 526.22"
    name, stated, focal_px = parse_pseudo_ground_truth_line(line, "x")
    assert (name, focal_px) == ("seq-01/frame-000000.color.png", 526.22)
    assert_is_the_camera(stated)
    with pytest.raises(InputError, match="x: expected 9 fields"):
        parse_pseudo_ground_truth_line("seq-01/frame-000000.color.png 1 0 0 0 1 2 3", "x")


def test_opengl_matrix_is_camera_to_world_with_y_up_and_z_back() -> None:
    rows = [[0, 1, 0, 1], [1, 0, 0, 2], [0, 0, -1, 3], [0, 0, 0, 1]]
    assert_is_the_camera(parse_opengl_matrix(rows, "x"))


def test_colmap_pose_is_world_to_camera() -> None:
    assert_is_the_camera(parse_colmap_pose([H, 0, 0, -H, -2, 1, -3], "x"))


def test_written_lines_are_the_same_camera() -> None:
    exact = torch.float64
    pose = Pose(torch.tensor(CENTER, dtype=exact), torch.tensor(Q_WORLD_CAM, dtype=exact))
    assert_is_the_camera(parse_cambridge_line(cambridge_line("a.png", pose), "x")[1])
    assert_is_the_camera(parse_matrix_text(matrix_text(pose), "x"))
    assert_is_the_camera(parse_opengl_matrix(opengl_matrix(pose), "x"))
    assert_is_the_camera(parse_colmap_pose(colmap_pose(pose), "x"))
    name, *fields = nvm_line("a.png", 500.1, pose).split()
    assert name == "a.png"
    expected = [500.1, H, 0, 0, -H, *CENTER, 0, 0]  # world-to-camera rotation, camera center
    assert [float(field) for field in fields] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_aerial_row_is_world_to_camera(sign: float) -> None:
    values = [sign * H, 0, 0, -sign * H, -2, 1, -3]
    row = dict(zip(AERIAL_POSE_COLUMNS, map(str, values), strict=True))
    assert_is_the_camera(parse_csv_pose(row, "x"))


def test_pose_text_is_written_as_its_header_says(tmp_path: Path) -> None:
    path = tmp_path / "poses.txt"
    write_poses(path, ["a.png"], Pose(torch.tensor([CENTER]), torch.tensor([Q_WORLD_CAM])))
    header, line = path.read_text().splitlines()
    assert "name qw qx qy qz tx ty tz" in header and "world-to-camera" in header
    name, *numbers = line.split()
    assert name == "a.png"
    assert [float(n) for n in numbers] == pytest.approx([H, 0, 0, -H, -2, 1, -3], abs=1e-6)


def test_pose_text_round_trip(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    t = 1e5 * torch.randn(20, 3, generator=generator, dtype=torch.float64)
    q = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    q = q / q.norm(dim=-1, keepdim=True)
    names = [f"seq 1/frame{i}.png" for i in range(20)]
    write_poses(tmp_path / "poses.txt", names, Pose(t, q))
    lines = [line.rsplit(maxsplit=7) for line in (tmp_path / "poses.txt").read_text().splitlines()]
    assert [name for name, *_ in lines[1:]] == names
    for i, (_, *fields) in enumerate(lines[1:]):
        pose = parse_colmap_pose(fields, "x").T_world_cam
        torch.testing.assert_close(pose.t, t[i], rtol=1e-13, atol=0)
        assert rotation_angle(pose.q, q[i]) < 1e-12


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png 1 2 3 1 0 0", "8 fields .* found 7"),
        ("a.png 1 2 3 1 0 0 zero", "expected numbers"),
        ("a.png 1 2 nan 1 0 0 0", "finite"),
        ("a.png 1 2 3 inf 0 0 0", "finite"),
        ("a.png 1 2 3 0 0 0 0", "norm 0"),
        ("a.png 1 2 3 3 0 0 0", "norm 3"),
    ],
)
def test_broken_cambridge_line(line: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^labels line 7: .*{message}"):
        parse_cambridge_line(line, "labels line 7")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n", "4 rows of 4"),
        ("", "4 rows of 4"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 2\n", "last row"),
        ("-1.#IND 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "expected numbers"),
        ("inf 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "finite"),
        ("2 0 0 0\n0 2 0 0\n0 0 2 0\n0 0 0 1\n", "not a rotation"),
        ("0 0 0 0\n0 0 0 0\n0 0 0 0\n0 0 0 1\n", "not a rotation"),
        ("1 0 0 0\n0 1 0 0\n0 0 -1 0\n0 0 0 1\n", "not a rotation .*det -1"),
    ],
)
def test_broken_matrix(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^f.pose.txt: .*{message}") as error:
        parse_matrix_text(text, "f.pose.txt")
    assert "\n" not in str(error.value)


def test_tum_is_camera_to_world_with_w_last() -> None:
    assert_is_the_camera(parse_tum_pose(f"1 2 3 0 0 {H} {H}".split(), "x"))
    assert parse_tum_pose(["1", "2", "3", "0", "0", "0", "1.01"], "x").rotation_error == (
        pytest.approx(0.01)
    )


def test_csv_row_is_what_its_columns_say() -> None:
    camera_to_world = f"{H} 0 0 {H} 1 2 3".split()
    world_to_camera = f"{H} 0 0 {-H} -2 1 -3".split()
    row = dict(zip(CSV_POSE_COLUMNS, camera_to_world, strict=True))
    assert_is_the_camera(parse_csv_pose(row, "x"))
    inverse = dict(zip(AERIAL_POSE_COLUMNS, world_to_camera, strict=True))
    assert_is_the_camera(parse_csv_pose(inverse, "x"))
    pose = parse_csv_pose(row, "x").T_world_cam
    assert csv_pose(pose) == pytest.approx([H, 0, 0, H, 1, 2, 3], abs=1e-15)
