"""Cast shadows."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hinted_posenet.data.augment.clouds import clouds
from hinted_posenet.data.augment.draws import Draws

# part of the light that a shadow takes of red, green and blue: the sky's light, which stays, is bluish
TAKEN = (1.0, 0.95, 0.85)


@dataclass(frozen=True)
class Shadow:
    """One shadow an image: straight-edged as of a house, to ragged as of a tree or a cloud.

    Args:
        darkness: Range of the part of the light that is taken away.
        raggedness: Range; at 0 the edge is a straight line, at 1 the shadow is all blotches.
        edge: Range of the half width of the soft edge, as a part of half the longer side.
        p: Share of the images that get a shadow.
    """

    darkness: Sequence[float] = (0.3, 0.7)
    raggedness: Sequence[float] = (0.0, 1.0)
    edge: Sequence[float] = (0.01, 0.1)
    p: float = 0.5

    def __call__(self, image: Tensor, draw: Draws) -> Tensor:
        """Images (n, 3, H, W) in [0, 1] -> the same."""
        H, W = image.shape[-2:]
        x = (2 * torch.arange(W).to(image) + 1 - W) / max(H, W)
        y = ((2 * torch.arange(H).to(image) + 1 - H) / max(H, W))[:, None]
        angle_rad = draw.uniform((-torch.pi, torch.pi), 1, 1, 1)
        straight = angle_rad.cos() * x + angle_rad.sin() * y - draw.uniform((-0.6, 0.6), 1, 1, 1)
        ragged = draw.uniform(self.raggedness, 1, 1, 1)
        field = (1 - ragged) * straight + ragged * clouds(draw)
        shade = (field / draw.log_uniform(self.edge, 1, 1, 1)).sigmoid()  # (n, 1, H, W)
        darkness = draw.uniform(self.darkness, 1, 1, 1) * image.new_tensor(TAKEN)[:, None, None]
        return image * (1 - darkness * shade)
