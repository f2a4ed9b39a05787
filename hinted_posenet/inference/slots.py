"""Slots of a config, and which classes and functions each of them may name.

A checkpoint carries its config, perhaps from a stranger, so a ``_target_`` is never trusted by its package alone.
It has to be a class of the slot's kind, defined in the slot's own modules, or the one function that a slot takes.
Your own packages (``core/extensions.py``) may add classes of the same kinds.
"""

import math
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any, NamedTuple

import hydra

from hinted_posenet.core.errors import InputError, missing_extra
from hinted_posenet.core.extensions import VARIABLE, extensions


class Slot(NamedTuple):
    """What a node of a config may build."""

    defined_in: tuple[str, ...]  # modules with a dot at the end, or names in full
    base: str = "builtins.object"  # class that it derives from
    function: str = ""  # name of functions that are allowed too
    inside: Mapping[str, str] = {}  # argument, or * for all others -> slot of the nodes in it


_HINTS = {"source": "train_hint", "sources": "train_hint"}
SLOTS = {
    "backbone": Slot(
        ("hinted_posenet.models.",), "hinted_posenet.models.backbones.base.ImageBackbone"
    ),
    "pool": Slot(("hinted_posenet.models.posenet.GridPool",), "torch.nn.Module"),
    "head": Slot(
        ("hinted_posenet.models.",),
        "hinted_posenet.models.heads.base.Head",
        inside={"tail": "backbone"},
    ),
    "refine": Slot(
        (
            "hinted_posenet.models.landmarks.landmarks.LandmarkLocalizer",
            "hinted_posenet.models.registration.map_registration.MapRegistration",
        )
    ),
    "rotation": Slot(("hinted_posenet.models.",), "hinted_posenet.models.encoding.Rotation"),
    "features": Slot(
        ("hinted_posenet.models.landmarks.",),
        "hinted_posenet.models.landmarks.local_features.LocalFeatureExtractor",
    ),
    "matcher": Slot(
        ("hinted_posenet.models.landmarks.",), "hinted_posenet.models.landmarks.matchers.Matcher"
    ),
    "loss": Slot(("hinted_posenet.models.",), "hinted_posenet.models.losses.PoseLoss"),
    "train_hint": Slot(
        ("hinted_posenet.hints.",), "hinted_posenet.hints.protocol.TrainingHints", inside=_HINTS
    ),
    "inference_hint": Slot(
        ("hinted_posenet.hints.", "hinted_posenet.inference.checkpoint.network_hint"),
        "hinted_posenet.hints.protocol.InferenceHints",
        "network_hint",
    ),
    "optimizer": Slot(("torch.optim.",), "torch.optim.Optimizer"),
    "scheduler": Slot(
        ("hinted_posenet.training.parts.", "torch.optim.lr_scheduler."),
        "torch.optim.lr_scheduler.LRScheduler",
    ),
    "callback": Slot(
        ("hinted_posenet.training.callbacks.", "pytorch_lightning.callbacks."),
        "pytorch_lightning.Callback",
    ),
    "logger": Slot(
        ("hinted_posenet.training.parts.", "pytorch_lightning.loggers."),
        "pytorch_lightning.loggers.Logger",
    ),
    "trainer": Slot(("pytorch_lightning.trainer.trainer.Trainer",)),
    "augment": Slot(("hinted_posenet.data.augment.augment.Augment",), inside={"*": "effect"}),
    "effect": Slot(("hinted_posenet.data.augment.effects.",)),
    "reader": Slot(("hinted_posenet.data.formats.",), "", "read_views"),
    "format": Slot(("hinted_posenet.data.formats.",)),
    "live": Slot(("hinted_posenet.data.live_views.AerialLive",)),
    "world": Slot(
        ("hinted_posenet.simulator.world.",),
        "hinted_posenet.simulator.world.world.World",
        inside={"seasons": "season"},
    ),
    "season": Slot(("hinted_posenet.simulator.light.season.Season",)),
    "camera": Slot(("hinted_posenet.simulator.camera.Camera",), inside={"sensor": "sensor"}),
    "sensor": Slot(("hinted_posenet.simulator.light.sensor.Sensor",)),
    "flight": Slot(
        ("hinted_posenet.simulator.flight.Flight",),
        inside={"plan": "plan", "navigation": "navigation"},
    ),
    "plan": Slot(
        ("hinted_posenet.simulator.plan.", "hinted_posenet.simulator.way_points.WayPointsPlan")
    ),
    "navigation": Slot(
        ("hinted_posenet.simulator.flight.Gnss", "hinted_posenet.simulator.flight.Odometry")
    ),
    "picture": Slot(("hinted_posenet.show.",)),
}


def check_node(node: Any, slot: str) -> None:
    """Refuse a node of a config that names anything but the parts of its slot, or is no node.

    Raises:
        InputError: It names something else, somewhere in it, or has interpolations, which could run any resolver.
    """
    if not isinstance(node, dict) or not isinstance(node.get("_target_"), str):
        raise InputError(f"{slot}: expected a node with _target_; choose one of its group")
    found = find_target(node["_target_"], slot)
    for argument, value in node.items():
        _check_values(f"{slot}.{argument}", value)
        if not isinstance(found, type):
            continue  # a function builds the nodes in its arguments itself, if any
        for inner in _nodes_in(value):
            others = SLOTS[slot].inside.get("*", argument if argument in SLOTS else "")
            kind = SLOTS[slot].inside.get(argument, others)
            if not kind:
                raise InputError(
                    f"{slot}.{argument}: _target_={inner['_target_']}: refused; it takes plain values"
                )
            check_node(inner, kind)


def find_target(target: str, slot: str) -> Any:
    """Return the class or function that a slot may name so.

    Raises:
        InputError: It is not one of the slot's, or is not there.
    """
    rule = SLOTS[slot]
    own = tuple(f"{name}." for name in extensions())
    packages = {f"{name.partition('.')[0]}." for name in rule.defined_in}
    refused = f"_target_={target}: refused; {slot} takes its own parts, and packages that {VARIABLE} names"
    if not target.startswith((*packages, *own)):
        raise InputError(refused)  # before anything is imported
    try:
        found = hydra.utils.get_object(target)
    except (ImportError, ValueError) as error:
        if extra := missing_extra(error):
            raise InputError(extra) from None
        raise InputError(f"_target_={target}: not found ({' '.join(str(error).split())})") from None
    if not takes(rule, found):
        raise InputError(refused)
    return found


def takes(rule: Slot, found: Any) -> bool:
    """Return whether a slot takes a class or function, by where that is defined, not by where it was found.

    ``hinted_posenet.training.train.shutil.rmtree`` starts with an allowed name, but is shutil's.
    """
    name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    inside = any(
        name.startswith(where) if where.endswith(".") else name == where
        for where in (*rule.defined_in, *(f"{name}." for name in extensions()))
    )
    if not inside or not isinstance(found, type):
        return inside and isinstance(found, FunctionType) and found.__name__ == rule.function
    return bool(rule.base) and issubclass(found, hydra.utils.get_object(rule.base))


def _nodes_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the outermost nodes with ``_target_`` in a value."""
    if isinstance(value, dict) and "_target_" in value:
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _nodes_in(part)


def _check_values(key: str, value: Any) -> None:
    """Refuse interpolations, and numbers that are not finite, anywhere in a value."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _check_values(key, part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{key}={value}: expected a finite number")
    elif isinstance(value, str) and "${" in value:
        raise InputError(f"{value}: refused; a config to build holds no interpolations")
