import csv
import json
import math
import re
from pathlib import Path

import fakes
import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.core.types import Pose, stack_poses
from hinted_posenet.data.formats import aerial, seven_scenes
from hinted_posenet.data.poses import write_poses
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.evaluation.score import score_file
from hinted_posenet.reports.compare import comparison
from hinted_posenet.reports.page.page import render
from hinted_posenet.show.run_picture import read_run_poses
from hinted_posenet.show.wires import pyramids


def split(root: Path, name: str = "test") -> tuple[list[str], Pose]:
    views = aerial.read_views(root, "prairie", name)
    return [view.name for view in views], stack_poses(view.T_world_cam for view in views)


@pytest.fixture
def prairie(tmp_path: Path) -> Path:
    return fakes.write_aerial(tmp_path)


def rows(folder: Path, group: str = "all") -> dict[str, dict]:
    results = json.loads((folder / "results.json").read_text())
    return {row["method"]: row for row in results["rows"] if row["group"] == group}


def test_a_file_is_scored_as_a_run_is(prairie, tmp_path):
    names, truth = split(tmp_path)
    east = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)
    turn = quaternion_exp(torch.tensor([0.0, 0.0, math.radians(2)], dtype=torch.float64))
    answers = Pose(truth.t + east, quaternion_product(truth.q, turn.expand_as(truth.q)))
    write_poses(tmp_path / "hloc.txt", names, answers)
    folder = score_file(tmp_path / "hloc.txt", prairie, out=tmp_path / "out")
    found = rows(folder)
    assert found.keys() == {"constant pose", "pass 1", "nearest camera (ORACLE)"}
    assert [row["role"] for row in found.values()] == ["control", "network", "control"]
    assert [row["oracle"] for row in found.values()] == [False, False, True]
    assert found["pass 1"]["step"] == 1 and found["constant pose"]["step"] is None
    ours = found["pass 1"]
    for name in ("median", "mean", "rmse", "p75", "p90", "p95", "max"):
        assert ours[f"{name}_t_m"] == pytest.approx(5.0, abs=1e-6)
        assert ours[f"{name}_r_deg"] == pytest.approx(2.0, abs=1e-6)
    assert ours["recall_10m_5deg"] == 1
    assert ours["auc_50m"] == pytest.approx(0.9) and ours["auc_10deg"] == pytest.approx(0.8)
    table = comparison(read_runs([folder])).text()
    assert "hloc" in table and "5.00 [5.00, 5.00] m" in table


def test_missing_frames_are_failures_and_no_fewer_frames(prairie, tmp_path):
    names, truth = split(tmp_path)
    write_poses(tmp_path / "p.txt", names[:1], Pose(truth.t[:1], truth.q[:1]))
    folder = score_file(tmp_path / "p.txt", prairie, out=tmp_path / "out")
    found = rows(folder)["pass 1"]
    assert found["frames"] == len(names) == 4
    assert found["median_t_m"] == found["max_t_m"] == "inf"
    assert found["recall_10m_5deg"] == 0.25
    (note,) = json.loads((folder / "results.json").read_text())["notes"]
    assert note.startswith("3 of 4 frames have no pose")


SIGMAS = "sigma_x_m,sigma_y_m,sigma_z_m,sigma_rx_deg,sigma_ry_deg,sigma_rz_deg"


def write_csv(file: Path, names: list[str], pose: Pose, sigmas: list[str]) -> Path:
    parts = ",".join(f"T_world_cam_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))
    numbers = torch.cat([pose.q, pose.t], dim=1).tolist()
    rows = (
        ",".join([name, *map(str, values), stated])
        for name, values, stated in zip(names, numbers, sigmas, strict=True)
    )
    file.write_text("\n".join([f"name,{parts},{SIGMAS}", *rows]) + "\n")
    return file


def test_stated_sigmas_are_scored_too(prairie, tmp_path):
    """3 m east and 4 m up, of which the second frame claims less; what the third does not state is not counted."""
    names, truth = split(tmp_path)
    east = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)
    answers = Pose(truth.t + east, truth.q)
    sigmas = ["3,3,3,1,1,1", "1,1,1,1,1,1", "3,3,,,,", "3,3,3,1,1,inf"]
    file = write_csv(tmp_path / "net.csv", names, answers, sigmas)
    folder = score_file(file, prairie, out=tmp_path / "out")
    row = rows(folder)["pass 1"]
    assert row["unstated_position_frames"] == 1 and row["unstated_rotation_frames"] == 2
    assert row["coverage_95_position"] == pytest.approx(2 / 3)
    assert row["mean_nees_position"] == pytest.approx((25 / 9 + 25 + 25 / 9) / 3 / 3)
    assert "coverage_95_horizontal" not in row  # altitudes above ground are not known here
    poses = read_runs([folder])[0].methods["pass 1"]
    assert poses.sigma[1] == pytest.approx([1] * 6) and poses.position_sigma_m[2] == math.inf
    assert poses.nees_position[:2] == pytest.approx([25 / 27, 25 / 3])
    assert np.isnan(poses.nees_position[2]) and np.isnan(poses.nees_rotation[3])
    assert "67 %" in comparison(read_runs([folder])).text()


