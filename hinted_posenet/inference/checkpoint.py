"""Checkpoints: one file with weights and config; loading it never runs code that it contains."""

import pickle
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.inference.build import TrainedOn, build_localizer, self_contained, trained_on
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.place import Place

FORMAT = "hinted_posenet localizer"
VERSION = 6  # raise when the content or the names of weights change


class Checkpoint(NamedTuple):
    """Content of a checkpoint file."""

    path: Path
    config: dict[str, Any]  # the training config, resolved
    feature_key: str  # what its features depend on (features.feature_key); empty: trained backbone
    state: dict[str, Tensor]
    place: Place

    @property
    def trained_on(self) -> TrainedOn:
        """The data that it was trained on."""
        return trained_on(self.config)


def save_checkpoint(
    path: Path, localizer: LocalizerModule, config: dict[str, Any], key: str, place: Place
) -> None:
    """Write a checkpoint atomically; the config of a network hint is stored along with it."""
    content = {
        "format": f"{FORMAT} {VERSION}",
        "version": version("hinted_posenet"),
        "config": self_contained(config, localizer),
        "feature_key": key,
        "state": localizer.state_dict(),
        "place": place.plain(),
    }
    with atomic_write(path) as partial:
        torch.save(content, partial)


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint file without unpickling code."""
    path = Path(path, "localizer.ckpt") if Path(path).is_dir() else Path(path)
    if not path.is_file():
        raise InputError(f"checkpoint={path}: no such file; train one, or give the path of a run")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0] or "it ends early"
        raise InputError(f"checkpoint={path}: not a readable checkpoint ({reason})") from None
    kind = str(content.get("format")) if isinstance(content, dict) else ""
    if not kind.startswith(FORMAT):
        raise InputError(
            f"checkpoint={path}: not a localizer's checkpoint; give a run's folder or localizer.ckpt"
        )
    if kind != f"{FORMAT} {VERSION}":
        written = content.get("version", "another version")
        raise InputError(
            f"checkpoint={path}: written by hinted_posenet {written} (format {kind.split()[-1]}, expected "
            f"{VERSION}); train it again, or use that version"
        )
    place = Place.from_plain(content["place"])
    return Checkpoint(path, content["config"], content["feature_key"], content["state"], place)


def load_localizer(checkpoint: Checkpoint) -> LocalizerModule:
    """Return the trained localizer, in evaluation mode on the CPU."""
    localizer = build_localizer(checkpoint.config, pretrained=False)
    for name, buffer in list(localizer.named_buffers()):
        # buffers that grow with the data (a retrieval database) get their shapes in the state
        if name in checkpoint.state and checkpoint.state[name].shape != buffer.shape:
            owner, _, leaf = name.rpartition(".")
            setattr(localizer.get_submodule(owner), leaf, torch.empty_like(checkpoint.state[name]))
    try:
        localizer.load_state_dict(checkpoint.state)
    except RuntimeError as error:
        reason = f"weights and config do not agree ({' '.join(str(error).split())[:200]})"
        raise InputError(f"checkpoint={checkpoint.path}: {reason}") from None
    return localizer.eval()


def network_hint(checkpoint: str, config: dict[str, Any] | None = None) -> NetworkHint:
    """Return the hint of a trained network, from its file or from its config inside another checkpoint."""
    if config is not None:
        return NetworkHint(build_localizer(config, pretrained=False), feature_key="", config=config)
    read = read_checkpoint(checkpoint)
    if not read.feature_key:
        raise InputError(
            f"inference_hint.checkpoint={checkpoint}: its backbone was trained, so no other network can share its "
            "features; train it with backbone.trainable=none"
        )
    return NetworkHint(
        load_localizer(read), read.feature_key, read.config, read.trained_on.identity
    )
