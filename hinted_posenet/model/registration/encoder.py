"""Features of a piece of ground that look alike on every date."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, normalize, pad, softplus

STRIDE = 2  # photo pixels of a feature cell
WIDTH, CHANNELS = 24, 16  # of the layers, and of the code
WINDOW_PX = 31  # over which colours are normalised
NOISE = 0.02  # of a colour: smaller differences than this are not blown up


class Features(NamedTuple):
    """Of pieces of ground on a north-up grid."""

    code: Tensor  # (B, C, h, w) unit length; zero where the ground is not known
    weight: Tensor  # (B, 1, h, w) how much a cell has to say


class DateEncoder(nn.Module):
    """Colours on a grid of photo pixels -> features on a grid of ``STRIDE`` of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, WIDTH, 4, stride=STRIDE, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, CHANNELS + 1, 3, padding=1),
        )

    def forward(self, colours: Tensor, known: Tensor) -> Features:
        """Colours (B, 3, h, w) in [0, 1], known (B, h, w) bool -> features (B, C, h / 2, w / 2)."""
        known = known.unsqueeze(1).to(colours)
        out = self.layers(comparable(colours, known))
        whole = (avg_pool2d(known, STRIDE) > 0.99).to(out)
        return Features(normalize(out[:, :-1], dim=1) * whole, softplus(out[:, -1:]) * whole)


def comparable(colours: Tensor, known: Tensor) -> Tensor:
    """Locally normalised colours (3), and how strong and which way edges are (3): (B, 6, h, w).

    The angle of an edge is doubled, so that dark beside bright and bright beside dark are the same.
    """
    share = _window_mean(known) + 1e-6
    mean = _window_mean(colours * known) / share
    variance = (_window_mean(colours.square() * known) / share - mean.square()).clamp_min(0)
    normal = (colours - mean) * known / (variance + NOISE**2).sqrt()
    dx = pad(normal[..., :, 2:] - normal[..., :, :-2], (1, 1, 0, 0))
    dy = pad(normal[..., 2:, :] - normal[..., :-2, :], (0, 0, 1, 1))
    xx, yy, xy = (v.mean(dim=1, keepdim=True) for v in (dx * dx, dy * dy, dx * dy))
    strength = (xx + yy + 1e-4).sqrt()
    inner = 1 - max_pool2d(1 - known, 3, stride=1, padding=1)
    edges = torch.cat([strength - 0.5, (xx - yy) / strength, 2 * xy / strength], dim=1)
    return torch.cat([normal, edges * inner], dim=1)


def _window_mean(x: Tensor) -> Tensor:
    """Over ``WINDOW_PX``, zeros beyond the edges; by running sums, which take the time of one addition a pixel."""
    for dim in (-1, -2):
        before, after = (WINDOW_PX // 2 + 1, WINDOW_PX // 2)
        sums = pad(x, (before, after, 0, 0) if dim == -1 else (0, 0, before, after)).cumsum(dim)
        size = sums.shape[dim] - WINDOW_PX
        x = sums.narrow(dim, WINDOW_PX, size) - sums.narrow(dim, 0, size)
    return x / WINDOW_PX**2