def test_a_sigma_that_is_none_names_its_line(prairie, tmp_path):
    names, truth = split(tmp_path)
    file = write_csv(tmp_path / "net.csv", names, truth, ["1,1,1,1,1,1"] * 3 + ["1,-2,1,1,1,1"])
    with pytest.raises(InputError, match=r"net.csv line 5: sigma_y_m is `-2`, expected a number"):
        score_file(file, prairie, out=tmp_path / "out")


def test_a_run_is_truth_too_and_the_table_takes_both(prairie, tmp_path):
    names, truth = split(tmp_path)
    write_poses(tmp_path / "a.txt", names, truth)
    write_poses(tmp_path / "b.txt", names, truth._replace(t=truth.t + 1.0))
    first = score_file(tmp_path / "a.txt", prairie, out=tmp_path / "first")
    second = score_file(tmp_path / "b.txt", first, out=tmp_path / "second")
    assert (first / "frames.csv").read_bytes() == (second / "frames.csv").read_bytes()
    assert {"a", "b"} <= {
        line.split()[0]
        for line in comparison(read_runs([first, second])).text().splitlines()
        if line
    }


def test_errors_do_not_change_when_the_world_is_moved_or_quaternions_are_negated(prairie, tmp_path):
    names, truth = split(tmp_path)
    answers = truth._replace(t=truth.t + torch.randn(len(names), 3, dtype=torch.float64))
    turn = quaternion_exp(torch.tensor([0.4, -0.2, 1.0], dtype=torch.float64))

    def moved(pose: Pose) -> Pose:
        q = turn.expand_as(pose.q)
        return Pose(rotate(q, pose.t) + 100.0, -quaternion_product(q, pose.q))

    found = []
    for number, change in enumerate((lambda pose: pose, moved)):
        for name, pose in (("truth", truth), ("answers", answers)):
            write_poses(tmp_path / f"{name}{number}.txt", names, change(pose))
        folder = score_file(
            tmp_path / f"answers{number}.txt",
            tmp_path / f"truth{number}.txt",
            out=tmp_path / str(number),
        )
        found.append(rows(folder)["pass 1"])
    one, other = ({k: v for k, v in row.items() if isinstance(v, float)} for row in found)
    assert one == pytest.approx(other, abs=1e-6)


def test_poses_alone_have_a_page_and_frusta_too(prairie, tmp_path):
    names, truth = split(tmp_path)
    write_poses(tmp_path / "truth.txt", names, truth)
    write_poses(tmp_path / "slam.txt", names[1:], Pose(truth.t[1:] + 1, truth.q[1:]))
    run = score_file(tmp_path / "slam.txt", tmp_path / "truth.txt", out=tmp_path / "out")
    (read,) = read_runs([run])
    assert "slam" in render([read])  # without training images, controls and fields of view
    predicted = pyramids(*read_run_poses(read).predicted, 1.0)
    assert np.isfinite(predicted).all(axis=(1, 2)).tolist() == [False, True, True, True]


def test_an_aligned_trajectory_is_stamped(prairie, tmp_path):
    names = [f"{n}.png" for n in range(8)]
    t = torch.randn(8, 3, dtype=torch.float64)
    q = torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).expand(8, 4)
    write_poses(tmp_path / "truth.txt", names, Pose(t, q))
    write_poses(tmp_path / "slam.txt", names, Pose(3 * t + 5, q))
    plain = score_file(tmp_path / "slam.txt", tmp_path / "truth.txt", out=tmp_path / "plain")
    assert rows(plain)["pass 1"]["median_t_m"] > 1
    aligned = score_file(
        tmp_path / "slam.txt",
        tmp_path / "truth.txt",
        alignment="similarity",
        out=tmp_path / "aligned",
    )
    assert rows(aligned)["pass 1"]["max_t_m"] < 1e-9
    assert "(oracle)" in comparison(read_runs([aligned])).text()


