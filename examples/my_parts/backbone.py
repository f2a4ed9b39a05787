"""A backbone: a small convolutional network, trained from scratch with the head."""

from torch import Tensor, nn

from hinted_posenet.models.backbones.base import ImageBackbone, read_weights

WIDTHS = (24, 48, 96)


class SmallBackbone(ImageBackbone):
    """Three convolutions of stride 2: cells of 8 pixels, 96 channels.

    Args:
        weights: path of a state dict, or null for random ones.
        trainable: none, last (convolution) or all.
    """

    def __init__(self, weights: str | None, trainable: str):
        layers: list[nn.Module] = []
        for channels, width in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(channels, width, 5, stride=2, padding=2), nn.GroupNorm(8, width)]
            layers += [nn.ReLU()]
        network = nn.Sequential(*layers)
        if weights:
            network.load_state_dict(read_weights(weights))
        super().__init__(
            network,
            last_stage=network[-3:],
            channels=(WIDTHS[-1],),  # of each map that `maps` returns
            mean=(0.5, 0.5, 0.5),  # images come in [0, 1]; the base class subtracts and divides
            std=(0.25, 0.25, 0.25),
            trainable=trainable,
        )

    def maps(self, image: Tensor) -> tuple[Tensor, ...]:
        """Normalised image (B, 3, H, W) -> its map (B, 96, H / 8, W / 8)."""
        return (self.network(image),)
