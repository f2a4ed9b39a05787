"""A key of a module: equal keys mean equal results."""

import hashlib

import torch
from torch import nn


def module_key(module: nn.Module) -> str:
    """Return a hash of a module's class, of its settings, which are plain attributes, and of its weights."""
    plain = {k: v for k, v in vars(module).items() if isinstance(v, int | float | str)}
    kind = type(module)
    digest = hashlib.sha256(f"{kind.__module__}.{kind.__qualname__} {plain}".encode())
    for name, value in module.state_dict().items():
        digest.update(f" {name} {tuple(value.shape)} {value.dtype} ".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
