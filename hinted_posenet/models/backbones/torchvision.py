"""Backbones of torchvision: GoogLeNet (the PoseNet of 2015) and the ResNets."""

import logging

from torch import Tensor, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from hinted_posenet.core.errors import InputError
from hinted_posenet.models.backbones.base import ImageBackbone, read_weights

# graph node and channels of the maps: the last one, then those that GoogLeNet's auxiliary
# classifiers read
NODES = {
    "googlenet": {"inception5b": 1024, "inception4a": 512, "inception4d": 528},
    "resnet18": {"layer4": 512},
    "resnet34": {"layer4": 512},
    "resnet50": {"layer4": 2048},
}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TorchvisionBackbone(ImageBackbone):
    """The last feature map of a torchvision model.

    ``weights`` are None (random), ``default`` (torchvision downloads its own) or a path. ``auxiliary`` adds the
    two maps that PoseNet 2015 hangs its auxiliary regressors on; these are trained with the backbone.
    """

    def __init__(
        self, name: str, weights: str | None = None, trainable: str = "all", auxiliary: bool = False
    ):
        if name not in NODES:
            raise InputError(f"backbone.name={name}: choose one of {', '.join(NODES)}")
        nodes = NODES[name]
        if auxiliary and (len(nodes) == 1 or trainable != "all"):
            raise InputError(
                "backbone.auxiliary=true: needs backbone=googlenet and backbone.trainable=all"
            )
        if not auxiliary:
            nodes = dict(list(nodes.items())[:1])
        extra = {"init_weights": weights is None} if name == "googlenet" else {}
        network: nn.Module = models.get_model(name, weights=None, **extra)
        if weights == "default":
            source = models.get_model_weights(name).DEFAULT
            logging.getLogger(__name__).info("weights of %s from %s", name, source.url)
            try:
                network.load_state_dict(source.get_state_dict(progress=True), strict=False)
            except OSError as error:
                raise InputError(
                    f"backbone.weights=default: {source.url} cannot be fetched ({error}); give "
                    "backbone.weights=PATH of that file, or null for random ones"
                ) from None
        elif weights is not None:
            network.load_state_dict(read_weights(weights))
        super().__init__(
            create_feature_extractor(network, return_nodes=list(nodes)),
            last_stage=network.get_submodule(next(iter(nodes))),
            channels=tuple(nodes.values()),
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            trainable=trainable,
        )
        self.nodes = list(nodes)

    def maps(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map normalised images (B, 3, H, W) to the last map, then the auxiliary ones."""
        maps = self.network(image)
        return tuple(maps[node] for node in self.nodes)
