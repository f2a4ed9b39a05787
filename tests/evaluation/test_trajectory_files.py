"""Trajectories in all dialects of the field are scored as evo scores them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from evo.core import metrics, sync
from evo.core.metrics import PoseRelation, Unit
from evo.core.trajectory import PoseTrajectory3D
from evo.tools import file_interface
from poses import generator

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.evaluation.score import score_file

START_S = 1305031100.0
HEADER = "timestamp,tx,ty,tz,qx,qy,qz,qw\n"
EUROC_HEADER = (
    "#timestamp, p_RS_R_x [m], p_RS_R_y [m], p_RS_R_z [m], q_RS_w [], q_RS_x [], q_RS_y [], q_RS_z [],"
    " v_RS_R_x [m s^-1], v_RS_R_y [m s^-1], v_RS_R_z [m s^-1]\n"
)


def flight(rate_hz: float, noise_m: float = 0.0, offset_s: float = 0.0) -> tuple[np.ndarray, Pose]:
    """Times and poses of two seconds of a drone's circle."""
    times_s = np.arange(offset_s, 2, 1 / rate_hz)
    angle = torch.from_numpy(times_s)
    t = torch.stack([3 * angle.cos(), 3 * angle.sin(), 1 + 0.2 * angle], dim=1)
    t = t + noise_m * torch.randn(t.shape, generator=generator(), dtype=torch.float64)
    turn = torch.stack([0.1 * angle, -0.3 * angle, angle + noise_m], dim=1)
    return START_S + times_s, Pose(t, quaternion_exp(turn))


def tum(times_s: np.ndarray, pose: Pose, separator: str = " ", end: str = "\n") -> str:
    numbers = torch.cat([pose.t, pose.q[:, 1:], pose.q[:, :1]], dim=1).tolist()
    rows = zip(times_s, numbers, strict=True)
    return "".join(separator.join([f"{time:.6f}", *map(repr, row)]) + end for time, row in rows)


def euroc(times_s: np.ndarray, pose: Pose) -> str:
    numbers = torch.cat([pose.t, pose.q, torch.zeros(len(pose.t), 3)], dim=1).tolist()
    rows = zip(times_s, numbers, strict=True)
    return "".join(",".join([f"{time * 1e9:.0f}", *map(repr, row)]) + "\n" for time, row in rows)


def kitti(pose: Pose) -> str:
    rows = pose.matrix()[:, :3].reshape(-1, 12).tolist()
    return "".join(" ".join(map(repr, row)) + "\n" for row in rows)


TRUTH, SLAM, KEYFRAMES = flight(100), flight(30, 0.02, 0.0137), flight(4, 0.02, 0.0137)
DIALECTS = {
    "rates": (tum(*SLAM), tum(*TRUTH)),
    "keyframes": (
        tum(*KEYFRAMES),
        "# ground truth\n# timestamp tx ty tz qx qy qz qw\n" + tum(*TRUTH),
    ),
    "commas and a header": (HEADER + tum(*SLAM, ","), tum(*TRUTH, ", ")),
    "tabs and CRLF": (tum(*SLAM, "\t", "\r\n"), "\ufeff" + tum(*TRUTH, "  ", " \r\n")),
    "nanoseconds": (tum(SLAM[0] * 1e9, SLAM[1]), EUROC_HEADER + euroc(*TRUTH)),
    "euroc without header": (tum(*SLAM), euroc(*TRUTH).replace("\n", ",0,0,0,0,0,0\n")),
    "twice": (tum(*SLAM), tum(*TRUTH) + tum(TRUTH[0][37:39], Pose(TRUTH[1].t[:2], TRUTH[1].q[:2]))),
    "moved": (tum(SLAM[0], Pose(2 * SLAM[1].t + 5, SLAM[1].q)), tum(*TRUTH)),
}


def in_evo(times_s: np.ndarray, pose: Pose) -> PoseTrajectory3D:
    return PoseTrajectory3D(pose.t.numpy(), pose.q.numpy(), times_s)


