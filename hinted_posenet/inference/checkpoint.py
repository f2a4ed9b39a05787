"""Checkpoints: one file with the weights, the config, and what it was trained on; loads without running code."""

import pickle
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.training.localizer import Localizer

FORMAT = "hinted_posenet localizer 4"


class Checkpoint(NamedTuple):
    """What a checkpoint file holds."""

    path: Path
    config: dict[str, Any]  # the training config, resolved
    feature_key: (
        str  # what its features depend on (features.feature_key); empty for a trained backbone
    )
    state: dict[str, Tensor]


def save_checkpoint(path: Path, localizer: Localizer, config: dict[str, Any], key: str) -> None:
    """Write atomically. A network hint's own config goes along, so that the file is enough by itself."""
    if isinstance(localizer.inference_hint, NetworkHint):
        config = {
            **config,
            "inference_hint": {
                **config["inference_hint"],
                "config": localizer.inference_hint.config,
            },
        }
    content = {
        "format": FORMAT,
        "version": version("hinted_posenet"),
        "config": config,
        "feature_key": key,
        "state": localizer.state_dict(),
    }
    with atomic_write(path) as partial:
        torch.save(content, partial)


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint file; never unpickles code."""
    path = Path(path)
    if path.is_dir():
        path = path / "localizer.ckpt"
    if not path.is_file():
        raise InputError(f"checkpoint={path}: no such file; train one, or give the path of a run")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0] or "it ends early"
        raise InputError(f"checkpoint={path}: not a readable checkpoint ({reason})") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(
            f"checkpoint={path}: expected format '{FORMAT}'; give a run's localizer.ckpt, or train it again"
        )
    return Checkpoint(path, content["config"], content["feature_key"], content["state"])


def load_localizer(checkpoint: Checkpoint) -> Localizer:
    """The trained localizer, in evaluation mode on the CPU."""
    localizer = rebuild_localizer(checkpoint.config)
    _fit_buffer_shapes(localizer, checkpoint.state)
    try:
        localizer.load_state_dict(checkpoint.state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"checkpoint={checkpoint.path}: weights and config do not agree ({reason})"
        ) from None
    return localizer.eval()


def rebuild_localizer(config: dict[str, Any]) -> Localizer:
    """The localizer of a checkpoint's config without fetching weights that the checkpoint brings anyway."""
    backbone = config["backbone"]
    if "weights" in backbone:  # not all have such
        backbone = {**backbone, "weights": None}
    return build_localizer({**config, "backbone": backbone})


def network_hint(checkpoint: str, config: dict[str, Any] | None = None) -> NetworkHint:
    """The hint of a trained network: read from its file, or rebuilt from the config inside another checkpoint."""
    if config is not None:
        return NetworkHint(rebuild_localizer(config), feature_key="", config=config)
    read = read_checkpoint(checkpoint)
    if not read.feature_key:
        raise InputError(
            f"inference_hint.checkpoint={checkpoint}: its backbone was trained, so no other network can share its "
            "features; train it with backbone.trainable=none"
        )
    return NetworkHint(load_localizer(read), read.feature_key, read.config)


def _fit_buffer_shapes(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Give buffers that grow with the data (a retrieval memory) the shapes that the state has."""
    for name, buffer in list(module.named_buffers()):
        if name in state and state[name].shape != buffer.shape:
            owner, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(owner), leaf, torch.empty_like(state[name]))
