"""Checkpoints: one file with weights and config; loading it never runs code that it contains."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors, write_tensors
from hinted_posenet.core.types import Query, without_local
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.hints.protocol import TrainingHints
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.budget import BuildBudget
from hinted_posenet.inference.build import build, build_localizer, self_contained
from hinted_posenet.inference.checkpoint_config import TrainedOn, check_config, trained_on
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.inference.place import Place
from hinted_posenet.inference.slots import check_node
from hinted_posenet.models.registration.map_ground import Frame
from hinted_posenet.models.registration.map_registration import MapRegistration

FILE = "localizer.ckpt"  # in a run's folder
FORMAT = "hinted_posenet localizer"
FIXED = ("model.backbone.", "model.frame.")  # whose buffers never grow
VERSION = 7  # raise when the content or the names of weights change


class Checkpoint(NamedTuple):
    """Content of a checkpoint file."""

    path: Path
    config: dict[str, Any]  # the training config, resolved
    feature_key: str  # what its features depend on (features.feature_key); empty: trained backbone
    state: dict[str, Tensor]
    place: Place
    key: str = "checkpoint"  # of the verb that was given its path

    @property
    def name(self) -> str:
        """How the user called it, for errors."""
        return f"{self.key}={self.path}"

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
    write_tensors(path, content)


def read_checkpoint(path: Path | str, key: str = "checkpoint") -> Checkpoint:
    """Read a checkpoint file, or that of a run's folder, without running code from it.

    ``key`` is what errors call it.

    Raises:
        InputError: There is none, or it holds something else than a localizer of this version.
    """
    path = checkpoint_file(Path(path), key)
    name = f"{key}={path}"
    try:
        content = read_tensors(path, "give the folder of a finished run, or its localizer.ckpt")
    except InputError as error:
        raise InputError(f"{key}={error}") from None
    kind = str(content.get("format")) if isinstance(content, dict) else ""
    if not kind.startswith(FORMAT):
        raise InputError(
            f"{name}: not a localizer's checkpoint; give a run's folder or localizer.ckpt"
        )
    if kind != f"{FORMAT} {VERSION}":
        written = content.get("version", "another version")
        raise InputError(
            f"{name}: written by hinted_posenet {written!s:.20} (format {kind.split()[-1]:.20}, expected "
            f"{VERSION}); train it again, or use that version"
        )
    try:
        check_config(content.get("config"))
        _check_state(content.get("state"))
        features = content.get("feature_key")
        if not isinstance(features, str):
            raise InputError("it lacks the key of its features")
        place = Place.from_plain(content.get("place"))
    except InputError as error:
        raise InputError(f"{name}: damaged: {error}; train it again, or take a copy") from None
    return Checkpoint(path, content["config"], features, content["state"], place, key)


def with_map(
    checkpoint: Checkpoint, photos: str | None, dem: str | None, key: str = "map"
) -> Checkpoint:
    """Return a checkpoint whose map's files are elsewhere now; None is where they were.

    Raises:
        InputError: It has no map of files.
    """
    refine = checkpoint.config.get("refine") or {}
    moved = {}
    for name, path in (("map", photos), ("dem", dem)):
        if path is not None and not (isinstance(refine, dict) and refine.get(name)):
            where = key if name == "map" else "dem"
            raise InputError(
                f"{where}={path}: the checkpoint's {name} is not of files; leave {where} out"
            )
        if path is not None:
            moved[name] = path
    return (
        checkpoint._replace(config={**checkpoint.config, "refine": {**refine, **moved}})
        if moved
        else checkpoint
    )


def load_localizer(checkpoint: Checkpoint) -> LocalizerModule:
    """Return the trained localizer, in evaluation mode on the CPU.

    Raises:
        InputError: Its config and its weights do not belong together.
    """
    try:
        # not built here, but a config that names other things in them is no training's
        for slot in ("loss", "augment"):
            if slot in checkpoint.config:
                check_node(checkpoint.config[slot], slot)
        with _budget(checkpoint):
            localizer = build_localizer(checkpoint.config, pretrained=False)
        for name, buffer in list(localizer.named_buffers()):
            # buffers that grow with the data (a retrieval database) get their shapes in the state
            found = checkpoint.state.get(name, buffer)
            if (
                found.shape != buffer.shape
                and found.dim() == buffer.dim()
                and not name.startswith(FIXED)
            ):
                owner, _, leaf = name.rpartition(".")
                grown = torch.empty_like(found, dtype=buffer.dtype)
                setattr(localizer.get_submodule(owner), leaf, grown)
        localizer.load_state_dict(checkpoint.state)
        if isinstance(localizer.refinement, MapRefinement):
            localizer.refinement.check()
            place = Frame(checkpoint.place.origin, checkpoint.place.offset_m)
            _open_map(localizer.refinement.registration, place)
        elif localizer.refinement:
            localizer.refinement.landmarks.check()
        localizer.eval()
        _try(localizer)
    except InputError as error:
        raise InputError(f"{checkpoint.name}: {error}") from None
    except Exception as error:  # whatever a config that no training has written makes fail
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{checkpoint.name}: weights and config do not agree ({reason}); train it again"
        ) from error
    return localizer


def _open_map(registration: MapRegistration, frame: Frame) -> None:
    """Open the files of a map, and say which keys tell where they are now."""
    try:
        registration.open(frame)
    except InputError as error:
        raise InputError(f"{error}; if they are elsewhere now, give map=FILES, dem=FILES") from None


def trained_with_hints(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint's network saw hints while it was trained."""
    try:
        with _budget(checkpoint):
            source: TrainingHints = build(checkpoint.config["train_hint"], "train_hint")
    except InputError as error:
        raise InputError(f"{checkpoint.name}: {error}") from None
    return source.gives_hints


