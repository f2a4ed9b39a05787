"""Pure tensor functions on rotations and rigid motions.

Convention: quaternions are (w, x, y, z), Hamilton product, ``R(a b) = R(a) R(b)``; ``q`` and ``-q``
are the same rotation. All functions broadcast over leading dimensions and keep dtype and device.
Matrices go through kornia.geometry.conversions, which uses the same convention.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.overrides import handle_torch_function, has_torch_function


def quaternion_product(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product (*, 4) x (*, 4) -> (*, 4): the rotation b, then a."""
    if has_torch_function((a, b)):  # a mode may replace it, as any function of torch
        replaced: Tensor = handle_torch_function(quaternion_product, (a, b), a, b)
        return replaced
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        dim=-1,
    )


def quaternion_inverse(q: Tensor) -> Tensor:
    """Inverse of a unit quaternion (*, 4): its conjugate."""
    return torch.cat([q[..., :1], -q[..., 1:]], dim=-1)


def rotate(q: Tensor, points: Tensor) -> Tensor:
    """Rotate points (*, 3) by unit quaternions (*, 4)."""
    w, v = q[..., :1], q[..., 1:]
    shape = (v + points).shape  # linalg.cross wants equal shapes
    v, points = v.expand(shape), points.expand(shape)
    cross = 2.0 * torch.linalg.cross(v, points)
    rotated: Tensor = points + w * cross + torch.linalg.cross(v, cross)
    return rotated


def quaternion_exp(rotation_vector: Tensor) -> Tensor:
    """Rotation vector (*, 3) in radians -> unit quaternion (*, 4); smooth at zero."""
    half = 0.5 * torch.linalg.vector_norm(rotation_vector, dim=-1, keepdim=True)
    # torch.sinc(x) is sin(pi x) / (pi x), so this is sin(half) / half with its limit at zero
    return torch.cat([half.cos(), 0.5 * torch.sinc(half / torch.pi) * rotation_vector], dim=-1)


def quaternion_log(q: Tensor) -> Tensor:
    """Return the shortest rotation vector (*, 3) of a unit quaternion (*, 4), in radians, norm at most pi."""
    q = torch.where(q[..., :1] < 0, -q, q)
    sine = torch.linalg.vector_norm(q[..., 1:], dim=-1, keepdim=True)
    angle = 2.0 * torch.atan2(sine, q[..., :1])
    tiny = sine < 1e-7  # there angle / sine is 2 to machine precision
    return q[..., 1:] * torch.where(tiny, 2.0, angle / torch.where(tiny, 1.0, sine))


def compose_rotvec(q: Tensor, turn: Tensor) -> Tensor:
    """Rotate unit quaternions (*, 4) about their own axes by rotation vectors (*, 3) in radians: (*, 4)."""
    return quaternion_product(q, quaternion_exp(turn))


def relative_rotvec(a: Tensor, b: Tensor) -> Tensor:
    """Return the shortest r (*, 3) in radians with ``compose_rotvec(a, r) = b``; unit quaternions (*, 4)."""
    return quaternion_log(quaternion_product(quaternion_inverse(a), b))


def world_rotvec(a: Tensor, b: Tensor) -> Tensor:
    """Return the shortest r (*, 3) in radians about the world's axes with ``exp(r) a = b``; quaternions (*, 4)."""
    return quaternion_log(quaternion_product(b, quaternion_inverse(a)))


def rotation_angle(a: Tensor, b: Tensor) -> Tensor:
    """Angle (*,) in radians, within [0, pi], between the rotations of unit quaternions a, b (*, 4).

    By atan2: float32 ``acos(|a . b|)`` is NaN or 0 for close rotations. The gradient at zero is zero.
    """
    relative = quaternion_product(quaternion_inverse(a), b)
    return 2.0 * torch.atan2(
        torch.linalg.vector_norm(relative[..., 1:], dim=-1), relative[..., 0].abs()
    )


def invert(t: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse of the rigid motion ``p -> R(q) p + t``; t (*, 3), q (*, 4)."""
    inverse = quaternion_inverse(q)
    return -rotate(inverse, t), inverse


def mean_quaternion(q: Tensor) -> Tensor:
    """Mean rotation of (N, 4) unit quaternions whatever their signs -> (4,).

    The eigenvector of the largest eigenvalue of ``sum q q^T`` (Markley et al., 2007).
    """
    return normalize(torch.linalg.eigh(q.double().T @ q.double()).eigenvectors[:, -1], dim=0).to(q)


def robust_box(t: Tensor) -> tuple[Tensor, Tensor]:
    """Median (3,) of positions (N, 3), and the half size () of the cube around it that holds 95 % of them.

    Robust because real label files hold positions that are off by kilometres (Great Court: 3.4e9 m).
    """
    t64 = t.double()
    center = t64.quantile(0.5, dim=0)
    half_size = (t64 - center).abs().amax(dim=-1).quantile(0.95).clamp_min(1e-3)
    return center.to(t), half_size.to(t)
