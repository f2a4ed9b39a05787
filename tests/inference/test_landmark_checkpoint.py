"""Checkpoints of localizers with landmarks."""

from pathlib import Path

import pytest
import torch
from landmark_world import camera, cameras, localizer, observed, wall
from poses import PLACE, query

from hinted_posenet.cli.compose import compose
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import LocalFeatures, Pose
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint, save_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule

LANDMARKS = ["train", "data=seven_scenes", "data.scene=x", "method=hinted_landmarks"]
POSES = cameras(12)
FEATURE = (112, 3, 3)  # of a whole image


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalizerModule, Path]:
    """A localizer whose landmarks are known, as after a training."""
    config = compose(*LANDMARKS)
    made = build_localizer(config, pretrained=False).eval()
    truth = Pose(POSES.t.float(), POSES.q.float())
    feature = torch.randn(12, *FEATURE)
    made.model.frame.fit(truth)
    made.inference_hint.fit(truth, feature, torch.arange(12))
    refinement = made.refinement
    assert refinement is not None
    refinement.landmarks.map = localizer(wall(), POSES).map
    rows = refinement.landmarks.map.row
    refinement.landmarks.memory.fit(Pose(truth.t[rows], truth.q[rows]), feature[rows])
    path = tmp_path_factory.mktemp("run") / "localizer.ckpt"
    save_checkpoint(path, made, config, "", PLACE)
    return made, path


def test_a_loaded_localizer_gives_the_same_answers(saved):
    made, path = saved
    loaded = load_localizer(read_checkpoint(path))
    local = observed(wall(), camera(POSES, 5), 100, 0.5)
    asked = query(1, torch.randn(1, *FEATURE))
    asked = asked._replace(local=LocalFeatures(*(part.unsqueeze(0) for part in local)))
    ours, theirs = made.predict(asked), loaded.predict(asked)
    assert int(theirs.refined.inliers[0]) > 40
    assert torch.equal(ours.poses[-1].t, theirs.poses[-1].t)
    assert torch.equal(ours.answers[-1].covariance, theirs.answers[-1].covariance)
    assert (theirs.poses[-1].t[0] - POSES.t[5]).norm() < 0.03
    whole = made.state_dict()
    for name, value in loaded.state_dict().items():
        assert value.dtype == whole[name].dtype
        assert torch.equal(value, whole[name]), name


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("map.start", lambda start: start + 1),
        ("map.start", lambda start: start.flip(0)),
        ("map.point_m", lambda points: points[1:]),
        ("map.focal_px", lambda focal: focal[1:]),
        ("map.scale", lambda scale: scale[1:]),
        ("memory.t_m", lambda t: t[1:]),
    ],
)
def test_landmarks_that_do_not_belong_together_are_one_line(saved, tmp_path, part, change):
    content = torch.load(saved[1], weights_only=True)
    name = f"refinement.landmarks.{part}"
    content["state"][name] = change(content["state"][name])
    torch.save(content, tmp_path / "localizer.ckpt")
    with pytest.raises(InputError, match=r"localizer\.ckpt: its landmarks (do not|are of)"):
        load_localizer(read_checkpoint(tmp_path / "localizer.ckpt"))


def test_a_matcher_of_other_features_is_refused_before_anything_is_computed():
    matcher = ["matcher=lightglue", "matcher.weights=null"]
    with pytest.raises(InputError, match="takes descriptors of 64 numbers, features have 128"):
        build_localizer(compose(*LANDMARKS, *matcher), pretrained=False)
