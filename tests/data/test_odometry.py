"""Odometry from text: units and order of its columns, what is refused, motions between times, extrinsics."""

import math
import re

import pytest
import torch
from hostile import examples, mutations, one_line, survives
from hypothesis import HealthCheck, given, settings

from hinted_posenet.core.covariance import offset
from hinted_posenet.core.geometry import invert, quaternion_exp, quaternion_product, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.data.odometry import Odometry, motion, odometry_of, read_odometry
from hinted_posenet.data.odometry_rows import Rows, parse_extrinsics
from hinted_posenet.data.priors.columns import COVARIANCE

# of a camera that looks forward on a body of ROS: x forward, y left, z up
FORWARD = [0.0, 0.0, 0.0, 0.5, -0.5, 0.5, -0.5]
HEADER = "time_s,x,y,z,qw,qx,qy,qz"
HALF = math.sqrt(0.5)


def vector(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def write(path, *lines: str):
    path.write_text("\n".join(lines) + "\n")
    return path


def turning(rate_rad_s: float = 0.5, speed_m_s: float = 2.0, step_s: float = 0.1, count: int = 50):
    """A body that moves along x and turns about z."""
    stamp_s = torch.arange(count, dtype=torch.float64) * step_s
    zero = torch.zeros_like(stamp_s)
    q = quaternion_exp(torch.stack([zero, zero, rate_rad_s * stamp_s], dim=1))
    t = torch.stack([speed_m_s * stamp_s, zero, zero], dim=1)
    return Rows(lambda row: f"row {row}", stamp_s, Pose(t, q), None)


def test_csv_and_tum_state_the_same_poses(tmp_path):
    table = write(tmp_path / "o.csv", HEADER, f"10.0,1,2,3,{HALF},0,0,{HALF}", "10.1,1,2,4,1,0,0,0")
    lines = write(
        tmp_path / "o.tum", "# a comment", f"10.0 1 2 3 0 0 {HALF} {HALF}", "10.1,1,2,4,0,0,0,1"
    )
    for path in (table, lines):
        found = read_odometry(path)
        assert found.stamp_s.tolist() == [10.0, 10.1]
        assert found.pose.t.tolist() == [[1, 2, 3], [1, 2, 4]]
        assert torch.allclose(found.pose.q[0], vector(HALF, 0, 0, HALF))
        assert found.covariance is None


def test_sigmas_of_columns_become_a_covariance_in_metres_and_radians(tmp_path):
    columns = f"{HEADER},sigma_horizontal_m,sigma_vertical_m,sigma_r_deg"
    rows = [f"{time_s},0,0,0,1,0,0,0,0.1,0.2,{math.degrees(0.01)}" for time_s in (0, 0.1)]
    found = read_odometry(write(tmp_path / "o.csv", columns, *rows)).covariance
    expected = vector(0.1, 0.1, 0.2, 0.01, 0.01, 0.01).square()
    assert found is not None and torch.allclose(found[1].diagonal(), expected)


def test_a_full_covariance_is_read_from_its_upper_triangle(tmp_path):
    root = torch.rand(6, 6, dtype=torch.float64)
    stated = root @ root.T + torch.eye(6)
    numbers = [float(stated[i, j]) for i in range(6) for j in range(i, 6)]
    row = ",".join(map(repr, numbers))
    columns = f"{HEADER},{','.join(COVARIANCE)}"
    lines = [f"{time_s},0,0,0,1,0,0,0,{row}" for time_s in (0, 0.1)]
    found = read_odometry(write(tmp_path / "o.csv", columns, *lines)).covariance
    assert found is not None and torch.allclose(found[0], stated)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["0,0,0,0,1,0,0,0", "nan,0,0,0,1,0,0,0"], r"line 3: expected finite numbers"),
        (["0,0,0,inf,1,0,0,0", "1,0,0,0,1,0,0,0"], r"line 2: expected finite numbers"),
        (["0,0,0,0,1,0,0,0", "1,0,0,0,0,0,0,0"], r"line 3: quaternion 0.0 0.0 0.0 0.0 .* norm 0,"),
        (["0,0,0,0,1,0,0,0", "1,,0,0,1,0,0,0"], "line 3: expected numbers"),
        (["0,0,0,0,1,0,0", "1,0,0,0,1,0,0,0"], "line 2: expected as many fields"),
        (["1403636579763555584,0,0,0,1,0,0,0"] * 2, "line 2: the stamp is 14036.*divide nanosec"),
        (["0,0,0,2e9,1,0,0,0", "1,0,0,0,1,0,0,0"], "line 2: is more than 1e.08 m .* state metres"),
        (["5,0,0,0,1,0,0,0", "3,0,0,0,1,0,0,0"], "line 3: time goes back by 2 s"),
        (["5,0,0,0,1,0,0,0", "5,0,0,1,1,0,0,0"], "line 2: is the only pose"),
        ([], "o.csv: holds no pose"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_expected(tmp_path, lines, said):
    path = write(tmp_path / "o.csv", HEADER, *lines)
    assert re.search(said, one_line(lambda: read_odometry(path)))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("time_s,x,y,z", "line 1: column qw is missing"),
        ("x,y,z,qw,qx,qy,qz", "line 1: column time_s is missing"),
        ("time_ns,x,y,z,qw,qx,qy,qz", "'time_ns' is not known; did you mean time_s?"),
        ("time_s,x_mm,y_mm,z_mm,qw,qx,qy,qz", "'x_mm' is not known"),
        (f"{HEADER},sigma_t_m", "expected sigmas of position and rotation"),
        ("time_s,latitude,longitude,altitude,qw,qx,qy,qz", "column x is missing"),
    ],
)
def test_columns_that_are_not_of_odometry_are_refused(tmp_path, header, said):
    path = write(tmp_path / "o.csv", header)
    assert said in one_line(lambda: read_odometry(path))


