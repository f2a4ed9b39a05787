"""Recall of several answers per frame, from the network to results.json and the printed lines."""

import json
import math

import pytest
import torch
from poses import query, random_poses
from report_runs import about_run, views_at
from tiny import OneConvolution, small_localizer

from hinted_posenet.core.types import Hint, Modes, Pose, Sample
from hinted_posenet.evaluation.metrics import recall_of_modes
from hinted_posenet.evaluation.predictions import MODES, MethodAnswer, predict_split
from hinted_posenet.evaluation.write_run import frames_of, write_run
from hinted_posenet.hints.trivial import NoHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.hinted_fusion import HintedFusionHead
from hinted_posenet.models.posenet import GridPool, PoseNet
from hinted_posenet.reports.mode_lines import mode_lines

FRAMES = 4
UPRIGHT = torch.tensor([1.0, 0.0, 0.0, 0.0])


def modes(x_m: list[list[float]]) -> Modes:
    """Modes (N, K) at places along x, upright, of equal weight."""
    x = torch.tensor(x_m)
    pose = Pose(torch.stack([x, 0 * x, 0 * x], dim=-1), UPRIGHT.expand(*x.shape, 4))
    one = torch.tensor(1.0)
    weight = torch.full(x.shape, -math.log(x.shape[1]))
    return Modes(weight, pose, Hint.isotropic(pose, one, one).covariance)


ORIGIN = Pose(torch.zeros(FRAMES, 3), UPRIGHT.expand(FRAMES, 4))
FOUND = modes([[1.0, 9.0, 9.0], [9.0, 9.0, 1.0], [9.0, 3.0, 9.0], [9.0, 9.0, 9.0]])


def test_a_frame_is_found_if_any_of_its_modes_is_near_in_both():
    thresholds = [(2.0, 5.0), (5.0, 5.0)]
    assert recall_of_modes(FOUND, ORIGIN, thresholds) == {
        "recall_2m_5deg_of_3_modes": 0.5,
        "recall_5m_5deg_of_3_modes": 0.75,
    }
    turned = ORIGIN._replace(q=ORIGIN.q[:, [1, 0, 2, 3]])
    assert recall_of_modes(FOUND, turned, [(5.0, 5.0)]) == {"recall_5m_5deg_of_3_modes": 0.0}


def test_results_and_printed_lines_have_the_recall_of_the_last_step(tmp_path):
    first = Pose(FOUND.pose.t[:, 0], FOUND.pose.q[:, 0])
    answers = [
        MethodAnswer("pass 1", "network", first, step=1),
        MethodAnswer("pass 2", "network", first, step=2, modes=FOUND),
    ]
    tags = [{"season": season} for season in ("summer", "summer", "winter", "winter")]
    views = views_at(ORIGIN, tags)
    frames, train = frames_of(views), frames_of(views[:2])
    write_run(tmp_path, about_run("net"), frames, train, answers, ORIGIN, [(2.0, 5.0)])
    results = json.loads((tmp_path / "results.json").read_text())
    recall = {
        (row["group"], row["step"]): row.get("recall_2m_5deg_of_3_modes") for row in results["rows"]
    }
    assert recall["all", 1] is None
    assert recall["all", 2] == 0.5
    assert recall["seasons seen in training", 2] == 1.0
    assert recall["unseen seasons", 2] == 0.0
    assert list(mode_lines(results)) == [
        "found by the first / by any of 3 modes:",
        "  step 2, ≤ 2 m, 5°: 25 / 50 % of all, 50 / 100 % of seasons seen in training, "
        "0 / 0 % of unseen seasons",
    ]


def split() -> Sample:
    asked = query(FRAMES)
    return Sample(asked._replace(K=asked.K.clone()), random_poses(FRAMES))


def test_a_mixture_answers_with_several_places_whose_first_is_its_pose():
    head = HintedFusionHead(8, 2, Quaternion(), 16, 0.0, components=5, background=0.01)
    localizer = LocalizerModule(
        PoseNet(OneConvolution(), GridPool(2), lambda *_: head), NoHint()
    ).eval()
    (answer,) = predict_split(localizer, {}, split(), batch_size=3, seed=0)
    assert answer.modes is not None
    assert answer.modes.log_weight.shape == (FRAMES, MODES)
    assert torch.equal(answer.modes.pose.t[:, 0], answer.pose.t)
    assert answer.modes.log_weight.exp().sum(dim=1).tolist() == pytest.approx([1.0] * FRAMES)


def test_a_regression_has_no_others():
    (answer,) = predict_split(small_localizer("plain").eval(), {}, split(), batch_size=3, seed=0)
    assert answer.modes is None
