"""Configs to objects: the only place that instantiates, and only what trusted packages define.

Checkpoints carry configs, so a ``_target_`` may come from a stranger. Packages of the user's own are trusted
if the environment names them (``extensions.py``), which no config can.
"""

from typing import Any

import hydra
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.extensions import VARIABLE, extensions
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training.localizer import Localizer

# What a config may name: classes of these packages, and functions that read or make a part.
CLASSES = (
    "hinted_posenet.models.",
    "hinted_posenet.hints.",
    "hinted_posenet.data.",
    "hinted_posenet.simulator.",
    "hinted_posenet.show.",
    "hinted_posenet.training.schedules.",
    "hinted_posenet.training.callbacks.",
    "hinted_posenet.training.loggers.",
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
        model = PoseNet(**parts, head=head, refinement_steps=config["refinement_steps"])
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"head: {reason}; check the keys of head and pool") from error
    return Localizer(
        model=model,
        train_hint=build(config["train_hint"]),
        inference_hint=build(config["inference_hint"]),
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
    # by where it is defined: hinted_posenet.training.engine.shutil.rmtree starts well
    name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    if not name.startswith((*(CLASSES if isinstance(found, type) else FUNCTIONS), *own)):
        raise InputError(f"_target_={target}: refused; {allowed}")
