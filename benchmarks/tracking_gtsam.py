"""The same track as a factor graph of gtsam: poses, odometry between them, and images as independent priors."""

import gtsam
import numpy as np
import torch
from numpy.typing import NDArray

from hinted_posenet.core.geometry import quaternion_log, rotate
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.track_filter import MotionModel, drift


def factor_graph(
    believed: list[Pose],
    motions: list[Pose | None],
    images: list[Hint | None],
    priors: list[Hint | None],
    model: MotionModel,
) -> list[Hint]:
    """Return the optimized poses, from the tracked ones as a start."""
    graph, start = gtsam.NonlinearFactorGraph(), gtsam.Values()
    for k, pose in enumerate(believed):
        start.insert(k, _pose3(pose))
        motion = motions[k]
        if k and motion is not None:
            step = torch.cat([motion.t, quaternion_log(motion.q)])
            noise = gtsam.noiseModel.Gaussian.Covariance(
                _own_side(Hint(motion, drift(step, model)))
            )
            graph.add(gtsam.BetweenFactorPose3(k - 1, k, _pose3(motion), noise))
        for hint in (images[k], priors[k]):
            if hint is not None:
                noise = gtsam.noiseModel.Gaussian.Covariance(_own_side(hint))
                graph.add(gtsam.PriorFactorPose3(k, _pose3(hint.pose), noise))
    found = gtsam.LevenbergMarquardtOptimizer(graph, start).optimize()
    marginals = gtsam.Marginals(graph, found)
    hints = []
    for k in range(len(believed)):
        pose = Pose.from_matrix(found.atPose3(k).matrix())
        J = _jacobian(pose).T
        hints.append(Hint(pose, torch.from_numpy(J @ marginals.marginalCovariance(k) @ J.T)))
    return hints


def _pose3(pose: Pose) -> gtsam.Pose3:
    return gtsam.Pose3(pose.matrix().numpy())


def _own_side(hint: Hint) -> NDArray[np.float64]:
    J = _jacobian(hint.pose)
    own: NDArray[np.float64] = J @ hint.covariance.numpy() @ J.T
    return own


def _jacobian(pose: Pose) -> NDArray[np.float64]:
    """Return (6, 6): from position, rotation along the world's axes to rotation, position along the camera's."""
    R = rotate(pose.q, torch.eye(3, dtype=torch.float64)).numpy()  # rows are the camera's axes
    J = np.zeros((6, 6))
    J[:3, 3:] = J[3:, :3] = R
    return J