def checkpoint_file(path: Path, key: str = "checkpoint") -> Path:
    """Return the checkpoint file that the path of a key means; where there is none, say which runs are below."""
    if not path.is_dir() or (path / FILE).is_file():
        return path / FILE if path.is_dir() else path
    below = [
        file.parent for depth in ("*", "*/*", "*/*/*") for file in path.glob(f"{depth}/{FILE}")
    ]
    if below:
        more = f" and {len(below) - 5} more" if len(below) > 5 else ""
        runs = ", ".join(str(run) for run in sorted(below)[:5])
        raise InputError(f"{key}={path}: no run; give one of those below it: {runs}{more}")
    if (path / "lightning").is_dir():
        raise InputError(f"{key}={path}: its training has not ended; train with resume=true first")
    raise InputError(f"{key}={path}: holds no {FILE}; give the folder of a finished run")


def _check_state(state: Any) -> None:
    """Refuse what is no state of a network: named tensors, all numbers, and weights finite."""
    if not isinstance(state, dict):
        raise InputError("it lacks the weights")
    for name, value in state.items():
        if not (isinstance(name, str) and name.isprintable() and isinstance(value, Tensor)):
            raise InputError("its weights are no named tensors")
        if value.is_floating_point() and value.isnan().any():
            raise InputError(f"its weights {name[:80]} are not numbers (nan)")


def _budget(checkpoint: Checkpoint) -> BuildBudget:
    return BuildBudget(sum(value.numel() for value in checkpoint.state.values()))


@torch.inference_mode()
def _try(localizer: LocalizerModule) -> None:
    """Let a localizer answer a blank feature, so that parts that do not fit each other are found at once."""
    model = localizer.model
    feature = torch.zeros(1, model.backbone.channels[0], model.pool.grid, model.pool.grid)
    known = Query(
        torch.empty(1, 0),
        feature,
        torch.eye(3)[None],
        no_hint(feature),
        [""],
        torch.zeros(1),
        without_local(1),
    )
    localizer.predict(known)


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
        load_localizer(read),
        read.feature_key,
        read.config,
        read.trained_on.identity | {"offset_m": read.place.offset_m.tolist()},
    )
