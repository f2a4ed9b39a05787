"""Configs to objects: the only place that instantiates, and only what trusted packages define.

Checkpoints carry configs, so a ``_target_`` may come from a stranger. The user's own packages are trusted if the
environment names them (``extensions.py``), which no config can do.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import hydra
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError, missing_extra
from hinted_posenet.core.extensions import VARIABLE, extensions
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.posenet import PoseNet

# What a config may name: classes of these packages, and functions that read or make a part.
CLASSES = (
    "hinted_posenet.models.",
    "hinted_posenet.hints.",
    "hinted_posenet.data.",
    "hinted_posenet.simulator.",
    "hinted_posenet.show.",
    "hinted_posenet.training.callbacks.",
    "hinted_posenet.training.parts.",
    "torch.optim.",
    "pytorch_lightning.callbacks.",
    "pytorch_lightning.loggers.",
    "pytorch_lightning.trainer.",
)
FUNCTIONS = (
    "hinted_posenet.data.",
    "hinted_posenet.simulator.world.",
    "hinted_posenet.inference.checkpoint.network_hint",
)


def build(config: Any, **arguments: Any) -> Any:
    """Instantiate a config node, with further arguments; refuse targets that no trusted package defines."""
    if OmegaConf.is_config(config):
        config = OmegaConf.to_container(config, resolve=True)
    _check(config)
    try:
        if not arguments:
            return hydra.utils.instantiate(config, _convert_="all")
        # Hydra would copy dataclasses among the arguments into a config, so they are passed by a call
        made = hydra.utils.instantiate(config, _convert_="all", _partial_=True)
        return partial(made, **arguments) if config.get("_partial_") else made(**arguments)
    except Exception as error:
        cause = error.__cause__ if isinstance(error, InstantiationException) else error
        if isinstance(cause, InputError):
            raise cause from None
        if extra := missing_extra(error):
            raise InputError(extra) from None
        reason = " ".join(str(cause or error).split())
        raise InputError(
            f"{config.get('_target_')}: {reason}; check the keys of its config"
        ) from error


def build_localizer(config: dict[str, Any], pretrained: bool = True) -> LocalizerModule:
    """Build the untrained localizer of a training config; a checkpoint brings the backbone's weights itself."""
    backbone = config["backbone"]
    if not pretrained and "weights" in backbone:  # not every backbone has weights to fetch
        backbone = {**backbone, "weights": None}
    parts = {"backbone": build(backbone), "pool": build(config["pool"])}
    head = build(config["head"], rotation=build(config["rotation"]))
    try:
        model = PoseNet(**parts, head=head, refinement_steps=config["refinement_steps"])
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"head: {reason}; check the keys of head and pool") from error
    return LocalizerModule(model, build(config["inference_hint"]))


class TrainedOn(NamedTuple):
    """The data that a localizer was trained on."""

    name: str  # of the data set
    scene: str
    ground_truth: str
    height: int  # pixels of its images
    width: int
    crop: tuple[int, int] | None  # (height, width) in pixels

    @property
    def identity(self) -> dict[str, str]:
        """What another network or data set must agree with."""
        return {"name": self.name, "scene": self.scene, "ground_truth": self.ground_truth}


def trained_on(config: dict[str, Any]) -> TrainedOn:
    """Return the data that a training config names."""
    data = config["data"]
    crop = tuple(data["crop"]) if data["crop"] else None
    return TrainedOn(**{key: data[key] for key in TrainedOn._fields if key != "crop"}, crop=crop)


def self_contained(config: dict[str, Any], localizer: LocalizerModule) -> dict[str, Any]:
    """Return the config with that of a network hint inside, so that a checkpoint needs no second file."""
    if not isinstance(localizer.inference_hint, NetworkHint):
        return config
    hint = {**config["inference_hint"], "config": localizer.inference_hint.config}
    return {**config, "inference_hint": hint}


def describe_hint(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name and the plain parameters of a hint source from its config node.

    ``OracleHint`` becomes ``{"name": "oracle", "sigma_t_m": 5.0, ...}`` and ``NoHint`` ``{"name": "none"}``.
    """
    name = re.sub(r"_?hint$", "", node["_target_"].rpartition(".")[2], flags=re.IGNORECASE).lower()
    plain = (key for key, value in node.items() if not isinstance(value, Mapping))
    values = {key: node[key] for key in plain if not key.startswith("_")}
    return {"name": "none" if name == "no" else name, **values}


def _check(config: Any) -> None:
    if isinstance(config, dict) and "_target_" in config:
        _check_target(str(config["_target_"]))
    if isinstance(config, dict | list):
        for value in config.values() if isinstance(config, dict) else config:
            _check(value)
    elif isinstance(config, str) and "${" in config:  # resolving it could run any resolver
        raise InputError(f"{config}: refused; a config to build holds no interpolations")


def _check_target(target: str) -> None:
    allowed = (
        "allowed are this package's parts, torch.optim, Lightning's trainer, callbacks and loggers, and "
        f"packages of your own that {VARIABLE} names"
    )
    own = tuple(f"{name}." for name in extensions())
    if not target.startswith(("hinted_posenet.", "torch.optim.", "pytorch_lightning.", *own)):
        raise InputError(f"_target_={target}: refused; {allowed}")  # before resolving it imports
    try:
        found = hydra.utils.get_object(target)
    except (ImportError, ValueError) as error:
        if extra := missing_extra(error):
            raise InputError(extra) from None
        raise InputError(f"_target_={target}: not found ({' '.join(str(error).split())})") from None
    # by where it is defined: hinted_posenet.training.train.shutil.rmtree starts with an allowed name
    name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    if not name.startswith((*(CLASSES if isinstance(found, type) else FUNCTIONS), *own)):
        raise InputError(f"_target_={target}: refused; {allowed}")
