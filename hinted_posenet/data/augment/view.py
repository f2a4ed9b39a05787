"""What a camera would have seen from the same place turned, with another lens or sensor: exact at any depth."""

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor
from torch.nn.functional import grid_sample, normalize

from hinted_posenet.data.crop import crop
from hinted_posenet.geometry import quaternion_product
from hinted_posenet.types import Pose, Sample


def crop_views(sample: Sample, corner: Tensor, height: int, width: int) -> Sample:
    """Crops (B, 3, height, width) from each view's ``corner`` (B, 2), column and row, on; same bits."""
    query = sample.query
    crops = [
        crop(image, K, top, left, height, width)
        for image, K, (left, top) in zip(query.image, query.K, corner.tolist(), strict=True)
    ]
    images, Ks = zip(*crops, strict=True)
    return sample._replace(query=query._replace(image=torch.stack(images), K=torch.stack(Ks)))


def new_views(
    sample: Sample, q_old_new: Tensor, K_new: Tensor, height: int, width: int, padding_mode: str
) -> Sample:
    """The views (B, 3, height, width) of cameras turned by ``q_old_new`` (B, 4) that have ``K_new`` (B, 3, 3).

    ``R_world_new = R_world_old R_old_new``; a sensor's orientation prior turns along.
    """
    query, (t, q) = sample
    prior = query.prior
    turned = torch.where(
        prior.sigma_r_rad.isfinite()[..., None],  # no prior stays the same no prior
        quaternion_product(prior.pose.q, q_old_new.to(prior.pose.q)),
        prior.pose.q,
    )
    query = query._replace(
        image=_resampled(query.image, query.K, q_old_new, K_new, height, width, padding_mode),
        K=K_new,
        prior=prior._replace(pose=Pose(prior.pose.t, turned)),
    )
    return Sample(query, Pose(t, normalize(quaternion_product(q, q_old_new.to(q)), dim=-1)))


def _resampled(
    image: Tensor,
    K: Tensor,
    q_old_new: Tensor,
    K_new: Tensor,
    height: int,
    width: int,
    padding_mode: str,
) -> Tensor:
    """Images (B, 3, H, W) of cameras K as cameras K_new, turned by q_old_new, would have taken them.

    A new pixel u shows the ray ``R_old_new K_new^-1 u``, which the old camera saw at
    ``K R_old_new K_new^-1 u``. All products are taken element by element and in float32, because
    autocast, TF32 and half-precision pixel coordinates would move it by whole pixels.
    """
    H, W = image.shape[-2:]
    R_old_new = quaternion_to_rotation_matrix(q_old_new.float())
    homography = _product(_product(K.float(), R_old_new), torch.linalg.inv(K_new.float()))
    h = homography[..., None, None]  # (B, 3, 3, 1, 1)
    u = torch.arange(width, device=image.device) + 0.5  # (width,) pixel centres
    v = torch.arange(height, device=image.device)[:, None] + 0.5  # (height, 1)
    x, y, z = (h[:, row, 0] * u + h[:, row, 1] * v + h[:, row, 2] for row in range(3))
    z = z.clamp_min(1e-3)  # rays behind the old camera land far outside
    # align_corners=False puts -1 and 1 on the outer edges, our pixel coordinates 0 and W
    grid = torch.stack([2 * x / (W * z) - 1, 2 * y / (H * z) - 1], dim=-1)
    return grid_sample(image.float(), grid, "bilinear", padding_mode, align_corners=False).to(image)


def _product(a: Tensor, b: Tensor) -> Tensor:  # (B, 3, 3), (B, 3, 3) -> (B, 3, 3)
    return (a[..., :, :, None] * b[..., None, :, :]).sum(-2)
