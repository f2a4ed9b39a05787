"""Features of ground that look alike on every date, and where features of an image lie on the map."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, log_softmax, max_pool2d, pad, softplus

STRIDE = 2  # photo pixels of a feature cell
WIDTH, CHANNELS = 24, 16  # of the layers, and of the code
WINDOW_PX = 31  # over which colours are normalised
TINY = 1e-24  # square length of a code, that it is divided by at least
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
        # few channels: convolutions take two thirds of the time where these lie side by side in memory
        pixels = comparable(colours, known).contiguous(memory_format=torch.channels_last)
        out = self.layers(pixels).contiguous()
        whole = (avg_pool2d(known, STRIDE) > 0.99).to(out)
        code = out[:, :-1]
        # `normalize` takes 15 times as long over channels
        length = code.square().sum(dim=1, keepdim=True).clamp_min(TINY).sqrt()
        return Features(code / length * whole, softplus(out[:, -1:]) * whole)


def comparable(colours: Tensor, known: Tensor) -> Tensor:
    """Compute locally normalised colours (3), and strength and direction of edges (3): (B, 6, h, w).

    The angle of an edge is doubled, so that its polarity does not matter.
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
    """Average over ``WINDOW_PX``, with zeros beyond the edges, by running sums: one addition a pixel."""
    for dim in (-1, -2):
        before, after = (WINDOW_PX // 2 + 1, WINDOW_PX // 2)
        sums = pad(x, (before, after, 0, 0) if dim == -1 else (0, 0, before, after)).cumsum(dim)
        size = sums.shape[dim] - WINDOW_PX
        x = sums.narrow(dim, WINDOW_PX, size) - sums.narrow(dim, 0, size)
    return x / WINDOW_PX**2


BLOCK = 4  # cells of a block's side
REACH = 4  # cells that a block is looked for around where it is expected


def correlate(code: Tensor, window: Tensor) -> Tensor:
    """Correlate codes (B, C, n, n) with every place of windows (B, C, m, m): (B, m - n + 1, m - n + 1).

    Row and column of the result are the place of the first cell. Computed by Fourier transform.
    """
    size, places = window.shape[-1], window.shape[-1] - code.shape[-1] + 1
    product = torch.fft.rfft2(window) * torch.conj_physical(torch.fft.rfft2(code, s=(size, size)))
    score: Tensor = torch.fft.irfft2(product.sum(dim=1), s=(size, size))
    return score[:, :places, :places]


def block_scores(code: Tensor, window: Tensor) -> Tensor:
    """Correlate each block of codes (B, C, n, n) at every offset: (B, offsets, n / 4, n / 4).

    ``window`` (B, C, n + 8, n + 8) is the same ground and ``REACH`` cells around it.
    """
    batch, channels, size, _ = code.shape
    blocks, wide = size // BLOCK, BLOCK + 2 * REACH
    rows = batch * blocks * blocks
    a = code.view(batch, channels, blocks, BLOCK, blocks, BLOCK).permute(0, 2, 4, 3, 5, 1)
    b = window.unfold(2, wide, BLOCK).unfold(3, wide, BLOCK).permute(0, 2, 3, 1, 4, 5)
    pairs = a.reshape(rows, BLOCK * BLOCK, channels) @ b.reshape(rows, channels, wide * wide)
    pairs = pairs.view(rows, BLOCK, BLOCK, wide, wide)
    side = 2 * REACH + 1
    # cell (i, j) of a block lies i rows and j columns into its window
    pairs = torch.stack([pairs[:, i, :, i : i + side] for i in range(BLOCK)]).sum(dim=0)
    pairs = torch.stack([pairs[:, j, :, j : j + side] for j in range(BLOCK)]).sum(dim=0)
    return pairs.view(batch, blocks, blocks, side * side).permute(0, 3, 1, 2)


def offsets() -> Tensor:
    """Return east and north, in cells, of the offsets of ``block_scores`` (81, 2)."""
    steps = torch.arange(-REACH, REACH + 1).float()
    north, east = torch.meshgrid(-steps, steps, indexing="ij")
    return torch.stack([east.flatten(), north.flatten()], dim=-1)


def displacement(score: Tensor) -> tuple[Tensor, Tensor]:
    """Compute mean (B, n, 2) and covariance (B, n, 2, 2) in cells of the offset, from scores (B, 81, h, w)."""
    chance = score.flatten(2).softmax(dim=1)
    places = offsets().to(score)
    mean = chance.mT @ places
    off = places.unsqueeze(0).unsqueeze(0) - mean.unsqueeze(2)  # (B, n, 81, 2)
    return mean, (off * chance.mT.unsqueeze(-1)).mT @ off


def match_loss(score: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Compute the negative log-likelihood (B,) of true offsets (B, n, 2) in cells, of known blocks (B, n).

    A block whose truth is beyond the reach is ignored. A share of outliers bounds the cost of a block whose
    ground has changed.
    """
    near = (1 - (truth.unsqueeze(1) - offsets().to(score)[:, None]).abs()).clamp_min(0).prod(dim=-1)
    likelihood = (log_softmax(score.flatten(2), dim=1).exp() * near).sum(dim=1)
    inside = known & (truth.abs() < REACH - 0.5).all(dim=-1)
    cost = -torch.log(0.98 * likelihood + 0.02 / score.shape[1]) * inside
    return cost.sum(dim=1) / inside.sum(dim=1).clamp_min(1)
