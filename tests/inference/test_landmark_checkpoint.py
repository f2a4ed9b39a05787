"""Checkpoints of localizers with landmarks."""

from pathlib import Path

import pytest
import torch
from landmark_world import camera, cameras, localizer, observed, wall
from poses import PLACE, query

from hinted_posenet.cli.compose import compose
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
    refinement.landmarks.memory.fit(truth, feature)
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
    assert int(theirs.landmarks.inliers[0]) > 40
    assert torch.equal(ours.poses[-1].t, theirs.poses[-1].t)
    assert torch.equal(ours.answers[-1].covariance, theirs.answers[-1].covariance)
    assert (theirs.poses[-1].t[0] - POSES.t[5]).norm() < 0.03
    whole = made.state_dict()
    for name, value in loaded.state_dict().items():
        assert value.dtype == whole[name].dtype
        assert torch.equal(value, whole[name]), name
