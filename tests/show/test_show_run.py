"""what=run: where a method put the frames of a run, of an aerial set and of one without a map."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from report_runs import about_run

from hinted_posenet.core.geometry import quaternion_exp, quaternion_product, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.predictions import MethodAnswer
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.evaluation.write_run import frames_of, write_run
from hinted_posenet.show.canvas import INK, ErrorScale
from hinted_posenet.show.run_picture import TRAINING, guessed_up, read_run_poses, run_stage, upright
from hinted_posenet.show.stage import Stage
from hinted_posenet.show.subject import Subject
from hinted_posenet.show.wires import EDGES, pixels
from hinted_posenet.simulator.camera import Camera


def write(folder: Path, subject: Subject, with_map: bool = True) -> Path:
    """A run on the test split: pass 1 is 1, 2, 4, ... m too far east, and does not answer the last."""
    views = subject.views()
    frames, train = frames_of(views["test"]), frames_of(views["train"])
    truth = Pose(*map(torch.stack, zip(*(view.T_world_cam for view in views["test"]), strict=True)))
    east = torch.zeros_like(truth.t)
    east[:, 0] = 2.0 ** torch.arange(len(east))
    east[-1] = math.nan
    bounds, image = subject.overview()
    data = {"name": "aerial", "scene": subject.scene, "ground_truth": "exact"}
    overview = {"image": str(image), "bounds_m": list(bounds)} if with_map else None
    about = about_run("posenet", data=data, map=overview)
    answers = [MethodAnswer("retrieval", "control", truth)]
    answers += [MethodAnswer("pass 1", "network", Pose(truth.t + east, truth.q), step=1)]
    write_run(folder, about, frames, train, answers, truth, [(10.0, 5.0)])
    return folder


@pytest.fixture(scope="module")
def run(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("run"), subject)


def stage_of(folder: Path) -> Stage:
    found = read_runs([folder])[0]
    return run_stage(found, read_run_poses(found), None, np.eye(3))


def test_frusta_are_where_poses_csv_says(run: Path, subject: Subject) -> None:
    wires = {wire.name: wire for wire in stage_of(run).wires}
    views = subject.views()["test"][:-1]
    assert len(wires["true"].segments) == len(wires["predicted"].segments) == 7 * len(EDGES)
    for number, view in enumerate(views):
        own = slice(number * len(EDGES), (number + 1) * len(EDGES))
        true, predicted = wires["true"].segments[own], wires["predicted"].segments[own]
        np.testing.assert_allclose(true[0, 0], view.T_world_cam.t, atol=1e-6)
        np.testing.assert_allclose(
            predicted - true, np.broadcast_to([2.0**number, 0, 0], (8, 2, 3)), atol=1e-5
        )
        t, q = view.T_world_cam
        camera = Camera(32, 24, focal_px=float(view.K[0, 0]))
        corners = pixels(camera, Pose(t, q), true[:4, 1])
        np.testing.assert_allclose(corners, [[0, 0], [32, 0], [32, 24], [0, 24]], atol=1e-3)
        np.testing.assert_allclose(
            wires["error"].segments[number], [true[0, 0], predicted[0, 0]], atol=1e-6
        )


def test_bad_is_brighter_than_good_and_the_scale_says_how_bad() -> None:
    errors = np.array([0.01, 0.02, 0.05, 0.1, 0.2, math.inf])
    scale = ErrorScale.of(errors)
    assert 0.01 < scale.low_m < 0.02 and 0.1 < scale.high_m < 0.2
    light = scale.colours(errors) @ [0.299, 0.587, 0.114]
    assert (np.diff(light) >= 0).all() and light[-1] > 2 * light[0]
    assert [text for _, text in scale.ticks()] == ["2 cm", "5 cm", "10 cm"]
    where = [position for position, _ in scale.ticks()]
    np.testing.assert_allclose(where, scale.position(np.array([0.02, 0.05, 0.1])))
    assert ErrorScale.of(np.zeros(3)).colours(np.zeros(3)).shape == (3, 3)  # perfect is no error
    assert ErrorScale.of(np.full(2, 4.0)).position(np.array([4.0])) == 0.0


def test_the_legend_counts_and_the_title_names(run: Path) -> None:
    stage = stage_of(run)
    assert stage.title == "quarters: posenet, step 1"
    assert stage.subtitle.startswith("median error 12 m, ")  # of 8 frames, one of them infinite
    assert "largest 64 m; 8 test frames" in stage.subtitle
    assert stage.subtitle.endswith("no answer to 1 of them")
    assert (INK, "true: 8, 7 drawn") in stage.legend
    assert (TRAINING, "training: 40") in stage.legend
    assert any(text.startswith("grid of ") for _, text in stage.legend)


def test_one_pose_that_is_far_off_does_not_shrink_the_picture(run: Path) -> None:
    stage = stage_of(run)
    wires = {wire.name: wire for wire in stage.wires}
    wires["predicted"].segments[-8:] += 1e6
    assert np.abs(stage.points()).max() < 1000


@pytest.mark.parametrize("turn", [(0, 0, 0), (1, 2, 0.5), (math.pi, 0, 0)])
def test_up_is_found_in_any_world_and_turned_to_z(run: Path, turn: tuple[float, ...]) -> None:
    """Level cameras that look 30 degrees down, to all sides."""
    half = math.sqrt(0.5)
    q = torch.tensor([half, -half, 0, 0], dtype=torch.float64)  # z is up, looks north
    pitch = quaternion_exp(torch.tensor([-math.pi / 6, 0, 0], dtype=torch.float64))
    headings = torch.zeros(12, 3, dtype=torch.float64)
    headings[:, 2] = torch.linspace(0, 1.5, 12)  # a part of the horizon
    world = quaternion_exp(torch.tensor(turn, dtype=torch.float64))
    q = quaternion_product(quaternion_exp(headings), quaternion_product(q, pitch).expand(12, 4))
    cameras = read_run_poses(read_runs([run])[0]).training
    turned = cameras._replace(T_world_cam=Pose(torch.zeros(12, 3), quaternion_product(world, q)))
    turn_to_z = upright(turned, guessed_up(turned))
    up = rotate(world, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)).numpy()
    np.testing.assert_allclose(turn_to_z @ up, [0, 0, 1], atol=0.15)
    np.testing.assert_allclose(turn_to_z @ turn_to_z.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn_to_z) == pytest.approx(1.0)
    ahead = rotate(turned.T_world_cam.q, torch.eye(3)[2].double()).numpy().mean(axis=0)
    x, y, _ = turn_to_z @ ahead
    assert abs(x) < 1e-5 and y > 0.5  # a picture from the south looks as they do
    down = Pose(torch.zeros(1, 3), torch.tensor([[0, 1.0, 0, 0]]))
    straight_down = cameras._replace(T_world_cam=down)
    np.testing.assert_allclose(np.abs(upright(straight_down, [0, 0, 2]).sum(axis=0)), 1, atol=1e-9)
