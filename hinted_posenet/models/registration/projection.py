"""A camera over ground with relief: which pixel shows a point, and how its motion moves what it shows."""

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor
from torch.nn.functional import grid_sample

from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.ground import GroundPatch

NEAREST = 1e-3  # of the distance to the ground: points nearer to the camera's plane are not seen
SIGHT_STEPS = 24  # of a line of sight, at which it is held against the surface
LEVEL = 0.02  # of the distance to the ground: smaller differences of the surface hide nothing


def pixel_centers(height: int, width: int, step: float = 1.0) -> Tensor:
    """Return x, y of the centers of cells of ``step`` pixels, (height, width, 2); the first is at step / 2."""
    rows, cols = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    return step * torch.stack(torch.meshgrid(cols, rows, indexing="xy"), dim=-1)


def sight(pose: Pose, K: Tensor, pixels: Tensor) -> Tensor:
    """Return directions (B, n, 3) in the world, 1 along the optical axis, of pixels (B, n, 2)."""
    homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1)
    direction: Tensor = (
        homogeneous @ (quaternion_to_rotation_matrix(pose.q) @ torch.linalg.inv(K)).mT
    )
    return direction


def project(pose: Pose, K: Tensor, point_m: Tensor) -> tuple[Tensor, Tensor]:
    """Project points (B, n, 3): pixels (B, n, 2), and distances (B, n) along the optical axis."""
    seen = (point_m - pose.t.unsqueeze(1)) @ (quaternion_to_rotation_matrix(pose.q) @ K.mT)
    depth_m = seen[..., 2]
    return seen[..., :2] / depth_m.unsqueeze(-1).clamp_min(1e-6), depth_m


def ground_jacobian(pose: Pose, point_m: Tensor, slope: Tensor) -> Tensor:
    """Return (B, n, 2, 6): how a small motion moves what a pixel shows, in metres east and north.

    The motion is metres of the center along the world's axes, then radians about the camera's axes:
    ``t + d[:3]``, ``q * exp(d[3:])``. The pixel is the one that shows a point (B, n, 3) of a surface with a
    slope (B, n, 2) east and north.
    """
    ray = point_m - pose.t.unsqueeze(1)
    normal = torch.cat([-slope, torch.ones_like(slope[..., :1])], dim=-1)
    # seen from above, the surface faces the camera
    toward = (normal * ray).sum(dim=-1, keepdim=True).clamp_max(-1e-3)
    normal = normal / toward
    R = quaternion_to_rotation_matrix(pose.q)
    rows = []
    for axis in range(2):
        # what moves with the camera, back along its ray to the surface
        row = torch.eye(3).to(ray)[axis] - ray[..., axis : axis + 1] * normal
        rows.append(torch.cat([row, torch.linalg.cross(ray, row) @ R], dim=-1))
    return torch.stack(rows, dim=-2)


def laid_out(image: Tensor, pose: Pose, K: Tensor, patch: GroundPatch) -> tuple[Tensor, Tensor]:
    """Lay images (B, 3, H, W), taken from poses (B,), out on patches.

    Returns:
        Colours (B, 3, n, n), zero where they are not seen, and whether they are (B, n, n).
    """
    side = patch.cells
    points_m = patch.points_m().flatten(1, 2)
    pixels, depth_m = project(pose, K, points_m)
    size = pixels.new_tensor([image.shape[-1], image.shape[-2]])
    grid = pixels / size * 2 - 1
    distance_m = (pose.t[:, None, 2] - points_m[..., 2]).abs()
    seen = (grid.abs() < 1 - 1.5 / size).all(dim=-1) & (depth_m > NEAREST * distance_m)
    seen = seen & in_sight(pose, patch, points_m)
    grid = grid.nan_to_num().clamp(-2, 2).view(-1, side, side, 2)
    seen = seen.view(-1, side, side)
    return grid_sample(image, grid, align_corners=False) * seen.unsqueeze(1), seen


def in_sight(pose: Pose, patch: GroundPatch, points_m: Tensor) -> Tensor:
    """Tell which points (B, m, 3) of the surface no other part of it hides from cameras (B,)."""
    high_m = patch.height_m.amax(dim=(1, 2))
    relief_m = high_m - patch.height_m.amin(dim=(1, 2))
    above_m = (pose.t[:, 2] - high_m).clamp_min(1.0)
    if bool((relief_m < LEVEL * above_m).all()):
        return torch.ones_like(points_m[..., 0], dtype=torch.bool)
    ray = pose.t.unsqueeze(1) - points_m
    rise_m = (high_m.unsqueeze(1) - points_m[..., 2]).clamp_min(0)
    whole = (rise_m / ray[..., 2].clamp_min(1.0)).clamp_max(
        1.0
    )  # of the way, until nothing is higher
    seen = torch.ones_like(whole, dtype=torch.bool)
    cell_m = patch.cell_m.unsqueeze(1)
    for step in range(1, SIGHT_STEPS + 1):
        at_m = points_m + (step / SIGHT_STEPS * whole).unsqueeze(-1) * ray
        apart = (at_m - points_m)[..., :2].norm(dim=-1) > 1.5 * cell_m
        seen &= ~(apart & (patch.height_at(at_m[..., :2]) > at_m[..., 2] + 0.2 * cell_m))
    return seen
