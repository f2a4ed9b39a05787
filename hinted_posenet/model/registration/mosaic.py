"""A ground map made of views whose poses are known: the memory of a training set over level ground."""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from hinted_posenet.model.ground_map import GroundMap
from hinted_posenet.model.registration.plane import ground_points, project
from hinted_posenet.types import Pose


def mosaic(
    image: Tensor,
    truth: Pose,
    K: Tensor,
    sequence: Tensor,
    resolution_m: float,
    height_m: float = 0.0,
) -> GroundMap:
    """One photo per sequence: where views overlap, their mean, in which the middle of a view counts most.

    Args:
        image: views (N, 3, H, W) in [0, 1].
        truth: their poses T_world_cam (N,).
        K: of their one camera (3, 3).
        sequence: (N,) int64, which sequence each was taken on; photo i is of sequence i.
        resolution_m: of the map.
        height_m: z of the ground.
    """
    height, width = image.shape[-2:]
    corners = K.new_tensor([[0, 0], [width, 0], [0, height], [width, height]], dtype=torch.float32)
    K = K.float()
    seen_m = ground_points(truth, K, corners.expand(len(image), 4, 2), height_m)
    low, high = seen_m.amin(dim=(0, 1)), seen_m.amax(dim=(0, 1))
    cols, rows = ((high - low) / resolution_m).ceil().int().tolist()
    xmin, ymax = float(low[0]), float(low[1]) + rows * resolution_m
    total = torch.zeros(int(sequence.max()) + 1, 4, rows, cols)  # colours times weight, and weight
    for index, corner_m in enumerate(seen_m):
        first = torch.stack([corner_m[:, 0] - xmin, ymax - corner_m[:, 1]], dim=-1) / resolution_m
        left, top = first.amin(dim=0).floor().int().clamp_min(0).tolist()
        right, bottom = first.amax(dim=0).ceil().int().tolist()
        x = xmin + (torch.arange(left, min(right, cols)) + 0.5) * resolution_m
        y = ymax - (torch.arange(top, min(bottom, rows)) + 0.5) * resolution_m
        cells_m = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        pose = Pose(truth.t[index : index + 1], truth.q[index : index + 1])
        pixels = project(pose, K, cells_m.view(1, -1, 2), height_m)
        grid = (pixels / pixels.new_tensor([width, height]) * 2 - 1).view(1, len(y), len(x), 2)
        # inside by half a pixel at least, so that nothing is mixed with what lies beyond the edge
        weight = (1 - grid[0].abs().amax(dim=-1) - 1 / min(height, width)).clamp_min(0)
        colour = grid_sample(image[index : index + 1].float(), grid, align_corners=False)[0]
        part = total[sequence[index], :, top : top + len(y), left : left + len(x)]
        part += torch.cat([colour * weight, weight.unsqueeze(0)])
    weight = total[:, 3]
    photos = (total[:, :3] / weight.unsqueeze(1).clamp_min(1e-6) * 255).round().to(torch.uint8)
    bounds_m = (xmin, float(low[1]), xmin + cols * resolution_m, ymax)
    return GroundMap(photos, bounds_m, height_m, weight > 0)
