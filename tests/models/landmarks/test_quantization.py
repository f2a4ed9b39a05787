"""Descriptors in a byte a number."""

import pytest
import torch
from torch.nn.functional import normalize

from hinted_posenet.models.landmarks import quantization
from hinted_posenet.models.landmarks.quantization import quantized, restored


def descriptors(count: int) -> torch.Tensor:
    """Numbers of which some are ten times as large as others, as those of SIFT are; one is always 0."""
    sizes = torch.linspace(0.1, 1.0, 64)
    sizes[7] = 0
    return normalize(sizes * torch.randn(count, 64), dim=1).half()


@pytest.mark.parametrize("chunk", [30, 1000])
def test_descriptors_come_back_to_half_a_step(chunk, monkeypatch):
    monkeypatch.setattr(quantization, "CHUNK", chunk)
    looks = descriptors(100)
    numbers, scale = quantized(looks)
    assert numbers.dtype == torch.int8
    back = restored(numbers, scale)
    assert back.dtype == torch.float16
    step = looks.abs().amax(dim=0).float() / 127
    assert ((back - looks).abs() <= 0.5 * step + 1e-3 * looks.abs().float() + 1e-6).all()
    assert (back[:, 7] == 0).all()


def test_the_same_descriptors_match():
    looks = descriptors(500)
    similar = looks.float() + 0.03 * torch.randn(500, 64)
    cosine = similar @ restored(*quantized(looks)).float().T
    assert (cosine.argmax(dim=1) == (similar @ looks.float().T).argmax(dim=1)).float().mean() > 0.99


def test_none_stay_none():
    numbers, scale = quantized(descriptors(0))
    assert numbers.shape == (0, 64)
    assert restored(numbers, scale).shape == (0, 64)
