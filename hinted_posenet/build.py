"""Configs to objects: the only place that instantiates, and only what trusted packages define.

Checkpoints carry configs, so a ``_target_`` may come from a stranger.
"""

from typing import Any

import hydra
from hydra.errors import InstantiationException

from hinted_posenet.localizer import Localizer
from hinted_posenet.model.posenet import PoseNet
from hinted_posenet.types import InputError

TRUSTED = ("hinted_posenet", "torch.optim", "pytorch_lightning")


def build(config: Any, **arguments: Any) -> Any:
    """Instantiate a config node, with further arguments; refuse targets outside ``TRUSTED``."""
    _check_targets(config)
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
    model = PoseNet(
        backbone=build(config["backbone"]),
        pool=build(config["pool"]),
        head=build(config["head"], rotation=build(config["rotation"])),
        passes=config["passes"],
    )
    return Localizer(
        model=model,
        train_hint=build(config["train_hint"]),
        start_hint=build(config["start_hint"]),
        loss=build(config["loss"]),
        optimizer=build(config["optim"]["optimizer"]),
        scheduler=build(config["optim"]["scheduler"]),
        seed=config["seed"],
    )


def _check_targets(config: Any) -> None:
    if isinstance(config, dict):
        if "_target_" in config:
            _check_target(str(config["_target_"]))
        for value in config.values():
            _check_targets(value)
    elif isinstance(config, list):
        for value in config:
            _check_targets(value)


def _check_target(target: str) -> None:
    allowed = f"only {', '.join(TRUSTED)} are allowed"
    if not _inside(target):  # before it is resolved: resolving imports
        raise InputError(f"_target_={target}: refused; {allowed}")
    try:
        found = hydra.utils.get_object(target)
    except (ImportError, ValueError) as error:
        raise InputError(f"_target_={target}: not found ({' '.join(str(error).split())})") from None
    # hinted_posenet.x.os.system starts well but is defined elsewhere
    if not _inside(getattr(found, "__module__", "")):
        raise InputError(f"_target_={target}: refused, it is defined elsewhere; {allowed}")


def _inside(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in TRUSTED)
