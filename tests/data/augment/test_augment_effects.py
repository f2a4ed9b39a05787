"""Effects change what pixels look like: in range, each image on its own, and in the way their names say."""

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.augment.effects import (
    Blur,
    Colours,
    Draws,
    Effect,
    Fog,
    Noise,
    Precipitation,
    Shadow,
)

EFFECTS: dict[str, Effect] = {
    "brightness": Colours(brightness=0.4),
    "contrast": Colours(contrast=0.4),
    "saturation": Colours(saturation=0.4),
    "gamma": Colours(gamma=0.4),
    "white balance": Colours(white_balance=0.4),
    "hue": Colours(hue=0.1),
    "blur": Blur(),
    "noise": Noise((0.02, 0.04)),
    "shadow": Shadow(),
    "fog": Fog(),
    "rain": Precipitation(),
    "snow": Precipitation(length_px=3, width_px=0.9),
}
SIZE = (3, 40, 56)


def applied(effect: Effect, image: torch.Tensor, seed: int = 0) -> torch.Tensor:
    before = image.clone()
    result = effect(image, Draws(torch.Generator().manual_seed(seed), image))
    assert torch.equal(image, before)  # other versions of the batch are made from it
    assert result.shape == image.shape
    return result


def grey(level: float, B: int = 20) -> torch.Tensor:
    return torch.full((B, *SIZE), level)


@pytest.mark.parametrize("name", EFFECTS)
def test_each_image_is_changed_on_its_own_and_stays_in_range(name: str) -> None:
    image = torch.rand(SIZE, generator=torch.Generator().manual_seed(1)).expand(8, *SIZE)
    result = applied(EFFECTS[name], image)
    assert result.min() >= 0
    assert result.max() <= 1
    assert len({tuple(row.flatten().tolist()) for row in result}) == 8
    assert (result - image).abs().amax((1, 2, 3)).median() > 0.02
    assert torch.equal(result, applied(EFFECTS[name], image))
    assert not torch.equal(result, applied(EFFECTS[name], image, seed=1))


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_in_range(name: str, level: float) -> None:
    result = applied(EFFECTS[name], grey(level))
    assert result.isfinite().all()
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("name", EFFECTS)
def test_a_dot_does_not_move(name: str) -> None:
    v, u = torch.meshgrid(torch.arange(40), torch.arange(56), indexing="ij")
    dot = 0.9 * torch.exp(-((u - 21) ** 2 + (v - 13) ** 2) / 8.0)
    image = dot.expand(30, *SIZE).contiguous()
    mean = applied(EFFECTS[name], image).mean((0, 1)) - applied(EFFECTS[name], grey(0.0, 30)).mean(
        (0, 1)
    )
    assert divmod(int(mean.argmax()), 56) == (13, 21)


def test_white_balance_makes_grey_warmer_or_colder_and_leaves_green() -> None:
    red, green, blue = applied(Colours(white_balance=0.3), grey(0.5)).mean((2, 3)).T
    torch.testing.assert_close(green, torch.full((20,), 0.5))
    torch.testing.assert_close(red * blue, torch.full((20,), 0.25))
    assert red.min() < 0.45
    assert red.max() > 0.55


def test_gamma_keeps_black_and_white_and_moves_the_middle_both_ways() -> None:
    effect = Colours(gamma=0.5)
    assert torch.equal(applied(effect, grey(0.0)), grey(0.0))
    assert torch.equal(applied(effect, grey(1.0)), grey(1.0))
    level = applied(effect, grey(0.5)).mean((1, 2, 3))
    assert 0.5**1.5 <= level.min() < 0.45
    assert 0.55 < level.max() <= 0.5 ** (1 / 1.5) + 1e-6


def test_noise_has_the_given_spread_and_no_bias() -> None:
    noise = applied(Noise((0.03, 0.03)), grey(0.5)) - 0.5
    assert noise.std() == pytest.approx(0.03, rel=0.05)
    assert noise.mean().abs() < 1e-3


def test_blur_takes_detail_and_keeps_the_mean() -> None:
    image = torch.rand((20, *SIZE), generator=torch.Generator().manual_seed(1))
    result = applied(Blur((0.8, 1.5)), image)
    assert (result.std((1, 2, 3)) < 0.6 * image.std((1, 2, 3))).all()
    torch.testing.assert_close(result.mean((1, 2, 3)), image.mean((1, 2, 3)), rtol=0, atol=0.01)


def test_a_shadow_darkens_a_part_multiplies_and_is_bluish() -> None:
    factor = applied(Shadow(darkness=(0.6, 0.6)), grey(0.5)) / 0.5
    assert factor.max() <= 1
    assert factor.amin((1, 2, 3)).median() == pytest.approx(0.4, abs=0.02)
    assert factor.amax((1, 2, 3)).median() == pytest.approx(1.0, abs=0.02)
    assert (factor[:, 2] >= factor[:, 0]).all()
    torch.testing.assert_close(applied(Shadow(darkness=(0.6, 0.6)), grey(1.0)), factor)


def test_a_shadow_without_raggedness_has_a_straight_edge() -> None:
    effect = Shadow(raggedness=(0.0, 0.0), edge=(0.02, 0.02))
    shaded = applied(effect, grey(1.0))[:, 0] < 0.8  # (B, H, W)
    for image in shaded:
        rows, columns = (image[1:] != image[:-1]).sum(0), (image[:, 1:] != image[:, :-1]).sum(1)
        assert max(rows.max(), columns.max()) <= 1  # no row or column meets it twice


def test_fog_pulls_all_towards_its_grey() -> None:
    effect = Fog(density=(0.5, 0.5), whiteness=(0.8, 0.8), unevenness=0.0)
    torch.testing.assert_close(applied(effect, grey(0.0)), grey(0.4))
    torch.testing.assert_close(applied(effect, grey(0.8)), grey(0.8))
    uneven = applied(Fog(density=(0.5, 0.5)), grey(0.0))
    assert uneven.std((1, 2, 3)).median() > 0.02


def test_rain_falls_and_snow_is_round() -> None:
    def steepness(effect: Effect) -> float:  # change across, over change down
        image = applied(effect, grey(0.0))
        across, down = image.diff(dim=3).abs().mean(), image.diff(dim=2).abs().mean()
        return float(across / down)

    assert steepness(Precipitation(slant_deg=5)) > 3
    assert steepness(Precipitation(slant_deg=5, length_px=3, width_px=1.0)) < 1.6


def test_heavier_precipitation_hides_more() -> None:
    light, heavy = (
        applied(Precipitation(cover=(cover, cover)), grey(0.0)).mean() for cover in (0.001, 0.01)
    )
    assert heavy > 4 * light


def test_what_would_fail_within_a_step_is_refused_before() -> None:
    with pytest.raises(InputError, match=r"length_px=4 .*expected 3, 5"):
        Precipitation(length_px=4)
    with pytest.raises(InputError, match=r"sigma_px=\(0\.0, 1\.0\) .*expected"):
        Blur(sigma_px=(0.0, 1.0))
