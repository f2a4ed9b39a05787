"""Pair: the pose of a query from one training image of known pose, by resection of predicted points."""

import math

import torch
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor, nn
from torch.nn.functional import normalize

from hinted_posenet.core.geometry import (
    compose_rotvec,
    quaternion_inverse,
    quaternion_log,
    quaternion_product,
    rotate,
)
from hinted_posenet.core.types import Pose
from hinted_posenet.models.encoding import Rotation
from hinted_posenet.models.heads.consensus import Hypotheses

NEAREST = 0.1  # points are taken to be at least this far in front of the camera, in typical depths


def project(points: Tensor, pose: Pose, focal: Tensor) -> tuple[Tensor, Tensor]:
    """Project points (*, N, 3) by a camera at ``pose`` (*,): in its frame (*, N, 3) and image (*, N, 2)."""
    in_camera = rotate(quaternion_inverse(pose.q).unsqueeze(-2), points - pose.t.unsqueeze(-2))
    return in_camera, focal * in_camera[..., :2] / in_camera[..., 2:].clamp_min(NEAREST)


def resect(
    points: Tensor,
    seen: Tensor,
    weight: Tensor,
    focal: Tensor,
    robust: Tensor,
    damping: Tensor,
    steps: int,
) -> tuple[Pose, Tensor, Tensor]:
    """Take damped Gauss-Newton steps on robust reprojection errors, from the identity; differentiable.

    Args:
        points: (*, N, 3), with a typical depth of 1.
        seen: (*, N, 2) where the camera sees them; its image is [-1, 1] x [-1, 1].
        weight: (*, N).
        focal: (2,) focal lengths in half images.
        robust: () error at which a point counts half (Cauchy).
        damping: (6,) share of the weight that holds rotation and position back.
        steps: number of steps.

    Returns:
        Pose (*,) of the camera in the frame of the points, the errors (*, N, 2) and the weights (*, N) of
        the last step.
    """
    q = torch.eye(1, 4, dtype=points.dtype, device=points.device)[0].expand(*points.shape[:-2], 4)
    pose = Pose(torch.zeros_like(q[..., 1:]), q)
    # never singular, not even without any weight
    hold = torch.diag_embed(damping * weight.sum(dim=-1, keepdim=True) + 1e-6)  # (*, 6, 6)
    for _ in range(steps):
        in_camera, image = project(points, pose, focal)
        error = seen - image
        trust = weight / (1.0 + (error / robust).square().sum(dim=-1))
        jacobian = _jacobian(in_camera, image, focal)  # (*, 2 N, 6)
        weighted = jacobian * trust.repeat_interleave(2, dim=-1).unsqueeze(-1)
        normal = weighted.transpose(-1, -2) @ jacobian + hold
        pull = (weighted * error.flatten(-2).unsqueeze(-1)).sum(dim=-2)  # (*, 6)
        turn, move = torch.linalg.solve_ex(normal, pull).result.split(3, dim=-1)
        q = normalize(compose_rotvec(pose.q, turn), dim=-1)
        pose = Pose(pose.t + rotate(pose.q, move), q)
    return pose, error, trust


def _jacobian(in_camera: Tensor, image: Tensor, focal: Tensor) -> Tensor:
    """Differentiate image points, x and y in turn (*, 2 N), by turn and move of the camera in its frame (6)."""
    inverse = 1.0 / in_camera[..., 2].clamp_min(NEAREST)
    zero = torch.zeros_like(inverse)
    by_x = torch.stack([focal[0] * inverse, zero, -image[..., 0] * inverse], dim=-1)
    by_y = torch.stack([zero, focal[1] * inverse, -image[..., 1] * inverse], dim=-1)
    by_point = torch.stack([by_x, by_y], dim=-2)  # (*, N, 2, 3)
    # a camera that turns by w sees a point move by -w x p, one that moves by v by -v
    by_turn = torch.linalg.cross(by_point, in_camera.unsqueeze(-2).expand_as(by_point))
    return torch.cat([by_turn, -by_point], dim=-1).flatten(-3, -2)


STEPS = 4  # of the resection
DEPTH = 12.0  # typical depth where learning starts, in units of a neighbour's error per axis
FOCAL = 1.8  # focal length where it starts, in half images: 58 degrees


