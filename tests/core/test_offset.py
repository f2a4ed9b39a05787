"""Where the coordinates of a network count from."""

import torch

from hinted_posenet.core.offset import moved_hint, world_offset
from hinted_posenet.core.types import Hint


def test_whole_kilometres_near_the_cameras() -> None:
    near = torch.tensor([[10.0, -20.0, 1.5], [30.0, 470.0, 1.5]])
    assert world_offset(near).tolist() == [0.0, 0.0, 0.0]
    utm = near.double() + torch.tensor([352412.0, 5812345.0, 98.0])
    assert world_offset(utm).tolist() == [352000.0, 5813000.0, 0.0]


def test_axes_that_are_not_known_keep_their_placeholder() -> None:
    hint = Hint.from_position([5e6, 0.0, 0.0], [1.0, 1.0, float("inf")])
    moved = moved_hint(hint, torch.tensor([-5e6, 7.0, 9.0], dtype=torch.float64))
    assert moved.pose.t.tolist() == [0.0, 7.0, 0.0]