def test_late_lines_are_sorted_and_repeated_stamps_left_out_with_a_warning(tmp_path, caplog):
    rows = [f"{time_s},{x},0,0,1,0,0,0" for time_s, x in ((0, 0), (0.2, 2), (0.1, 1), (0.2, 9))]
    found = read_odometry(write(tmp_path / "o.csv", HEADER, *rows))
    assert found.stamp_s.tolist() == [0, 0.1, 0.2]
    assert found.pose.t[:, 0].tolist() == [0, 1, 2]
    assert "line 4: 1 of 4 poses came late and are sorted, 1 repeat a stamp" in caplog.text


def test_a_covariance_that_is_none_is_left_out_with_a_warning(tmp_path, caplog):
    bad = torch.eye(6)
    bad[0, 1] = 5.0  # a correlation above 1
    row = ",".join(str(float(bad[i, j])) for i in range(6) for j in range(i, 6))
    lines = [f"{time_s},0,0,0,1,0,0,0,{row}" for time_s in (0, 0.1)]
    path = write(tmp_path / "o.csv", f"{HEADER},{','.join(COVARIANCE)}", *lines)
    assert read_odometry(path).covariance is None
    assert "2 of 2 poses; all covariances are left out" in caplog.text


def test_motions_are_exact_between_poses_and_compose():
    odometry = odometry_of(turning())
    step = motion(odometry, 1.03, 2.57)
    assert step is not None
    # the body moved 3.08 m along x of the world, which it sees turned back by its own heading
    expected = rotate(quaternion_exp(vector(0, 0, -0.5 * 1.03)), vector(2 * 1.54, 0, 0))
    assert torch.allclose(step.t, expected)
    assert torch.allclose(step.q, quaternion_exp(vector(0, 0, 0.5 * 1.54)))
    parts = [motion(odometry, *times) for times in ((1.03, 1.9), (1.9, 2.57))]
    first, second = (part for part in parts if part is not None)
    both = Pose(first.t + rotate(first.q, second.t), quaternion_product(first.q, second.q))
    assert offset(both, step).abs().max() < 1e-12
    back = motion(odometry, 2.57, 1.03)
    assert back is not None
    assert offset(Pose(*invert(*step)), back).abs().max() < 1e-12


