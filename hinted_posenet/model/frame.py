"""SceneFrame: metres of a scene <-> the unit box that networks work in."""

import torch
from torch import Tensor, nn

from hinted_posenet.geometry import mean_quaternion, robust_box
from hinted_posenet.types import Hint, InputError, Pose


class SceneFrame(nn.Module):
    """Centre and scale of a scene, fitted on training poses and kept as buffers (in the checkpoint).

    ``unit = (metres - center_m) / scale_m``; one scale for the three axes, so that rotations stay
    rotations.
    """

    center_m: Tensor  # (3,)
    scale_m: Tensor  # ()
    mean_q: Tensor  # (4,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center_m", torch.zeros(3))
        self.register_buffer("scale_m", torch.ones(()))
        self.register_buffer("mean_q", torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def fit(self, truth: Pose) -> None:
        """The robust box of the training positions (N, 3), and the mean of their rotations (N, 4)."""
        if len(truth.t) == 0 or not torch.isfinite(truth.t).all():
            raise InputError(
                "training positions: expected at least one, all finite; fix the labels"
            )
        center_m, scale_m = robust_box(truth.t)
        self.center_m.copy_(center_m)
        self.scale_m.copy_(scale_m)
        self.mean_q.copy_(mean_quaternion(truth.q))

    def to_unit(self, t: Tensor) -> Tensor:
        """(*, 3) metres -> (*, 3) unit box."""
        return (t - self.center_m) / self.scale_m

    def to_metres(self, unit: Tensor) -> Tensor:
        """(*, 3) unit box -> (*, 3) metres."""
        return unit * self.scale_m + self.center_m

    def resolve(self, hint: Hint) -> Hint:
        """The hint (*,) with the scene's mean in place of a position or rotation that has no sigma.

        So what stands in a pose that nothing vouches for (sigma inf) can never reach a network.
        """
        known_t = hint.sigma_t_m.isfinite().unsqueeze(-1)
        known_r = hint.sigma_r_rad.isfinite().unsqueeze(-1)
        pose = Pose(
            torch.where(known_t, hint.pose.t, self.center_m),
            torch.where(known_r, hint.pose.q, self.mean_q),
        )
        return hint._replace(pose=pose)
