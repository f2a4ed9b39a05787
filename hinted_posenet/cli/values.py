"""Values of a command line, held against the defaults that they replace."""

from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hinted_posenet.cli.parser import fail

KINDS: dict[type, tuple[Any, str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "text, numbers in quotes (\"'7'\")"),
    list: ((list,), "a list, [A,B]"),
    dict: ((dict,), "keys of its own"),
}
INSTEAD_OF_NULL: dict[str, Any] = {  # of what kind a value is whose default is null
    "averaged_steps": 1,
    "data.crop": [],
    "data.root": "",
    "data.scene": "",
    "data.validation": [],
    "expected": {},
    "output": "",
    "refinement_steps": 1,
    "run": "",
    "scheduler": "",
}
LEAST: dict[
    str, int
] = {  # of numbers that no class checks; of those outside of classes 0 is the least
    "batch_size": 1,
    "data.height": 32,
    "data.width": 32,
    "feature_batch_size": 1,
    "loss.norm": 1,
    "optim.optimizer.lr": 0,
    "optim.optimizer.weight_decay": 0,
    "optim.scheduler.warmup": 0,
    "refinement_steps": 1,
    "pool.grid": 1,
    "train_hint.p_none": 0,
    "train_hint.p_part": 0,
    "trainer.max_epochs": 1,
}
NULLABLE = (
    "camera.hfov_deg",
    "head.bound",
    "trainer.gradient_clip_val",
)  # numbers that may be none
PHYSICAL = ("_gb", "_s")  # what is measured need not be whole
CHOICES = {"accelerator": ("auto", "cpu", "gpu")}
FREE = ("trainer.devices", "trainer.precision")  # Lightning takes numbers, text and lists


def check_values(usual: DictConfig, given: DictConfig, keys: Iterable[str]) -> None:
    """End the program at the first value that is of another kind than its default, or out of range.

    Args:
        usual: the config with its defaults.
        given: the config with all words of the command line.
        keys: that were given; those that `usual` lacks are not checked.
    """
    for key in keys:
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(usual, parent) if parent else usual
        if key in FREE or not OmegaConf.is_dict(node) or name not in set(node):
            continue
        value = OmegaConf.select(given, key)
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value)
        built = _is_built(usual, parent)
        missing = OmegaConf.is_missing(node, name)
        default = (None if built else "") if missing else node[name]
        if wrong := _wrong(key, value, default, built):
            fail(f"{key}={'null' if value is None else value}: expected {wrong}")


def _wrong(key: str, value: Any, default: Any, built: bool) -> str | None:
    """What was expected instead of a value; None where it is fine."""
    usual = INSTEAD_OF_NULL.get(key) if default is None else default
    if usual is None:
        return None
    kind: type = (
        dict if OmegaConf.is_dict(usual) else list if OmegaConf.is_list(usual) else type(usual)
    )
    number = kind in (int, float)
    if value is None and (
        default is None or kind is dict or key in NULLABLE or (built and not number)
    ):
        return None  # a class knows whether it takes null instead of text or a list
    if kind is int and (built or key.endswith(PHYSICAL)):
        kind = float
    types, expected = KINDS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind is not bool):
        return f"{expected}; the default is {'null' if default is None else default}"
    if key in CHOICES and value not in CHOICES[key]:
        return f"one of {', '.join(CHOICES[key])}"
    least = LEAST.get(key, None if built else 0)
    if number and least is not None and value < least:
        return f"{least} or more"
    return None


def _is_built(config: DictConfig, key: str) -> bool:
    """Whether a key is inside a node that becomes an object, which checks its own values."""
    parts = key.split(".")
    nodes = (OmegaConf.select(config, ".".join(parts[:n])) for n in range(1, len(parts) + 1))
    return any(OmegaConf.is_dict(node) and "_target_" in node for node in nodes)
