"""The pose of one rigid part of a robot from that of another, with its covariance."""

import torch
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import quaternion_product, rotate
from hinted_posenet.core.types import Hint, Pose


def carried(T_a_b: Hint, T_b_c: Pose) -> Hint:
    """Return the poses (*,) of c in a, from those of b with their covariance and the fixed pose () of c in b.

    Both covariances (*, 6, 6) are along and about the axes of a, and finite.
    """
    t, q = T_a_b.pose
    arm = rotate(q, T_b_c.t.to(t))  # (*, 3), from b to c along the axes of a
    J = torch.eye(6, dtype=t.dtype, device=t.device).repeat(*t.shape[:-1], 1, 1)
    # a small turn moves c by turn x arm
    axes = torch.eye(3, dtype=t.dtype, device=t.device).expand(*arm.shape, 3)
    J[..., :3, 3:] = torch.linalg.cross(axes, arm.unsqueeze(-2).expand_as(axes), dim=-1).mT
    pose = Pose(t + arm, normalize(quaternion_product(q, T_b_c.q.to(q)), dim=-1))
    return Hint(pose, J @ T_a_b.covariance @ J.mT)
