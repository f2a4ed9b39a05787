"""Configs to objects: the only place that instantiates, and only what trusted packages define.

Checkpoints carry configs, so a ``_target_`` may come from a stranger. Packages of the user's own are trusted
if the environment names them (``extensions.py``), which no config can.
"""

from typing import Any

import hydra
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from hinted_posenet.extensions import VARIABLE, extensions
from hinted_posenet.localizer import Localizer
from hinted_posenet.model.posenet import PoseNet
from hinted_posenet.types import InputError

# What a config may name: classes of these packages, and functions that read or make a part.
CLASSES = (
    "hinted_posenet.model.",
    "hinted_posenet.hint.",
    "hinted_posenet.loss.",
    "hinted_posenet.data.",
    "hinted_posenet.export.",
    "hinted_posenet.simulator.",
    "hinted_posenet.show.",
    "hinted_posenet.schedule.",
    "hinted_posenet.callbacks.",
    "hinted_posenet.logger.",
    "torch.optim.",
    "pytorch_lightning.callbacks.",
    "pytorch_lightning.loggers.",
    "pytorch_lightning.trainer.",
)
FUNCTIONS = (
    "hinted_posenet.data.",
    "hinted_posenet.simulator.world.",
    "hinted_posenet.checkpoint.network_hint",
)


def build(config: Any, **arguments: Any) -> Any:
    """Instantiate a config node, with further arguments; refuse what is neither listed nor an extension's."""
    if OmegaConf.is_config(config):
        config = OmegaConf.to_container(config, resolve=True)
    _check(config)
    try:
        return hydra.utils.instantiate(config, _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = " ".join(str(cause or error).split())
        raise InputError(
            f"{config.get('_target_')}: {reason}; check the keys of its config"
        ) from error


def build_localizer(config: dict[str, Any]) -> Localizer:
    """The localizer of a training config: untrained, nothing fitted."""
    parts = {key: build(config[key]) for key in ("backbone", "pool")}
    head = build(config["head"], rotation=build(config["rotation"]))
    try:
        model = PoseNet(**parts, head=head, passes=config["passes"])
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"head: {reason}; check the keys of head and pool") from error
    return Localizer(
        model=model,
        train_hint=build(config["train_hint"]),
        start_hint=build(config["start_hint"]),
        loss=build(config["loss"]),
        optimizer=build(config["optim"]["optimizer"]),
        scheduler=build(config["optim"]["scheduler"]),
        seed=config["seed"],
    )


def _check(config: Any) -> None:
    if isinstance(config, dict):
        if "_target_" in config:
            _check_target(str(config["_target_"]))
        for value in config.values():
            _check(value)
    elif isinstance(config, list):
        for value in config:
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
        raise InputError(f"_target_={target}: not found ({' '.join(str(error).split())})") from None
    # by where it is defined: hinted_posenet.engine.shutil.rmtree starts well
    name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    if not name.startswith((*(CLASSES if isinstance(found, type) else FUNCTIONS), *own)):
        raise InputError(f"_target_={target}: refused; {allowed}")