def test_trajectory_errors_are_in_the_results(prairie, tmp_path):
    names = [f"{n}.png" for n in range(5)]
    t = torch.randn(5, 3, dtype=torch.float64)
    pose = Pose(t, torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).expand(5, 4))
    write_poses(tmp_path / "truth.txt", names, pose)
    write_poses(tmp_path / "p.txt", names, pose._replace(t=t + 9))
    folder = score_file(tmp_path / "p.txt", tmp_path / "truth.txt", out=tmp_path / "out")
    (row,) = json.loads((folder / "results.json").read_text())["trajectories"]
    assert row["ate_rmse_m"] < 1e-9 and row["rpe_rmse_m"] < 1e-9


@pytest.mark.parametrize("written", ["ace", "hloc"])
def test_logs_of_ace_and_hloc_are_scored_on_a_scene(tmp_path, written):
    """ACE flattens the names that its set-up script made and appends errors; hloc keeps the last part."""
    scene = fakes.write_seven_scenes(tmp_path)
    views = seven_scenes.read_views(tmp_path, scene.name, "test")
    names, truth = [view.name for view in views], stack_poses(view.T_world_cam for view in views)
    write_poses(tmp_path / "p.txt", names, truth._replace(t=truth.t + 1.0))
    text = (tmp_path / "p.txt").read_text()
    if written == "ace":
        text = "\n".join(f"{line} 0.62 0.019 1834" for line in text.splitlines()[1:])
        text = text.replace("/", "-")
    else:
        text = text.replace("seq-03/", "")
    (tmp_path / "p.txt").write_text(text)
    folder = score_file(tmp_path / "p.txt", scene, out=tmp_path / "out")
    found = rows(folder)["pass 1"]
    assert found["frames"] == len(views) and found["max_t_m"] == pytest.approx(3**0.5)
    (note,) = json.loads((folder / "results.json").read_text())["notes"]
    assert note.startswith("names are compared")


@pytest.mark.parametrize("name", ["..", "a/b", "../../x", "a\nb"])
def test_a_name_leads_to_no_other_folder(prairie, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    names, truth = split(tmp_path)
    write_poses(tmp_path / "p.txt", names, truth)
    with pytest.raises(InputError, match="name"):
        score_file(tmp_path / "p.txt", prairie, name=name)
    assert not (tmp_path / "runs").exists()


def test_results_that_could_not_be_written_are_refused_first(prairie, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file is no folder"):
        score_file(tmp_path / "none.txt", prairie, out=tmp_path / "file" / "out")


def test_results_that_are_there_are_kept(prairie, tmp_path):
    names, truth = split(tmp_path)
    write_poses(tmp_path / "p.txt", names, truth)
    score_file(tmp_path / "p.txt", prairie, out=tmp_path / "out")
    with pytest.raises(InputError, match="holds results; give overwrite=true"):
        score_file(tmp_path / "p.txt", prairie, out=tmp_path / "out")
    score_file(tmp_path / "p.txt", prairie, out=tmp_path / "out", overwrite=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["split=dev"], "split=dev: .* has train, val, test"),
        (["ground_truth=sfm"], "has only its own"),
    ],
)
def test_the_command_answers_mistakes_in_a_line(here, prairie, tmp_path, words, message):
    names, truth = split(tmp_path)
    write_poses(tmp_path / "p.txt", names, truth)
    done = here("score", "p.txt", f"truth={prairie}", *words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert re.search(message, done.stderr)


@pytest.mark.realdata
@pytest.mark.parametrize("scene", ["KingsCollege", "GreatCourt"])
def test_real_labels_need_no_images(real_data, tmp_path, scene):
    """The nearest training camera of references.md, from the label files alone."""
    folder = real_data / "cambridge_labels" / scene
    rows_of = [line.split() for line in (folder / "dataset_test.txt").read_text().splitlines()[3:]]
    lines = [f"{r[0]} 1 0 0 0 0 0 0" for r in rows_of]
    (tmp_path / "p.txt").write_text("\n".join(lines))
    out = score_file(tmp_path / "p.txt", folder, out=tmp_path / "out")
    with (out / "frames.csv").open() as file:
        frames = list(csv.DictReader(file))
    assert sum(row["split"] == "test" for row in frames) == len(lines)
    assert all(row["hfov_deg"] == "" for row in frames)
    nearest = rows(out)["nearest camera (ORACLE)"]
    expected = {"KingsCollege": 0.89, "GreatCourt": 0.84}[scene]
    assert nearest["median_t_m"] == pytest.approx(expected, rel=0.25)  # here without validation
