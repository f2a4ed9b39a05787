"""Estimates and hints as the service writes them: plain numbers, null where one is not known."""

import math
from typing import Any

import torch
from torch import Tensor

from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Pose
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.map_marks import CHI_95, Plane, heading_rad, pointer
from hinted_posenet.inference.service_models import Answer, Ellipse, Mode, Place


def place(pose: Pose, covariance: Tensor, plane: Plane, origin: Origin | None) -> dict[str, Any]:
    """Return the fields of a `Place` for a pose () with its covariance (6, 6)."""
    sigma = covariance.diagonal().sqrt()
    sigma_deg = [_known(value) for value in sigma[3:].rad2deg().tolist()]
    return {
        "position_m": pose.t.tolist(),
        "quaternion": pose.q.tolist(),
        "covariance": [[_known(value) for value in row] for row in covariance.tolist()],
        "sigma_m": [_known(value) for value in sigma[:3].tolist()],
        "sigma_deg": sigma_deg,
        "ellipse_95": ellipse(covariance, plane),
        "pointer": _pointer(pose.q, plane),
        "heading_deg": math.degrees(float(heading_rad(pose.q))) % 360.0,
        "sigma_heading_deg": sigma_deg[2],
        **_on_earth(pose.t, origin),
    }


def hint_place(pose: Pose, covariance: Tensor, plane: Plane, origin: Origin | None) -> Place:
    """Return a hint () as the service understood it."""
    return Place(**place(pose, covariance, plane, origin))


def answer(estimate: Estimate, plane: Plane) -> Answer:
    """Return an estimate as the service writes it."""
    origin = estimate.origin
    return Answer(
        **place(estimate.pose, estimate.covariance, plane, origin),
        status=estimate.status,
        started_from=estimate.hint,
        steps=estimate.steps,
        out_of_map=_known(estimate.out_of_map),
        landmarks=estimate.landmarks,
        fits_map=estimate.fits_map,
        modes=[
            Mode(**place(mode.pose, mode.covariance, plane, origin), weight=mode.weight)
            for mode in estimate.modes
        ],
    )


def ellipse(covariance: Tensor, plane: Plane) -> Ellipse | None:
    """Return the ellipse in plan view that holds a position with 95 %; None where it is not known."""
    block = covariance[plane, :][:, plane].double()
    if not block.isfinite().all():
        return None
    variances, axes = torch.linalg.eigh(block)
    short, long = (CHI_95 * math.sqrt(max(float(v), 0.0)) for v in variances)
    right, up = axes[:, 1].tolist()
    return Ellipse(semi_axes_m=(long, short), angle_deg=math.degrees(math.atan2(up, right)) % 180.0)


def _pointer(q: Tensor, plane: Plane) -> tuple[float, float]:
    right, up = pointer(q, plane).tolist()
    length = math.hypot(right, up)
    return (right / length, up / length) if length else (0.0, 0.0)


def _on_earth(t: Tensor, origin: Origin | None) -> dict[str, Any]:
    """Return where a position (3,) lies on Earth; all null for a world whose place is not known."""
    if origin is None:
        return dict.fromkeys(("latitude", "longitude", "altitude", "altitude_above"))
    latitude, longitude, altitude = (_known(part) for part in origin.to_geographic(t))
    above = origin.vertical
    return {
        "latitude": latitude,
        "longitude": longitude,
        "altitude": altitude,
        "altitude_above": above,
    }


def _known(value: Tensor | float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