def test_a_motion_over_a_gap_or_beyond_the_ends_is_not_known():
    rows = turning(count=60)
    kept = torch.tensor([i for i in range(60) if not 20 < i < 40])
    odometry = odometry_of(rows.chosen(kept))
    assert odometry.longest_gap_s == pytest.approx(0.5)
    assert motion(odometry, 1.0, 4.5) is None
    assert motion(odometry, 2.5, 2.6) is None
    assert motion(odometry, 1.0, 2.0) is not None  # ends where the gap begins
    assert motion(odometry, 4.0, 5.0) is not None
    assert motion(odometry, -0.01, 1.0) is None
    assert motion(odometry, 5.0, 5.91) is None
    bridged = motion(odometry._replace(longest_gap_s=3.0), 1.0, 4.5)
    assert bridged is not None


def test_extrinsics_carry_poses_and_covariances_to_the_camera():
    torch.manual_seed(0)
    rows = turning()
    root = 0.1 * torch.rand(6, 6, dtype=torch.float64)
    covariance = (root @ root.T + 0.01 * torch.eye(6)).expand(50, 6, 6)
    arm = parse_extrinsics([0.3, 0.1, -0.2, *FORWARD[3:]])
    odometry = odometry_of(rows._replace(covariance=covariance), arm)
    forward = rotate(odometry.pose.q[0], vector(0, 0, 1))  # the optical axis
    assert torch.allclose(forward, vector(1, 0, 0))
    # drawn errors of the body, as the camera has them
    turns = torch.linalg.cholesky(covariance[30]) @ (1e-4 * torch.randn(6, 4000).double())
    t, q = (part[30] for part in rows.pose)
    moved = Pose(
        t + turns[:3].T, quaternion_product(quaternion_exp(turns[3:].T), q.expand(4000, 4))
    )
    camera = Pose(
        moved.t + rotate(moved.q, arm.t), quaternion_product(moved.q, arm.q.expand(4000, 4))
    )
    truth = Pose(*(part[30].expand(4000, -1) for part in odometry.pose))
    drawn = offset(truth, camera).T.cov() / 1e-8
    assert odometry.covariance is not None
    assert torch.allclose(drawn, odometry.covariance[30], rtol=0.2, atol=0.003)


@pytest.mark.parametrize("numbers", [[0, 0, 0], [0.0] * 7, [math.nan, 0, 0, 1, 0, 0, 0]])
def test_extrinsics_that_are_no_pose_are_refused(numbers):
    assert "expected [x,y,z,qw,qx,qy,qz]" in one_line(lambda: parse_extrinsics(numbers))


def test_files_of_other_kinds_are_refused(tmp_path):
    missing, other = tmp_path / "no.csv", write(tmp_path / "o.xml", "<a/>")
    assert "no such file" in one_line(lambda: read_odometry(missing))
    assert "expected a file .csv .tum .txt .bag" in one_line(lambda: read_odometry(other))
    table = write(tmp_path / "o.csv", HEADER)
    assert "has no topics" in one_line(lambda: read_odometry(table, topic="/odom"))


VALID = {
    ".csv": "\n".join([HEADER, *(f"{i / 10},{i},0,0,1,0,0,0" for i in range(5))]),
    ".tum": "\n".join(f"{i / 10} {i} 0 0 0 0 0 1" for i in range(5)),
}


@pytest.mark.parametrize("suffix", VALID)
def test_damaged_files_end_in_one_line_or_in_sound_odometry(suffix, tmp_path):
    @settings(
        max_examples=examples(40),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(mutations(VALID[suffix].encode()))
    def check(content):
        path = tmp_path / f"o{suffix}"
        path.write_bytes(content)
        found = survives(lambda: read_odometry(path))
        if isinstance(found, Odometry):
            assert (found.stamp_s.diff() > 0).all()
            assert all(part.isfinite().all() for part in found.pose)

    check()
