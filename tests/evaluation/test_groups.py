import math

import numpy as np
import pytest
import torch

from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.frames_file import Frames, centers, read_frames, write_frames
from hinted_posenet.evaluation.predictions import MethodAnswer
from hinted_posenet.evaluation.write_run import FrameGroup, bands, frame_groups, score
from hinted_posenet.inference.build import describe_hint

COUNT = 6


def frames(tags: list[dict[str, str]], altitude_m: list[float] | None = None) -> Frames:
    """Six cameras at x = 0, 1, ... that look along z, with an image of 90 x 60 degrees."""
    poses = np.tile([1.0, 0, 0, 0, 0, 0, 0], (COUNT, 1))
    poses[:, 4] = -np.arange(COUNT)
    return Frames(
        [f"{n}.png" for n in range(COUNT)],
        ["s"] * COUNT,
        tags,
        [""] * COUNT,
        poses,
        np.array(altitude_m or [math.nan] * COUNT),
        np.tile([90.0, 60.0], (COUNT, 1)),
    )


def poses(offset: list[float], count: int = COUNT) -> Pose:
    t = torch.arange(count).double()[:, None] * torch.tensor([1.0, 0, 0]) + torch.tensor(offset)
    return Pose(t, torch.tensor([[1.0, 0, 0, 0]]).double().expand(count, 4))


SEASONS = [
    {"season": name} for name in ("summer", "summer", "winter", "winter", "winter", "spring")
]


def test_tags_tell_what_training_saw_and_altitudes_are_thirds():
    found = frame_groups(
        frames(SEASONS, [100, 100, 200, 200, 300, 300]),
        frames([SEASONS[0]] * COUNT),
        [],
        poses([0, 0, 0]),
    )
    assert {group.name: int(group.frames.sum()) for group in found} == {
        "all": 6,
        "seasons seen in training": 2,  # and they are summer's and the lowest: no further lines
        "unseen seasons": 4,
        "season winter": 3,
        "season spring": 1,
        "altitude 170 to 230 m": 2,
        "altitude above 230 m": 2,
    }
    assert [group.season_group for group in found[:4]] == ["all", "seen", "unseen", None]


def test_frames_are_told_apart_by_how_far_off_their_hint_is():
    hint = poses([0, 0, 0])._replace(
        t=poses([0, 0, 0]).t + torch.arange(COUNT)[:, None] * torch.eye(3)[1]
    )
    answers = [MethodAnswer("hint as the answer", "hint", hint)]
    found = frame_groups(frames([{}] * COUNT), None, answers, poses([0, 0, 0]))
    hinted = [group for group in found if "hint" in group.name]
    assert [group.name for group in hinted] == [
        "hint error up to 1.25 m",
        "hint error 1.25 to 2.5 m",
        "hint error 2.5 to 3.75 m",
        "hint error above 3.75 m",
    ]
    assert sum(group.frames.sum() for group in hinted) == COUNT


def test_a_band_takes_its_upper_edge():
    found = bands("x", np.array([1.0, 2.0, 2.5, 9.0]), np.array([2.0, 5.0]), "m")
    assert {group.name: group.frames.tolist() for group in found} == {
        "x up to 2 m": [True, True, False, False],
        "x 2 to 5 m": [False, False, True, False],
        "x above 5 m": [False, False, False, True],
    }


def test_aerial_errors_are_given_along_and_across_the_ground_and_in_percent():
    seen = frames(SEASONS, [50.0] * COUNT)
    groups = [FrameGroup("all", np.ones(COUNT, dtype=bool), "all")]
    answers = [MethodAnswer("net", "network", poses([3.0, 4.0, -12.0]))]
    (row,) = score(answers, poses([0, 0, 0]), seen, groups, [(10, 5)])
    assert row["median_horizontal_m"] == pytest.approx(5)
    assert row["median_vertical_m"] == pytest.approx(12)
    assert row["median_t_altitude_percent"] == pytest.approx(26)  # 13 of 50 m
    assert row["median_t_footprint_percent"] == pytest.approx(13)  # 13 of 100 m, 90 degrees across
    lost = answers[0].pose
    lost.t[:4] = math.nan
    (row,) = score(answers, poses([0, 0, 0]), seen, groups, [(10, 5)])
    assert row["median_horizontal_m"] == row["median_t_altitude_percent"] == math.inf


def test_horizontal_and_vertical_claims_are_scored_where_z_points_up():
    """Of 5 m across and 12 m up, 3 m are claimed along every axis."""
    groups = [FrameGroup("all", np.ones(COUNT, dtype=bool), "all")]
    claimed = torch.diag(torch.tensor([9.0, 9, 9, 1, 1, 1])).expand(COUNT, 6, 6)
    answers = [MethodAnswer("net", "network", poses([3.0, 4.0, -12.0]), claimed)]

    def row(altitude_m: list[float] | None, is_georeferenced: bool) -> dict[str, object]:
        seen = frames(SEASONS, altitude_m)
        (found,) = score(answers, poses([0, 0, 0]), seen, groups, [(10, 5)], is_georeferenced)
        return found

    for found in (row([50.0] * COUNT, False), row(None, True)):
        assert found["coverage_95_horizontal"] == 1 and found["coverage_95_vertical"] == 0
        assert found["median_nees_horizontal"] == pytest.approx(25 / 9 / 2)
        assert found["median_nees_vertical"] == pytest.approx(16)
    assert "coverage_95_vertical" not in row(None, False)
    assert row(None, False)["coverage_95_position"] == 0


def test_frames_survive_the_file(tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(COUNT, 7))
    numbers[:, :4] /= np.linalg.norm(numbers[:, :4], axis=1, keepdims=True)
    written = frames(SEASONS)._replace(T_cam_world=numbers)
    write_frames(tmp_path / "frames.csv", {"test": written, "train": frames([{}] * COUNT)})
    read = read_frames(tmp_path / "frames.csv")
    assert list(read) == ["test", "train"]
    for one, other in zip(read["test"], written, strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_allclose(one, other, rtol=1e-11)
        else:
            assert one == other


def test_centers_are_where_the_camera_is():
    # 90 degrees about z: world-to-camera of a camera at (1, 2, 3)
    h = math.sqrt(0.5)
    np.testing.assert_allclose(
        centers(np.array([[h, 0, 0, -h, -2, 1, -3]])), [[1, 2, 3]], atol=1e-12
    )


def test_a_hint_is_described_by_its_name_and_plain_parameters():
    oracle = {"_target_": "hinted_posenet.hints.prior.OracleHint", "sigma_t_m": 5.0}
    assert describe_hint(oracle) == {"name": "oracle", "sigma_t_m": 5.0}
    network = {"_target_": "hinted_posenet.inference.checkpoint.network_hint", "config": {"a": 1}}
    assert describe_hint(network) == {"name": "network"}
    assert describe_hint({"_target_": "hinted_posenet.hints.trivial.NoHint"}) == {"name": "none"}
