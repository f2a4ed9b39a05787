"""Alignment to fractions of a pixel in small windows, and the loss that trains it."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Pose

WINDOW, STRIDE = 4, 2  # pixels
# Variances of colours in [0, 1]: noise below which no window is believed to fit, and contrast that is needed
NOISE, CONTRAST = 3e-5, 1e-4
STATISTICS = 12  # of a window: four for each colour
WIDTH = 16  # of the layers


class Windows(NamedTuple):
    """What small windows of one image say of its displacement against each of D photos, 3 colours."""

    A: Tensor  # (B, D, 3, 3, h, w) information as xx, xy, yy, 1 / pixel^2
    b: Tensor  # (B, D, 3, 2, h, w) A times the displacement
    statistics: Tensor  # (B, D, STATISTICS, h, w)


def compare(image: Tensor, photos: Tensor) -> Windows:
    """Compare images (B, 3, H, W) with photos rendered at their assumed poses (B, D, 3, H, W).

    Maximum likelihood with gain, offset and noise unknown, for each window, photo and colour: a window that does
    not fit, since the ground or its contrast has changed, has much noise and little information.
    The displacement is of the photo's pixels that the image's show: image(u) = photo(u + displacement).
    """
    batch, dates = photos.shape[:2]
    other = photos.flatten(1, 2)
    image = image.repeat(1, dates, 1, 1)
    mean = partial(avg_pool2d, kernel_size=WINDOW, stride=STRIDE)
    dx = pad(other, (1, 1, 0, 0), mode="replicate")
    dx = (dx[..., 2:] - dx[..., :-2]) / 2
    dy = pad(other, (0, 0, 1, 1), mode="replicate")
    dy = (dy[..., 2:, :] - dy[..., :-2, :]) / 2
    m_other, m_image, m_dx, m_dy = mean(other), mean(image), mean(dx), mean(dy)
    contrast = mean(other * other) - m_other**2 + CONTRAST
    variance = (mean(image * image) - m_image**2).clamp_min(1e-7)
    shared = mean(other * image) - m_other * m_image
    gain = shared / contrast
    noise = (variance - gain * shared).clamp_min(0) + NOISE
    # what gain and offset explain of the gradients is no displacement
    x_other, y_other = mean(dx * other) - m_dx * m_other, mean(dy * other) - m_dy * m_other
    x_left = mean(dx * image) - m_dx * m_image - gain * x_other
    y_left = mean(dy * image) - m_dy * m_image - gain * y_other
    xx = mean(dx * dx) - m_dx**2 - x_other**2 / contrast
    xy = mean(dx * dy) - m_dx * m_dy - x_other * y_other / contrast
    yy = mean(dy * dy) - m_dy**2 - y_other**2 / contrast
    pixels = STRIDE**2  # of their own that each of the overlapping windows has
    A = torch.stack([xx, xy, yy], dim=2) * (pixels * gain**2 / noise).unsqueeze(2)
    b = torch.stack([x_left, y_left], dim=2) * (pixels * gain / noise).unsqueeze(2)
    statistics = torch.stack(
        [
            (noise / (variance + NOISE)).log(),
            (variance + 1e-5).log() + 6,
            contrast.clamp_min(1e-7).log() + 6,
            gain.clamp(-3, 3),
        ],
        dim=1,
    )
    size = A.shape[-2:]
    return Windows(
        A.view(batch, dates, 3, 3, *size),
        b.view(batch, dates, 3, 2, *size),
        statistics.view(batch, 4, dates, 3, *size).transpose(1, 2).flatten(2, 3),
    )


class WindowTrust(nn.Module):
    """Learns from a window and those around it how far to trust it."""

    def __init__(self) -> None:
        super().__init__()
        self.around = nn.Sequential(
            nn.Conv2d(STATISTICS, WIDTH, 1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(5, stride=1, padding=2),
            nn.Conv2d(WIDTH, WIDTH, 1),
            nn.ReLU(),
        )
        last = nn.Conv2d(WIDTH, 3, 1)
        nn.init.zeros_(last.weight)
        # errors of windows and dates are correlated, so each counts for about a tenth of its information
        assert last.bias is not None
        nn.init.constant_(last.bias, -2.3)
        self.trust = nn.Sequential(nn.Conv2d(WIDTH + STATISTICS, WIDTH, 1), nn.ReLU(), last)

    def forward(self, statistics: Tensor) -> Tensor:
        """Predict factors of each colour's information (B, D, 3, h, w) from (B, D, STATISTICS, h, w)."""
        flat = statistics.flatten(0, 1)
        trust = self.trust(torch.cat([self.around(flat), flat], dim=1)).clamp(-12, 4).exp()
        factors: Tensor = trust.unflatten(0, statistics.shape[:2])
        return factors


def weighted(windows: Windows, trust: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over dates and colours by trust (B, D, 3, h, w): information (B, n, 3) and its product (B, n, 2)."""
    A = (windows.A * trust.unsqueeze(3)).sum(dim=(1, 2)).flatten(2).mT
    return A, (windows.b * trust.unsqueeze(3)).sum(dim=(1, 2)).flatten(2).mT


def window_centers(pixels: Tensor) -> Tensor:
    """Return the centers (n, 2) of windows, in an image whose pixel centers are (H, W, 2)."""
    return avg_pool2d(pixels.permute(2, 0, 1), WINDOW, STRIDE).flatten(1).T


def known_windows(known: Tensor) -> Tensor:
    """Tell which windows (B, D, h, w) have only known pixels (B, D, H, W), those beside them included."""
    return -max_pool2d(-known.float(), WINDOW, STRIDE) > 0


# errors of the position, and of what a pixel sees, from which the loss grows as their logarithm
NEAR_M, NEAR_GROUND_M = 2.0, 0.5
LIKELIHOOD = 0.05  # of the likelihood of the information that is stated, beside the error's


def toward(truth: Pose, hint: Pose, limit_m: float) -> Pose:
    """Return the hint (B,), or the pose on the way from the truth to it that is off by ``limit_m`` on the ground.

    A turn counts as what it moves at the distance of the ground, taken as the height of the camera.
    """
    off_m = hint.t - truth.t
    turn = relative_rotvec(truth.q, hint.q)
    size_m = off_m.norm(dim=-1) + turn.norm(dim=-1) * truth.t[:, 2].abs()
    part = (limit_m / size_m.clamp_min(1e-6)).clamp_max(1.0).unsqueeze(-1)
    return Pose(truth.t + part * off_m, compose_rotvec(truth.q, part * turn))


def pose_loss(pose: Pose, information: Tensor, truth: Pose, moved_m: Tensor) -> Tensor:
    """Compute the loss (B,): log errors, and their likelihood under the stated information, as Student's t.

    The information (B, 6, 6) is in the axes of ``information_step``; ``moved_m`` (B, n) is how far what pixels see
    is off on the ground.
    """
    turn = relative_rotvec(pose.q, truth.q)
    error = torch.cat([truth.t - pose.t, turn], dim=-1).unsqueeze(-1)
    size = torch.log1p(error[:, :3, 0].norm(dim=-1) / NEAR_M)
    size = size + torch.log1p(moved_m.mean(dim=1) / NEAR_GROUND_M)
    surprise = (error.mT @ information @ error).flatten() / 6
    likelihood = 3.5 * torch.log1p(surprise) - 0.5 * torch.logdet(information)
    return size + LIKELIHOOD * likelihood
