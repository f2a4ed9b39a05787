"""Random smooth fields: what fog and the edges of shadows look like."""

from torch import Tensor
from torch.nn.functional import interpolate

from hinted_posenet.data.augment.draws import Draws

OCTAVES = 6


def clouds(draw: Draws, smoothness: float = 0.5) -> Tensor:
    """Fractal fields (n, 1, H, W) about 0, with coarse features of about 1 and each finer octave less.

    Grown from 2 x 2 values upward, so that only the last step works on all pixels: a quarter of the
    time that kornia.contrib.diamond_square takes, and no grid shows.

    Args:
        draw: Of the images that the fields are for.
        smoothness: What each octave is weaker than the one before by, as a factor.
    """
    field = draw.normal(1, 2, 2)
    for octave in range(1, OCTAVES):
        size = (2**octave + 1, 2**octave + 1)
        field = interpolate(field, size, mode="bicubic", align_corners=True)
        field = field + smoothness**octave * draw.normal(1, *size)
    return interpolate(field, draw.image.shape[-2:], mode="bicubic", align_corners=True)
