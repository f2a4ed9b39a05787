"""New views of the same cameras with their exact poses and K, then effects on what pixels look like."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hinted_posenet.data.augment.draws import Draws, Effect
from hinted_posenet.data.augment.view import crop_views, new_views
from hinted_posenet.data.crop import margins
from hinted_posenet.geometry import quaternion_exp, quaternion_product
from hinted_posenet.types import InputError, Sample


class Augment:
    """Turns, zooms and crops the views of a batch, then applies effects, each sample on its own.

    Turning a camera about its centre, another focal length and a crop move pixels by one homography
    whatever the depth, so image, K and pose stay exact together; all of it is one resampling.

    A model that does not see K cannot tell a zoom from another distance, nor a crop beside the centre
    from a turned camera: leave these two for models that do, and move its pictures by rotations.

    Args:
        rotation_deg: Standard deviations of the rotation vector about the camera's x (right: tilt),
            y (down: pan) and z (forward: roll) axes.
        roll_deg: A further roll about the optical axis, drawn from -roll_deg to roll_deg; 180 for
            views from above, which have no upright.
        zoom: Range of the factor of the focal length, log-uniform; above 1 the view is narrower.
        crop_px: (height, width) of the new views, from ``data.crop``; null keeps the size of the images.
        crop_at: "centre", or "random": anywhere inside the image.
        padding_mode: What fills a new view outside the old image: "border", "reflection" or
            "zeros". Not reflection by default: it shows mirrored objects where there are none.
        effects: Colours, light, weather and sensor, under any names, applied in the order given;
            null leaves one out.

    Raises:
        InputError: a setting is out of its range.
    """

    def __init__(
        self,
        rotation_deg: Sequence[float] = (0.0, 0.0, 0.0),
        roll_deg: float = 0.0,
        zoom: Sequence[float] = (1.0, 1.0),
        crop_px: Sequence[int] | None = None,
        crop_at: str = "centre",
        padding_mode: str = "border",
        **effects: Effect | None,
    ) -> None:
        self.rotation_deg = tuple(rotation_deg)
        self.roll_deg = roll_deg
        self.zoom = tuple(zoom)
        self.crop_px = crop_px and tuple(crop_px)
        self.crop_at = crop_at
        self.padding_mode = padding_mode
        self.effects = {name: effect for name, effect in effects.items() if effect is not None}
        self._check()

    def _check(self) -> None:
        if len(self.rotation_deg) != 3:
            raise InputError(f"augment.rotation_deg={list(self.rotation_deg)}: expected [x, y, z]")
        if self.crop_px is not None and len(self.crop_px) != 2:
            raise InputError(f"augment.crop_px={list(self.crop_px)}: expected [height, width]")
        if len(self.zoom) != 2 or not 0 < self.zoom[0] <= self.zoom[1]:
            raise InputError(
                f"augment.zoom={list(self.zoom)}: expected [low, high], 0 < low <= high"
            )
        if self.crop_at not in ("centre", "random"):
            raise InputError(f"augment.crop_at={self.crop_at}: expected centre or random")
        if self.padding_mode not in ("border", "reflection", "zeros"):
            raise InputError(
                f"augment.padding_mode={self.padding_mode}: expected border, reflection or zeros"
            )
        for name, effect in self.effects.items():
            if not callable(effect):
                raise InputError(f"augment.{name}={effect}: no such setting; see configs/augment")

    @torch.no_grad()
    def __call__(self, sample: Sample, generator: Generator) -> Sample:
        """Augment a batch: image (B, 3, H, W) in [0, 1], K (B, 3, 3), T_world_cam (B,)."""
        if sample.query.feature.numel() > 0:
            raise ValueError("features computed beforehand would no longer match augmented images")
        with torch.autocast(sample.query.image.device.type, enabled=False):
            sample = self._new_views(sample, generator)
            image = sample.query.image
            for effect in self.effects.values():
                image = _apply(effect, image, generator)
        return sample._replace(query=sample.query._replace(image=image))

    def _new_views(self, sample: Sample, generator: Generator) -> Sample:
        image, K = sample.query.image, sample.query.K
        turns = any(self.rotation_deg) or self.roll_deg != 0 or self.zoom != (1, 1)
        if not turns and self.crop_px is None:
            return sample
        draw = Draws(generator, image)
        height, width = self.crop_px or image.shape[-2:]
        if not turns:
            return crop_views(sample, self._corner(draw, height, width), height, width)
        q_old_new = self._turn(draw)
        K_new = K.clone()
        K_new[:, :2, :2] *= draw.log_uniform(self.zoom, 1, 1)  # fx and fy; cx and cy stay
        K_new[:, :2, 2] -= self._corner(draw, height, width).to(K)
        return new_views(sample, q_old_new, K_new, height, width, self.padding_mode)

    def _turn(self, draw: Draws) -> Tensor:
        """Rotations q_old_new (B, 4)."""
        std_rad = draw.image.new_tensor(self.rotation_deg).deg2rad()
        q_old_new = quaternion_exp(std_rad * draw.normal(3))
        if self.roll_deg != 0:
            roll_rad = draw.uniform((-self.roll_deg, self.roll_deg), 1).deg2rad()
            roll = quaternion_exp(roll_rad * roll_rad.new_tensor([0.0, 0.0, 1.0]))
            q_old_new = quaternion_product(roll, q_old_new)
        return q_old_new

    def _corner(self, draw: Draws, height: int, width: int) -> Tensor:
        """Column and row (B, 2) of the crops' top-left pixels."""
        rows, columns = margins(draw.image.shape[-2:], height, width)
        free = torch.tensor([columns, rows])
        if self.crop_at == "centre":
            return (free // 2).expand(len(draw.image), 2)
        return (draw.fraction(2) * (free + 1)).long()


def _apply(effect: Effect, image: Tensor, generator: Generator) -> Tensor:
    """An effect on its share of the images (B, 3, H, W)."""
    if effect.p >= 1:
        return effect(image, Draws(generator, image))
    draw = torch.rand(len(image), generator=generator, device=generator.device)
    chosen = (draw < effect.p).nonzero().squeeze(1).to(image.device)
    if len(chosen) == 0:
        return image
    part = image[chosen]
    return image.index_copy(0, chosen, effect(part, Draws(generator, part)))