class Pair(nn.Module):
    """Cells of the two grids are matched, remembered cells get a depth, and the query is resected from them.

    All of it is learned from poses alone: what to match, the depth of each remembered cell, the focal length. A
    small network then corrects the remaining error and predicts its scale.
    """

    cell: Tensor  # (cells, 2) centers, in an image of [-1, 1] x [-1, 1]

    def __init__(self, channels: int, grid: int, rotation: Rotation, width: int, hidden: int):
        super().__init__()
        cells = grid**2
        self.rotation = rotation
        self.code = nn.Conv2d(channels, width, kernel_size=1)
        self.log_sharpness = nn.Parameter(torch.tensor(3.0))  # of matches: inverse temperature
        layers = nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1)
        self.log_depth = nn.Sequential(*layers)
        self.log_focal = nn.Parameter(torch.full((2,), math.log(FOCAL)))
        self.log_robust = nn.Parameter(torch.tensor(math.log(0.2)))
        self.log_damping = nn.Parameter(torch.full((6,), math.log(1e-3)))
        self.correct = nn.Sequential(
            nn.Linear(3 * cells + 21, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 5 + rotation.size),
        )
        for last in (*self.log_depth[-1].parameters(), *self.correct[-1].parameters()):
            nn.init.zeros_(last)
        center = (torch.arange(grid) + 0.5) / grid * 2 - 1
        y, x = torch.meshgrid(center, center, indexing="ij")
        self.register_buffer("cell", torch.stack([x, y], dim=-1).flatten(0, 1))

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        pose: Pose,
        mean_q: Tensor,
        unit_t_m: Tensor,
        unit_r_rad: Tensor,
    ) -> Hypotheses:
        """Predict one hypothesis for each pair.

        Args:
            query: standardised features (B, C, G, G).
            memory: those of K neighbours each (B, K, C, G, G).
            pose: of the neighbours (B, K).
            mean_q: mean rotation of the scene (4,).
            unit_t_m: () typical error per axis of a neighbour's position.
            unit_r_rad: () and of its rotation.
        """
        seen, weight = self._match(query, memory)
        focal = self.log_focal.exp()
        ray = torch.cat([self.cell / focal, torch.ones_like(self.cell[:, :1])], dim=-1)
        depth = self.log_depth(memory.flatten(0, 1)).exp().view(weight.shape)
        relative, error, trust = resect(
            ray * depth.unsqueeze(-1),
            seen,
            weight,
            focal,
            self.log_robust.exp(),
            self.log_damping.exp(),
            STEPS,
        )
        move = DEPTH * relative.t  # (B, K, 3) units, in the neighbour's frame
        turn = quaternion_log(relative.q) / unit_r_rad
        total = trust.sum(dim=-1, keepdim=True)
        square = (trust * error.square().sum(dim=-1)).sum(dim=-1, keepdim=True)
        matrix = quaternion_to_rotation_matrix(torch.cat([pose.q.flatten(0, 1), mean_q[None]]))
        raw = self.correct(
            torch.cat(
                [
                    move,
                    turn,
                    # how well the points agree with the resection
                    move.norm(dim=-1, keepdim=True),
                    turn.norm(dim=-1, keepdim=True),
                    (square / total.clamp_min(1e-6) + 1e-4).log(),
                    (total + 1e-3).log(),
                    trust.amax(dim=-1, keepdim=True),
                    weight.mean(dim=-1, keepdim=True),
                    (error * trust.sqrt().unsqueeze(-1)).flatten(2),
                    trust.sqrt(),
                    # rotations against the scene's mean: how cameras are held here
                    5.0 * (matrix[:-1] - matrix[-1:]).view(*pose.q.shape[:2], 9),
                ],
                dim=-1,
            )
        )
        scale = raw[..., :2].clamp(-5.0, 5.0).exp()
        change_q = quaternion_product(relative.q, self.rotation(unit_r_rad * raw[..., 5:]))
        t = pose.t + unit_t_m * rotate(pose.q, move + raw[..., 2:5])
        q = normalize(quaternion_product(pose.q, change_q), dim=-1)
        return Hypotheses(Pose(t, q), unit_t_m * scale[..., 0], unit_r_rad * scale[..., 1])

    def _match(self, query: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Find where the query sees each remembered cell (B, K, cells, 2), and how certain it is (B, K, cells)."""
        codes = normalize(self.code(query).flatten(2), dim=1)  # (B, width, cells)
        others = normalize(self.code(memory.flatten(0, 1)).flatten(2), dim=1)
        others = others.view(*memory.shape[:2], *codes.shape[1:])  # (B, K, width, cells)
        likeness = (codes.transpose(1, 2).unsqueeze(1) @ others) * self.log_sharpness.exp()
        to_query = likeness.softmax(dim=-2)  # (B, K, query's cells, remembered cells)
        mutual = (to_query * likeness.softmax(dim=-1)).sum(dim=-2)
        return to_query.transpose(-1, -2) @ self.cell, mutual
