"""Windows: they measure displacements below a cell, whatever gain and offset, and know when they cannot."""

import pytest
import torch
from ground import texture
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from hinted_posenet.models.registration.alignment import (
    STATISTICS,
    Photos,
    Windows,
    WindowTrust,
    compare,
    known_windows,
    mean,
    weighted,
)
from hinted_posenet.models.registration.ground import GroundPatch
from hinted_posenet.models.registration.projection import pixel_centers

SIDE = 64


def photos(colours: Tensor) -> Photos:
    """Photos of level ground with colours (1, D, 3, SIDE, SIDE) in [0, 1]."""
    side, dates = colours.shape[-1], colours.shape[1]
    patch = GroundPatch(
        (colours * 255).round().to(torch.uint8),
        torch.ones(1, dates, side, side, dtype=torch.bool),
        torch.zeros(1, side, side),
        torch.zeros(1, 2),
        torch.ones(1),
    )
    return Photos.of(patch)


def shifted(right: float, down: float, seed: int = 0) -> Tensor:
    """Colours (1, 3, SIDE, SIDE) that lie so many cells further right and down in their texture."""
    colours = texture(size=SIDE + 16, seed=seed)
    grid = (pixel_centers(SIDE, SIDE) + 8 + torch.tensor([right, down])) / (SIDE + 16) * 2 - 1
    return grid_sample(colours, grid[None], align_corners=False)


def shift_of(windows: Windows) -> list[float]:
    """Most likely displacement of all windows together."""
    A, b = weighted(windows, torch.ones_like(windows.A[:, :, :, 0]))
    (xx, xy, yy), b = A[0].sum(dim=0), b[0].sum(dim=0)
    information = torch.stack([torch.stack([xx, xy]), torch.stack([xy, yy])])
    found: list[float] = torch.linalg.solve(information, b).tolist()
    return found


@pytest.mark.parametrize("shift", [(0.3, -0.2), (-0.4, 0.1), (0.0, 0.0)])
def test_windows_measure_a_shift_whatever_gain_and_offset(shift):
    windows = compare(0.2 + 0.5 * shifted(*shift), photos(shifted(0.0, 0.0)[:, None]))
    assert shift_of(windows) == pytest.approx(shift, abs=0.06)


def test_contrast_that_is_turned_round_does_not_matter():
    windows = compare(0.9 - 0.7 * shifted(0.3, -0.2), photos(shifted(0.0, 0.0)[:, None]))
    assert shift_of(windows) == pytest.approx([0.3, -0.2], abs=0.06)


def test_a_window_whose_ground_has_changed_has_little_information():
    same, other = shifted(0.0, 0.0), shifted(0.0, 0.0, seed=1)
    changed = same.clone()
    changed[..., SIDE // 2 :] = other[..., SIDE // 2 :]
    A = compare(same, photos(changed[:, None])).A[0, 0, :, [0, 2]].sum(dim=(0, 1))
    assert A[:, 17:].mean() < 0.02 * A[:, :14].mean()


def test_ground_without_contrast_says_nothing():
    plain = torch.full((1, 3, SIDE, SIDE), 0.5)
    windows = compare(plain, photos(plain[:, None]))
    textured = compare(shifted(0.0, 0.0), photos(shifted(0.0, 0.0)[:, None]))
    assert windows.A.abs().max() < 1e-3 * textured.A.mean()
    assert windows.statistics.isfinite().all()


def test_each_date_is_compared_on_its_own():
    same, other = shifted(0.2, 0.0), shifted(0.0, 0.0, seed=1)
    both = photos(torch.stack([other, shifted(0.0, 0.0)], dim=1))
    together = compare(same, both)
    alone = compare(same, photos(shifted(0.0, 0.0)[:, None]))
    torch.testing.assert_close(together.A[:, 1:], alone.A)
    torch.testing.assert_close(together.statistics[:, 1:], alone.statistics)
    trust = torch.zeros_like(together.A[:, :, :, 0])
    trust[:, 1] = 1.0
    torch.testing.assert_close(weighted(together, trust)[1], weighted(alone, trust[:, 1:])[1])


def test_means_over_windows_are_those_of_a_pooling():
    values = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(mean(values), avg_pool2d(values, 4, stride=2))


def test_only_windows_that_are_wholly_known_are_used():
    known = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    known[..., 8] = False
    assert known_windows(known)[0, 0, 0].tolist() == [True] * 3 + [False] * 2 + [True] * 2


def test_an_untrained_trust_counts_every_window_for_a_tenth():
    factors = WindowTrust()(torch.randn(2, 3, STATISTICS, 9, 9))
    assert factors.shape == (2, 3, 3, 9, 9)
    torch.testing.assert_close(factors, torch.full_like(factors, 0.1), atol=1e-3, rtol=0)
