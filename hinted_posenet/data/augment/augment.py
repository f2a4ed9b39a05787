"""New views of the same cameras with exact poses and K, followed by effects on the appearance of pixels."""

from collections.abc import Sequence

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Generator, Tensor
from torch.nn.functional import grid_sample, normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_exp, quaternion_product
from hinted_posenet.core.types import Pose, Sample
from hinted_posenet.data.augment.effects import Draws, Effect
from hinted_posenet.data.images import crop, margins


def new_views(
    sample: Sample, q_old_new: Tensor, K_new: Tensor, height: int, width: int, padding_mode: str
) -> Sample:
    """Resample to views (B, 3, height, width) of cameras rotated by ``q_old_new`` (B, 4) with ``K_new`` (B, 3, 3).

    ``R_world_new = R_world_old R_old_new``; a sensor's orientation prior rotates too. A new pixel u shows the ray
    ``R_old_new K_new^-1 u``, which the old camera saw at ``K R_old_new K_new^-1 u``. All products are element-wise
    and in float32, because autocast, TF32 and half-precision pixel coordinates would move it by whole pixels.
    """
    query, (t, q) = sample
    image, (H, W) = query.image, query.image.shape[-2:]
    R_old_new = quaternion_to_rotation_matrix(q_old_new.float())
    homography = _product(
        _product(query.K.float(), R_old_new), torch.linalg.inv_ex(K_new.float()).inverse
    )
    h = homography[..., None, None]  # (B, 3, 3, 1, 1)
    u = torch.arange(width, device=image.device) + 0.5  # (width,) pixel centers
    v = torch.arange(height, device=image.device)[:, None] + 0.5  # (height, 1)
    x, y, z = (h[:, row, 0] * u + h[:, row, 1] * v + h[:, row, 2] for row in range(3))
    z = z.clamp_min(1e-3)  # rays behind the old camera land far outside
    # align_corners=False puts -1 and 1 on the outer edges, our pixel coordinates 0 and W
    grid = torch.stack([2 * x / (W * z) - 1, 2 * y / (H * z) - 1], dim=-1)
    seen = grid_sample(image.float(), grid, "bilinear", padding_mode, align_corners=False)
    prior = query.prior
    rotated = torch.where(
        prior.variance[..., 3:].isfinite().any(dim=-1, keepdim=True),  # an absent one stays
        quaternion_product(prior.pose.q, q_old_new.to(prior.pose.q)),
        prior.pose.q,
    )
    query = query._replace(
        image=seen.to(image), K=K_new, prior=prior._replace(pose=Pose(prior.pose.t, rotated))
    )
    return Sample(query, Pose(t, normalize(quaternion_product(q, q_old_new.to(q)), dim=-1)))


def _product(a: Tensor, b: Tensor) -> Tensor:  # (B, 3, 3), (B, 3, 3) -> (B, 3, 3)
    return (a[..., :, :, None] * b[..., None, :, :]).sum(-2)


class Augment:
    """Rotates, zooms and crops the views of a batch, then applies effects, independently for each sample.

    Rotating a camera about its center, changing its focal length and cropping move pixels by one homography
    whatever the depth, so image, K and pose stay exactly consistent; there is a single resampling.

    A model that does not see K cannot distinguish a zoom from another distance, or an off-center crop from
    a rotated camera: use these two only for models that do, and rotations for the others.

    Args:
        rotation_deg: Standard deviations of the rotation vector about the camera's x (right: tilt),
            y (down: pan) and z (forward: roll) axes.
        roll_deg: A further roll about the optical axis, drawn from -roll_deg to roll_deg; 180 for
            views from above, which have no upright.
        zoom: Range of the factor of the focal length, log-uniform; above 1 the view is narrower.
        crop_px: (height, width) of the new views, from ``data.crop``; null keeps the image size.
        crop_at: "center", or "random": anywhere inside the image.
        padding_mode: What fills a new view outside the old image: "border", "reflection" or
            "zeros". Reflection would show mirrored objects that do not exist.
        effects: Colours, light, weather and sensor effects under any names, applied in the order given;
            null omits one.

    Raises:
        InputError: A setting is out of its range.
    """

    def __init__(
        self,
        rotation_deg: Sequence[float] = (0.0, 0.0, 0.0),
        roll_deg: float = 0.0,
        zoom: Sequence[float] = (1.0, 1.0),
        crop_px: Sequence[int] | None = None,
        crop_at: str = "center",
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
        if len(self.rotation_deg) != 3:
            raise InputError(f"augment.rotation_deg={list(self.rotation_deg)}: expected [x, y, z]")
        if self.crop_px is not None and len(self.crop_px) != 2:
            raise InputError(f"augment.crop_px={list(self.crop_px)}: expected [height, width]")
        if len(self.zoom) != 2 or not 0 < self.zoom[0] <= self.zoom[1]:
            raise InputError(
                f"augment.zoom={list(self.zoom)}: expected [low, high], 0 < low <= high"
            )
        if self.crop_at not in ("center", "random"):
            raise InputError(f"augment.crop_at={self.crop_at}: expected center or random")
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
            raise ValueError("precomputed features would not match augmented images")
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
            corners = self._corner(draw, height, width).tolist()
            crops = [
                crop(pixels, K_one, top, left, height, width)
                for pixels, K_one, (left, top) in zip(image, K, corners, strict=True)
            ]
            images, Ks = (torch.stack(part) for part in zip(*crops, strict=True))
            return sample._replace(query=sample.query._replace(image=images, K=Ks))
        q_old_new = self._turn(draw)
        K_new = K.clone()
        K_new[:, :2, :2] *= draw.log_uniform(self.zoom, 1, 1)  # fx and fy; cx and cy stay
        K_new[:, :2, 2] -= draw.sent(self._corner(draw, height, width)).to(K)
        return new_views(sample, q_old_new, K_new, height, width, self.padding_mode)

    def _turn(self, draw: Draws) -> Tensor:
        """Draw rotations q_old_new (B, 4)."""
        std_rad = draw.sent(torch.tensor(self.rotation_deg)).deg2rad()
        q_old_new = quaternion_exp(std_rad * draw.normal(3))
        if self.roll_deg != 0:
            roll_rad = draw.uniform((-self.roll_deg, self.roll_deg), 1).deg2rad()
            roll = quaternion_exp(
                roll_rad * torch.eye(3, dtype=roll_rad.dtype, device=roll_rad.device)[2]
            )
            q_old_new = quaternion_product(roll, q_old_new)
        return q_old_new

    def _corner(self, draw: Draws, height: int, width: int) -> Tensor:
        """Draw column and row (B, 2) of the crops' top-left pixels."""
        rows, columns = margins(draw.image.shape[-2:], height, width)
        free = torch.tensor([columns, rows])
        if self.crop_at == "center":
            return (free // 2).expand(len(draw.image), 2)
        return (draw.fraction(2) * (free + 1)).long()


def _apply(effect: Effect, image: Tensor, generator: Generator) -> Tensor:
    """Apply an effect to its share of the images (B, 3, H, W)."""
    if effect.p >= 1:
        return effect(image, Draws(generator, image))
    draw = torch.rand(len(image), generator=generator, device=generator.device)
    chosen = (draw < effect.p).nonzero().squeeze(1).to(image.device, non_blocking=True)
    if len(chosen) == 0:
        return image
    part = image[chosen]
    return image.index_copy(0, chosen, effect(part, Draws(generator, part)))
