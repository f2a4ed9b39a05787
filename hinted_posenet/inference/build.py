"""Configs to objects: the only place that instantiates, and only what the slot of a config may name."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import hydra
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError, missing_extra
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.slots import check_node, find_target
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer
from hinted_posenet.models.posenet import PoseNet

NETWORKS = ("backbone", "features", "matcher", "refine")  # nodes that may read weights from a file


def build(config: Any, slot: str, **arguments: Any) -> Any:
    """Instantiate the node of a slot (`slots.SLOTS`), with further arguments.

    Raises:
        InputError: The node names what its slot does not take, or its keys are wrong.
    """
    if OmegaConf.is_config(config):
        config = OmegaConf.to_container(config, resolve=True)
    check_node(config, slot)
    how: dict[str, Any] = {"_convert_": "all"}
    if not isinstance(find_target(config["_target_"], slot), type):
        how["_recursive_"] = False  # nodes in the arguments of a function are not checked
    try:
        if not arguments:
            return hydra.utils.instantiate(config, **how)
        # Hydra would copy dataclasses among the arguments into a config, so they are passed by a call
        made = hydra.utils.instantiate(config, **how, _partial_=True)
        return partial(made, **arguments) if config.get("_partial_") else made(**arguments)
    except Exception as error:
        cause = error.__cause__ if isinstance(error, InstantiationException) else error
        if isinstance(cause, InputError):
            raise cause from None
        if extra := missing_extra(error):
            raise InputError(extra) from None
        reason = " ".join(str(cause or error).split())
        raise InputError(f"{config['_target_']}: {reason}; check the keys of its config") from error


def build_localizer(config: dict[str, Any], pretrained: bool = True) -> LocalizerModule:
    """Build the untrained localizer of a training config; a checkpoint brings the backbone's weights itself."""
    nodes = config if pretrained else without_files(config)
    parts = {key: build(nodes[key], key) for key in ("backbone", "pool")}
    head = build(nodes["head"], "head", rotation=build(nodes["rotation"], "rotation"))
    try:
        model = PoseNet(**parts, head=head, refinement_steps=config["refinement_steps"])
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())
        raise InputError(f"head: {reason}; check the keys of head and pool") from error
    hint = build(nodes["inference_hint"], "inference_hint")
    return LocalizerModule(model, hint, _refine(nodes) if nodes.get("refine") else None)


def _refine(nodes: dict[str, Any]) -> Any:
    """Build what refines answers; landmarks get the features and the matcher of the config."""
    node = nodes["refine"]
    check_node(node, "refine")
    takes_features = issubclass(find_target(node["_target_"], "refine"), LandmarkLocalizer)
    keys = ("features", "matcher") if takes_features else ()
    return build(node, "refine", **{key: build(nodes[key], key) for key in keys})


def without_files(config: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint's config without the files and downloads that its training began with.

    Raises:
        InputError: Its network hint is in another file.
    """
    tail = config["head"].get("tail")
    head = (
        {**config["head"], "tail": _unweighted(tail)} if isinstance(tail, dict) else config["head"]
    )
    hint = config["inference_hint"]
    if "checkpoint" in hint and not isinstance(hint.get("config"), dict):
        raise InputError(
            "inference_hint.checkpoint: the checkpoint lacks its network; train it again"
        )
    networks = {
        key: _unweighted(config[key]) for key in NETWORKS if isinstance(config.get(key), dict)
    }
    return {**config, **networks, "head": head}


def _unweighted(backbone: dict[str, Any]) -> dict[str, Any]:
    return {**backbone, "weights": None} if "weights" in backbone else backbone


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
