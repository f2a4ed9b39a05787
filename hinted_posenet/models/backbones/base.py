"""Base of all backbones: input normalisation, memory format, and which layers are trained."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import DAMAGED


class ImageBackbone(nn.Module):
    """Image (B, 3, H, W) in [0, 1] -> feature maps (B, C, H', W'), the last one first.

    Args:
        network: normalised image -> feature maps.
        last_stage: what ``trainable="last"`` trains.
        channels: C of each map that ``network`` returns while it trains.
        mean, std: the input normalisation that the weights were trained with.
        trainable: ``none``, ``last`` or ``all``. Frozen layers keep their batch statistics too.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        last_stage: nn.Module,
        channels: tuple[int, ...],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        trainable: str,
    ):
        super().__init__()
        if trainable not in ("none", "last", "all"):
            raise InputError(f"backbone.trainable={trainable}: choose none, last or all")
        # channels last: 2.3 times as many EfficientNet-Lite0 images a second on a CPU thread
        self.network = network.to(memory_format=torch.channels_last)
        self.channels = channels
        self.trainable = trainable
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))
        self.network.requires_grad_(trainable == "all")
        if trainable == "last":
            last_stage.requires_grad_(True)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) RGB in [0, 1] to feature maps, one per entry of ``channels``."""
        image = (image - self.mean) / self.std
        return self.maps(image.contiguous(memory_format=torch.channels_last))

    def maps(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map normalised images to feature maps."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Set the mode as nn.Module.train does, but keep frozen layers in evaluation mode."""
        super().train(mode)
        for module in self.network.modules():
            parameters = list(module.parameters())
            if not any(parameter.requires_grad for parameter in parameters):
                module.eval()
        return self


def read_weights(path: str) -> dict[str, Tensor]:
    """Read a state dict from a file, without executing code in it."""
    if not Path(path).is_file():
        raise InputError(f"backbone.weights={path}: no such file; choose null, default or a path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED:  # torch's message advises to execute what it holds
        state = None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(
            f"backbone.weights={path}: no readable dictionary of tensors; save network.state_dict()"
        )
    return state
