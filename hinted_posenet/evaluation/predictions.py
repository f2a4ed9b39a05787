"""What a method says of every frame of a split."""

from typing import NamedTuple

from torch import Tensor

from hinted_posenet.core.types import Pose


class Answer(NamedTuple):
    """One method's poses for a whole split."""

    method: str
    kind: str  # network, hint, control, or oracle: one that knows the label
    pose: Pose  # (N,)
    sigma_t_m: Tensor | None = (
        None  # (N,) what the method says of its error, per axis; None: nothing
    )
    sigma_r_rad: Tensor | None = None  # (N,)
    neighbour: Tensor | None = None  # (N,) int64, the training image that the pose was taken from
