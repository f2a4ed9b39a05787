"""Augmentation of a batch on its device: exact camera rotations, then colours and blur."""

import torch
from kornia.enhance import adjust_hue
from kornia.enhance.adjust import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_saturation_with_gray_subtraction,
)
from kornia.filters import gaussian_blur2d
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Generator, Tensor
from torch.nn.functional import grid_sample, normalize

from hinted_posenet.geometry import quaternion_exp, quaternion_product
from hinted_posenet.types import Pose, Sample


class Augment:
    """Rotates cameras about their centres and changes colours, each sample of a batch on its own.

    A rotation about the camera centre moves pixels by a homography whatever the depth, so the new
    pose is exact. K stays as it is.

    Args:
        rotation_deg: Standard deviations of the rotation vector about the camera's x (right: tilt),
            y (down: pan) and z (forward: roll) axes.
        brightness: Factors are drawn from 1 - brightness to 1 + brightness; so for the next two.
        contrast: About the mean grey of the image.
        saturation: 1 leaves the image as it is, 0 makes it grey.
        hue: Shift as a part of the whole colour circle, drawn from -hue to hue; the slowest of all.
        blur_p: Share of the samples that are blurred.
        blur_sigma_px: Range of the blur's standard deviation.
        padding_mode: What fills the new view outside the old image: "border", "reflection" or
            "zeros". Not reflection by default: it shows mirrored objects where there are none.
    """

    def __init__(
        self,
        rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        blur_p: float = 0.0,
        blur_sigma_px: tuple[float, float] = (0.3, 1.5),
        padding_mode: str = "border",
    ) -> None:
        self.rotation_deg = tuple(rotation_deg)
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.blur_p = blur_p
        self.blur_sigma_px = blur_sigma_px
        self.padding_mode = padding_mode

    def __call__(self, sample: Sample, generator: Generator) -> Sample:
        """Augment a batch: image (B, 3, H, W), K (B, 3, 3), T_world_cam (B,)."""
        if sample.query.feature.numel() > 0:
            raise ValueError("features computed beforehand would no longer match augmented images")
        if any(self.rotation_deg):
            B = len(sample.query.image)
            std_rad = torch.tensor(self.rotation_deg).deg2rad()
            vector = std_rad * torch.randn(B, 3, generator=generator, device=generator.device).cpu()
            sample = rotate_cameras(sample, vector.to(sample.query.image), self.padding_mode)
        image = self._recolour(sample.query.image, generator)
        return sample._replace(query=sample.query._replace(image=image))

    def _recolour(self, image: Tensor, generator: Generator) -> Tensor:  # (B, 3, H, W) in [0, 1]
        def uniform(low: float, high: float) -> Tensor:  # (B,)
            draw = torch.rand(len(image), generator=generator, device=generator.device)
            return (low + (high - low) * draw).to(image)

        def factor(spread: float) -> Tensor:  # (B,)
            return uniform(max(0.0, 1 - spread), 1 + spread)

        if self.brightness > 0:
            image = adjust_brightness_accumulative(image, factor(self.brightness))
        if self.contrast > 0:
            image = adjust_contrast_with_mean_subtraction(image, factor(self.contrast))
        if self.saturation > 0:
            image = adjust_saturation_with_gray_subtraction(image, factor(self.saturation))
        if self.hue > 0:
            image = adjust_hue(image, 2 * torch.pi * uniform(-self.hue, self.hue))
        if self.blur_p > 0:
            blurred = (uniform(0, 1) < self.blur_p).nonzero().squeeze(1)
            sigma_px = uniform(*self.blur_sigma_px)[blurred, None].expand(-1, 2)
            if len(blurred) > 0:
                smooth = gaussian_blur2d(image[blurred], (7, 7), sigma_px)
                image = image.index_copy(0, blurred, smooth)
        return image


def rotate_cameras(sample: Sample, vector: Tensor, padding_mode: str = "border") -> Sample:
    """The views of the same cameras turned by ``vector`` (B, 3), radians in the old camera's axes.

    ``R_world_new = R_world_old R(vector)``; a sensor's orientation prior turns along.
    """
    query, (t, q) = sample
    q_old_new = quaternion_exp(vector)
    prior = query.prior
    turned = torch.where(
        prior.sigma_r.isfinite()[..., None],  # no prior stays the same no prior
        quaternion_product(prior.pose.q, q_old_new.to(prior.pose.q)),
        prior.pose.q,
    )
    query = query._replace(
        image=_warp(query.image, query.K, q_old_new, padding_mode),
        prior=prior._replace(pose=Pose(prior.pose.t, turned)),
    )
    return Sample(query, Pose(t, normalize(quaternion_product(q, q_old_new.to(q)), dim=-1)))


def _warp(image: Tensor, K: Tensor, q_old_new: Tensor, padding_mode: str) -> Tensor:
    """Resample images (B, 3, H, W) with intrinsics K (B, 3, 3) as seen after a rotation (B, 4).

    A new pixel u shows the ray ``R_old_new K^-1 u``, which the old camera saw at ``K R K^-1 u``.
    All products are taken element by element, because autocast and TF32 would round matmuls by
    whole pixels.
    """
    H, W = image.shape[-2:]
    R_old_new = quaternion_to_rotation_matrix(q_old_new)
    homography = _product(_product(K, R_old_new), torch.linalg.inv(K))
    h = homography[..., None, None]  # (B, 3, 3, 1, 1)
    u = torch.arange(W, device=image.device, dtype=image.dtype) + 0.5  # (W,) pixel centres
    v = torch.arange(H, device=image.device, dtype=image.dtype)[:, None] + 0.5  # (H, 1)
    x, y, z = (h[:, row, 0] * u + h[:, row, 1] * v + h[:, row, 2] for row in range(3))  # (B, H, W)
    z = z.clamp_min(1e-3)  # rays behind the old camera land far outside
    # align_corners=False puts -1 and 1 on the outer edges, our pixel coordinates 0 and W
    grid = torch.stack([2 * x / (W * z) - 1, 2 * y / (H * z) - 1], dim=-1)
    return grid_sample(image, grid, "bilinear", padding_mode, align_corners=False)


def _product(a: Tensor, b: Tensor) -> Tensor:  # (B, 3, 3), (B, 3, 3) -> (B, 3, 3)
    return (a[..., :, :, None] * b[..., None, :, :]).sum(-2)
