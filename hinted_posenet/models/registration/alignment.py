"""Alignment to fractions of a cell: displacements of small windows, and how far to trust each of them."""

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from hinted_posenet.models.registration.ground import GroundPatch

WINDOW, STRIDE = 4, 2  # cells
# Variances of colours in [0, 1]: noise below which no window is believed to fit, and contrast that is needed
NOISE, CONTRAST = 3e-5, 1e-4
STATISTICS = 12  # of a window: four for each colour
WIDTH = 16  # of the layers
AROUND = 5  # windows a side, of which a window is one


def mean(values: Tensor) -> Tensor:
    """Average (*, n, n), n even, over windows: by sums of slices, which takes a sixth of the time of a pooling."""
    pairs = values[..., 0::2] + values[..., 1::2]
    squares = pairs[..., 0::2, :] + pairs[..., 1::2, :]
    wide = squares[..., 1:] + squares[..., :-1]
    return (wide[..., 1:, :] + wide[..., :-1, :]) / WINDOW**2


class Windows(NamedTuple):
    """What small windows of one image say of its displacement against each of D photos, 3 colours."""

    A: Tensor  # (B, D, 3, 3, h, w) information as xx, xy, yy, 1 / cell^2
    b: Tensor  # (B, D, 3, 2, h, w) A times the displacement
    statistics: Tensor  # (B, D, STATISTICS, h, w)


class Photos(NamedTuple):
    """Photos (B, D, 3, n, n) and what can be said of their windows before an image is compared with them."""

    known: Tensor  # (B, D, n, n) bool
    point_m: Tensor  # (B, h * w, 3) surface at the centers of windows
    slope: Tensor  # (B, h * w, 2) east and north
    colour: Tensor  # (B, D * 3, n, n) as all that follow
    dx: Tensor
    dy: Tensor
    m_colour: Tensor  # means over windows, as all that follow
    m_dx: Tensor
    m_dy: Tensor
    contrast: Tensor
    x_colour: Tensor  # covariance of the gradient with the colour
    y_colour: Tensor
    A: Tensor  # (B, D * 3, 3, h, w) of the gradient, without what gain and offset explain of it

    @classmethod
    def of(cls, patch: GroundPatch) -> Self:
        """Prepare the photos of patches (B,)."""
        colour = patch.photo.flatten(1, 2).float() / 255
        dx = pad(colour, (1, 1, 0, 0), mode="replicate")
        dx = (dx[..., 2:] - dx[..., :-2]) / 2
        dy = pad(colour, (0, 0, 1, 1), mode="replicate")
        dy = (dy[..., 2:, :] - dy[..., :-2, :]) / 2
        m_colour, m_dx, m_dy = mean(colour), mean(dx), mean(dy)
        contrast = mean(colour * colour) - m_colour**2 + CONTRAST
        x_colour, y_colour = (
            mean(dx * colour) - m_dx * m_colour,
            mean(dy * colour) - m_dy * m_colour,
        )
        xx = mean(dx * dx) - m_dx**2 - x_colour**2 / contrast
        xy = mean(dx * dy) - m_dx * m_dy - x_colour * y_colour / contrast
        yy = mean(dy * dy) - m_dy**2 - y_colour**2 / contrast
        A = torch.stack([xx, xy, yy], dim=2)
        points_m, slope = (
            mean(part.permute(0, 3, 1, 2)).flatten(2).mT
            for part in (patch.points_m(), patch.slope())
        )
        means = (m_colour, m_dx, m_dy, contrast, x_colour, y_colour, A)
        return cls(patch.known, points_m, slope, colour, dx, dy, *means)


