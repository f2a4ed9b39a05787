"""Answers that look at no image: a network that is not better has learnt nothing."""

import torch
from scipy.spatial import cKDTree
from torch import Tensor

from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation.metrics import pose_errors, quantile
from hinted_posenet.hints.trivial import ConstantHint


def nearest_camera(train: Pose, test: Pose) -> Pose:
    """The training pose (N,) whose center is nearest to each test camera's. It knows the label: an oracle."""
    nearest = nearest_row(train, test)
    return Pose(train.t[nearest], train.q[nearest])


def nearest_row(train: Pose, test: Pose) -> Tensor:
    """(N,) int64, which training camera it is."""
    return torch.from_numpy(cKDTree(train.t.numpy()).query(test.t.numpy())[1])


def constant_pose(train: Pose, test: Pose) -> Pose:
    """The median training position and mean rotation for every test camera (N,)."""
    constant = ConstantHint().double()
    constant.fit(train, torch.empty(0), torch.empty(0))
    return Pose(constant.t_m.expand_as(test.t), constant.q.expand_as(test.q))


def median_errors(predicted: Pose, truth: Pose) -> tuple[float, float]:
    """Median position error in metres and rotation error in degrees."""
    error_t_m, error_r_deg = pose_errors(predicted, truth)
    return quantile(error_t_m, 0.5), quantile(error_r_deg, 0.5)
