"""Refuse or ignore priors that cannot be right: nan, and places far from the scene."""

import logging
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import length
from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.core.types import Hint

FAR_SIZES, FAR_SIGMAS = 10.0, 5.0

log = logging.getLogger(__name__)


def impossible(hint: Hint) -> str | None:
    """Return why no sensor can have measured a hint (), whatever the scene; None if one can.

    Axes that the hint does not know do not count.
    """
    known = ~hint.covariance.diagonal().isinf()
    place = hint.pose.t[known[:3]]
    values = torch.cat([place, hint.pose.q, hint.covariance[known][:, known].flatten()])
    if not values.isfinite().all():
        return "is not a finite pose with a finite covariance"
    if bool((place.abs() > COORDINATE_M).any()):
        return f"is more than {COORDINATE_M:g} m from the world's origin"
    return None


def fault_of(hint: Hint, center: Tensor, size_m: float) -> str | None:
    """Return what is wrong with a hint (); None if nothing is.

    It is `impossible`, or farther from the scene's center (3,) than 10 times the size of the scene, ``size_m``,
    plus 5 of its own standard deviations. Axes that the hint does not know do not count.
    """
    if why := impossible(hint):
        return why
    known = ~hint.covariance.diagonal().isinf()
    off_m = (hint.pose.t - center.to(hint.pose.t))[known[:3]]
    sigma_m = hint.covariance.diagonal()[:3][known[:3]].sum().sqrt()
    distance_m = float(off_m.norm())
    if distance_m > FAR_SIZES * size_m + FAR_SIGMAS * float(sigma_m):
        return f"is {length(distance_m)} from the scene, which is {length(size_m)} across"
    return None


def check_priors(
    names: Sequence[str],
    hints: Sequence[Hint | None],
    center: Tensor,
    size_m: float,
    far: Literal["refuse", "ignore"] = "refuse",
) -> list[Hint | None]:
    """Return the hints of images without those that are wrong, see `fault_of`, each named in a warning.

    Raises:
        InputError: One is wrong, unless ``far`` is "ignore".
    """
    kept: list[Hint | None] = []
    for name, hint in zip(names, hints, strict=True):
        fault = None if hint is None else fault_of(hint, center, size_m)
        if fault and far == "refuse":
            raise InputError(
                f"{name}: its prior {fault}; correct it, or leave such priors out (far_priors=ignore)"
            )
        if fault:
            log.warning("%s: its prior %s and is ignored", name, fault)
        kept.append(None if fault else hint)
    return kept
