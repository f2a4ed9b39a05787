"""FiLM (Perez et al., 2018): the hint conditions the backbone's last stages, so features are extracted for it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.backbones.timm import TimmBackbone
from hinted_posenet.models.encoding import Rotation, SceneFrame
from hinted_posenet.models.heads.base import Head, HintEmbedding, regressor


class FilmHead(Head):
    """(feature, hint) -> the backbone's remaining stages, scaled and shifted by the hint -> pose.

    Features are cached before these stages. Their pretrained weights stay frozen: on a few thousand images,
    training them takes twice the time and gains nothing; the scales and shifts are learned, starting at zero.
    The feature is a map in the backbone's own resolution, on which the later stages of ``tail`` follow.
    """

    def __init__(
        self,
        channels: int,
        grid: int,
        rotation: Rotation,
        tail: TimmBackbone,
        hidden: int,
        dropout: float,
        embedding: int,
        pooled: int,
    ):
        super().__init__()
        self.rotation = rotation
        self.pooled = pooled
        self.stages = nn.ModuleList(later_stages(tail, channels)).requires_grad_(False)
        self.hint = HintEmbedding(embedding)
        inner = (next(stage.parameters()).shape[1] for stage in self.stages[1:])
        widths = (*inner, tail.channels[0])
        self.film = nn.ModuleList(nn.Linear(embedding, 2 * width) for width in widths)
        for parameter in self.film.parameters():
            nn.init.zeros_(parameter)
        in_features = widths[-1] * pooled**2
        self.norm = nn.LayerNorm(in_features)
        self.regress = regressor(in_features, hidden, dropout, 3 + rotation.size)

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from features (B, C, G, G) and hints (B,)."""
        embedded = self.hint(hint, frame)
        x = feature.contiguous(memory_format=torch.channels_last)
        for stage, film in zip(self.stages, self.film, strict=True):
            scale, shift = film(embedded).unsqueeze(-1).unsqueeze(-1).chunk(2, dim=1)
            x = stage(x) * (1.0 + scale) + shift
        raw = self.regress(self.norm(adaptive_avg_pool2d(x, self.pooled).flatten(1)))
        return Pose(frame.to_metres(raw[:, :3]), self.rotation(raw[:, 3:]))

    def train(self, mode: bool = True) -> "FilmHead":
        """Set the mode as nn.Module.train does, but the frozen stages keep their batch statistics."""
        super().train(mode)
        self.stages.eval()
        return self


def later_stages(backbone: TimmBackbone, channels: int) -> list[nn.Module]:
    """Return the stages of a backbone that follow the feature map with so many channels."""
    network: Any = backbone.network
    modules = [(info["num_chs"], info["module"]) for info in network.feature_info]
    found = [module for width, module in modules if width == channels]
    if not found or not found[0].startswith("blocks.") or found[0] == modules[-1][1]:
        raise InputError(
            f"head.tail: none of its stages follows a map of {channels} channels; take an EfficientNet, the "
            "same as the backbone, and backbone.stage=-2"
        )
    first = int(found[0].removeprefix("blocks.")) + 1
    return list(network.blocks)[first:]