def compare(image: Tensor, photos: Photos) -> Windows:
    """Compare images (B, 3, n, n), laid out on the ground from their assumed poses, with D photos of it.

    Maximum likelihood with gain, offset and noise unknown, for each window, photo and colour: a window that does
    not fit, since the ground or its contrast has changed, has much noise and little information.
    The displacement is of the ground that the image shows: image(x) = photo(x + displacement), in cells to the
    right and down.
    """
    dates = photos.colour.shape[1] // 3
    m_image = mean(image)
    variance = (mean(image * image) - m_image**2).clamp_min(1e-7).repeat(1, dates, 1, 1)
    image, m_image = image.repeat(1, dates, 1, 1), m_image.repeat(1, dates, 1, 1)
    shared = mean(photos.colour * image) - photos.m_colour * m_image
    gain = shared / photos.contrast
    noise = (variance - gain * shared).clamp_min(0) + NOISE
    # what gain and offset explain of the gradients is no displacement
    x_left = mean(photos.dx * image) - photos.m_dx * m_image - gain * photos.x_colour
    y_left = mean(photos.dy * image) - photos.m_dy * m_image - gain * photos.y_colour
    cells = STRIDE**2  # of their own that each of the overlapping windows has
    A = photos.A * (cells * gain**2 / noise).unsqueeze(2)
    b = torch.stack([x_left, y_left], dim=2) * (cells * gain / noise).unsqueeze(2)
    statistics = torch.stack(
        [
            (noise / (variance + NOISE)).log(),
            (variance + 1e-5).log() + 6,
            photos.contrast.clamp_min(1e-7).log() + 6,
            gain.clamp(-3, 3),
        ],
        dim=1,
    )
    batch, size = len(image), A.shape[-2:]
    return Windows(
        A.view(batch, dates, 3, 3, *size),
        b.view(batch, dates, 3, 2, *size),
        statistics.view(batch, 4, dates, 3, *size).transpose(1, 2).flatten(2, 3),
    )


class WindowTrust(nn.Module):
    """Learns from a window and those around it how far to trust it."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Sequential(
            nn.Conv2d(STATISTICS, WIDTH, 1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
        )
        self.around = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1), nn.ReLU())
        last = nn.Conv2d(WIDTH, 3, 1)
        nn.init.zeros_(last.weight)
        # errors of windows and dates are correlated, so each counts for about a tenth of its information
        assert last.bias is not None
        nn.init.constant_(last.bias, -2.3)
        self.trust = nn.Sequential(nn.Conv2d(WIDTH + STATISTICS, WIDTH, 1), nn.ReLU(), last)

    def forward(self, statistics: Tensor) -> Tensor:
        """Predict factors of each colour's information (B, D, 3, h, w) from (B, D, STATISTICS, h, w)."""
        flat = statistics.flatten(0, 1)
        around = self.around(_mean_around(self.own(flat)))
        trust = self.trust(torch.cat([around, flat], dim=1)).clamp(-12, 4).exp()
        factors: Tensor = trust.unflatten(0, statistics.shape[:2])
        return factors


def _mean_around(values: Tensor) -> Tensor:
    """Average (*, h, w) over ``AROUND`` x ``AROUND`` windows, with zeros beyond the edges."""
    for dim in (-1, -2):
        edge = (AROUND // 2, AROUND // 2)
        wide = pad(values, edge if dim == -1 else (0, 0, *edge))
        parts = [wide.narrow(dim, i, values.shape[dim]) for i in range(AROUND)]
        values = sum(parts[1:], parts[0])
    return values / AROUND**2


def weighted(windows: Windows, trust: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over dates and colours by trust (B, D, 3, h, w): information (B, n, 3) and its product (B, n, 2)."""
    A = (windows.A * trust.unsqueeze(3)).sum(dim=(1, 2)).flatten(2).mT
    return A, (windows.b * trust.unsqueeze(3)).sum(dim=(1, 2)).flatten(2).mT


def known_windows(known: Tensor) -> Tensor:
    """Tell which windows (B, D, h, w) have only known cells (B, D, n, n), those beside them included."""
    return mean(known.float()) > 0.999
