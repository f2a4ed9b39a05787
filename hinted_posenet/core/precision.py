"""What stays in float32 while a network runs in half precision: positions, similarities, normal equations."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def in_float32(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function compute in float32 although autocast is on around it, as with trainer.precision=bf16-mixed.

    bfloat16 has 3 digits: the position of a camera in a scene of 600 m would be rounded to metres.
    """

    @wraps(function)
    def exact(*args: P.args, **kwargs: P.kwargs) -> T:
        on = [device for device in ("cpu", "cuda") if torch.is_autocast_enabled(device)]
        if not on:  # so that an exported graph holds nothing of it
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return function(*args, **kwargs)

    return exact