def rmse(metric: metrics.PE, truth: PoseTrajectory3D, found: PoseTrajectory3D) -> float:
    metric.process_data((truth, found))
    return float(metric.get_statistic(metrics.StatisticsType.rmse))


ALIGNED = [("moved", "rigid"), ("moved", "similarity")]


@pytest.mark.parametrize(
    ("dialect", "alignment"), [*((name, "none") for name in DIALECTS), *ALIGNED]
)
def test_all_dialects_are_scored_as_evo_scores_them(
    tmp_path: Path, dialect: str, alignment: str
) -> None:
    estimated, truth = DIALECTS[dialect]
    (tmp_path / "slam.txt").write_text(estimated, newline="")
    (tmp_path / "truth.txt").write_text(truth, newline="")
    out = tmp_path / "out"
    score_file(tmp_path / "slam.txt", tmp_path / "truth.txt", alignment=alignment, out=out)
    results = json.loads((out / "results.json").read_text())
    (row,) = results["trajectories"]

    times_s, pose = KEYFRAMES if dialect == "keyframes" else SLAM
    pose = Pose(2 * pose.t + 5, pose.q) if dialect == "moved" else pose
    true, found = sync.associate_trajectories(in_evo(*TRUTH), in_evo(times_s, pose), max_diff=0.01)
    assert (
        results["coverage"]["pairs"]
        == len(found.timestamps)
        == row["answered_frames"]
        == row["frames"]
    )
    if alignment != "none":
        found.align(true, correct_scale=alignment == "similarity")
    ape = rmse(metrics.APE(PoseRelation.translation_part), true, found)
    assert results["rows"][0]["rmse_t_m"] == pytest.approx(ape, abs=1e-6)
    turn = rmse(metrics.APE(PoseRelation.rotation_angle_deg), true, found)
    assert results["rows"][0]["rmse_r_deg"] == pytest.approx(turn, abs=1e-6)
    for key, relation in (
        ("m", PoseRelation.translation_part),
        ("deg", PoseRelation.rotation_angle_deg),
    ):
        rpe = rmse(metrics.RPE(relation, 1, Unit.frames), true, found)
        assert row[f"rpe_rmse_{key}"] == pytest.approx(rpe, abs=1e-6)
    found.align(true)
    ate = rmse(metrics.APE(PoseRelation.translation_part), true, found)
    assert row["ate_rmse_m"] == row["ate_rmse_m_of_answered"] == pytest.approx(ate, abs=1e-6)


def test_what_evo_reads_of_these_files_is_what_is_read(tmp_path: Path) -> None:
    """Files as evo's own readers take them."""
    readers = {
        "tum": (file_interface.read_tum_trajectory_file, tum(*TRUTH)),
        "euroc": (file_interface.read_euroc_csv_trajectory, EUROC_HEADER + euroc(*TRUTH)),
        "kitti": (file_interface.read_kitti_poses_file, kitti(TRUTH[1])),
    }
    for format, (read, text) in readers.items():
        file = tmp_path / format
        file.write_text(text)
        theirs, ours = read(str(file)), read_poses_file(file)
        assert ours.format == format
        np.testing.assert_allclose(ours.T_world_cam.t, theirs.positions_xyz, atol=1e-12)
        dots = (ours.T_world_cam.q.numpy() * theirs.orientations_quat_wxyz).sum(axis=1)
        np.testing.assert_allclose(np.abs(dots), 1, atol=1e-9)
        if format != "kitti":
            np.testing.assert_array_equal(ours.times_s, theirs.timestamps)


def test_kitti_is_scored_by_line_and_a_failed_line_is_beside_what_is_there(tmp_path: Path) -> None:
    truth, found = flight(20)[1], flight(20, 0.02)[1]
    lines = kitti(found).splitlines()
    lines[7] = " ".join(["nan"] * 12)
    (tmp_path / "slam.txt").write_text("\n".join(lines))
    (tmp_path / "truth.txt").write_text(kitti(truth))
    out = score_file(tmp_path / "slam.txt", tmp_path / "truth.txt", out=tmp_path / "out")
    results = json.loads((out / "results.json").read_text())
    (row,) = results["trajectories"]
    assert row["ate_rmse_m"] == "inf" and 0 < row["ate_rmse_m_of_answered"] < 0.1
    assert (row["frames"], row["answered_frames"]) == (40, 39)
    assert any("1 poses are NaN" in note for note in results["notes"])


def test_numbers_after_a_pose_are_left_out(tmp_path: Path) -> None:
    """ACE and DSAC* append errors and inliers, ACE0 focal length and confidence, others a focal length."""
    rows = torch.cat([SLAM[1].q, SLAM[1].t], dim=1).tolist()
    plain = "".join(f"{n}.png {' '.join(map(repr, row))}\n" for n, row in enumerate(rows))
    (tmp_path / "plain.txt").write_text(plain)
    expected = read_poses_file(tmp_path / "plain.txt")
    for more in (" 585.0", " 585.0 0.93", " 0.62 0.019 1834"):
        (tmp_path / "more.txt").write_text(plain.replace("\n", f"{more}\n"))
        found = read_poses_file(tmp_path / "more.txt")
        assert found.names == expected.names
        assert torch.equal(found.T_world_cam.t, expected.T_world_cam.t)


def test_names_that_are_numbers_are_no_times(tmp_path: Path) -> None:
    rows = torch.cat([SLAM[1].q, SLAM[1].t], dim=1).tolist()
    (tmp_path / "p.txt").write_text(
        "".join(f"{n} {' '.join(map(repr, r))}\n" for n, r in enumerate(rows))
    )
    found = read_poses_file(tmp_path / "p.txt")
    assert found.format == "text" and found.names[1] == "1"


@pytest.mark.parametrize(
    ("text", "format", "message"),
    [
        (
            euroc(*SLAM).replace(",0.0,0.0,0.0\n", "\n"),
            None,
            "nothing tells whether qw comes first",
        ),
        (EUROC_HEADER + euroc(*SLAM), "tum", "its header says another order than poses_format=tum"),
        (
            "1 2 3 4 5 6 7\n",
            "tum",
            "line 1: expected 8 fields `time tx ty tz qx qy qz qw`, found 7",
        ),
        ("nan 1 2 3 0 0 0 1\n", "tum", "line 1: expected a time, found `nan`"),
        ("1 0 0 1 0 1 0 2 0 0 1\n", "kitti", "line 1: expected 12 numbers, found 11"),
        (
            "1 0 0 1 0 1 0 2 0 0 2 3\n",
            "kitti",
            "line 1: the upper left 3x3 block is not a rotation",
        ),
        (
            tum(*SLAM) + tum(*SLAM),
            None,
            "line 61: 1305031100.013700 is already in .* line 1; remove one",
        ),
    ],
)
def test_what_is_wrong_with_a_trajectory_is_one_line(
    tmp_path: Path, text: str, format: str | None, message: str
) -> None:
    (tmp_path / "slam.txt").write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        read_poses_file(tmp_path / "slam.txt", format)
    assert "\n" not in str(refused.value)


def test_the_result_is_the_same_far_from_the_origin(tmp_path: Path) -> None:
    """In UTM or ECEF metres, whose last digits float32 does not have, and of names that are not the truth's."""
    found = []
    for number, away_m in enumerate((0.0, 5e6)):
        for name, (times_s, pose) in (("truth", TRUTH), ("slam", SLAM)):
            moved = Pose(
                pose.t + away_m, quaternion_product(pose.q, quaternion_exp(torch.zeros(3)))
            )
            (tmp_path / f"{name}.txt").write_text(tum(times_s, moved))
        run = tmp_path / str(number)
        score_file(tmp_path / "slam.txt", tmp_path / "truth.txt", out=run / "a")
        again = score_file(tmp_path / "slam.txt", run / "a", out=run / "b")  # from frames.csv
        for folder in (run / "a", again):
            results = json.loads((folder / "results.json").read_text())
            numbers = {**results["rows"][0], **results["trajectories"][0]}
            found.append({k: v for k, v in numbers.items() if isinstance(v, float)})
    for other in found[1:]:
        assert other == pytest.approx(found[0], abs=2e-8)
        assert not any(math.isinf(value) for value in other.values())
