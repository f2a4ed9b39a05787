"""What a checkpoint's config can reach: every public class and function of the package, of torch and Lightning."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
import pytorch_lightning
import torch

import hinted_posenet
from hinted_posenet.core.errors import InputError
from hinted_posenet.inference.slots import SLOTS, check_node, takes

FROM_A_CHECKPOINT = ("backbone", "pool", "head", "rotation", "train_hint", "inference_hint", "loss")
FOR_EVALUATE = ("reader", "live", "world", "season", "camera", "sensor", "flight", "plan")
HEAD = "hinted_posenet.models.heads.pose_regression.PoseRegressionHead"


def modules() -> Iterator[Any]:
    """Every module of the package, and those of others that configs used to reach."""
    for info in pkgutil.walk_packages(hinted_posenet.__path__, "hinted_posenet."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)
    for package in (torch.optim, pytorch_lightning.loggers, pytorch_lightning.callbacks):
        yield package
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(info.name)
    yield from (torch, pytorch_lightning, pytorch_lightning.trainer.trainer)


@pytest.fixture(scope="module")
def callables() -> list[Any]:
    """Every distinct class, function and method."""
    found = {}
    for module in modules():
        for value in filter(callable, vars(module).values()):
            found[id(value)] = value
            if isinstance(value, type) and value.__module__.startswith("hinted_posenet."):
                methods = inspect.getmembers(value, inspect.isroutine)
                found |= {id(method): method for _, method in methods}
    return list(found.values())


def reached(slot: str, callables: list[Any]) -> dict[str, Any]:
    """What a slot takes, by where it is defined."""
    allowed = [value for value in callables if takes(SLOTS[slot], value)]
    return {f"{value.__module__}.{value.__qualname__}": value for value in allowed}


@pytest.mark.parametrize("slot", FROM_A_CHECKPOINT)
def test_what_is_loaded_reaches_networks_and_hints_alone(slot, callables):
    allowed = reached(slot, callables)
    assert allowed
    functions = {name for name, value in allowed.items() if not isinstance(value, type)}
    if slot == "inference_hint":
        assert functions == {"hinted_posenet.inference.checkpoint.network_hint"}
    else:
        assert not functions
    for name in allowed.keys() - functions:
        assert name.startswith(("hinted_posenet.models.", "hinted_posenet.hints."))
        assert issubclass(allowed[name], torch.nn.Module)


def test_what_is_evaluated_reaches_readers_and_the_simulator_alone(callables):
    for slot in FOR_EVALUATE:
        for name, value in reached(slot, callables).items():
            assert name.startswith(
                (
                    "hinted_posenet.data.formats.",
                    "hinted_posenet.data.live_views.",
                    "hinted_posenet.simulator.",
                )
            )
            assert isinstance(value, type) or value.__name__ == "read_views"


@pytest.mark.parametrize("slot", sorted(SLOTS))
def test_no_slot_takes_what_writes_or_deletes(slot, callables):
    effects = (
        "write_",
        "clear",
        "rmtree",
        "system",
        "Partial",
        "ExperimentWriter",
        "load",
        "fetch",
    )
    names = {name.rpartition(".")[2] for name in reached(slot, callables)}
    assert not [name for name in names if name.startswith(effects)]


def test_every_config_choice_is_of_its_slot():
    """A slot is named after the group or key of the config that it builds."""
    for name, slot in SLOTS.items():
        for inner in slot.inside.values():
            assert inner in SLOTS, name


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": HEAD, "hidden": {"_target_": HEAD}},
        {"_target_": HEAD, "_args_": [{"_target_": HEAD}]},
        {"_target_": HEAD, "tail": {"_target_": HEAD}},
        {"_target_": HEAD, "tail": [{"deep": {"_target_": "os.system"}}]},
        {"_target_": HEAD, "hidden": {"_target_": 5}},
        {"_target_": [HEAD]},
        {"_target_": HEAD, "hidden": "${oc.env:HOME}"},
        {"_target_": "hinted_posenet.models.heads.base.Head.fit"},
    ],
)
def test_a_node_inside_another_is_of_the_argument_s_slot(node):
    with pytest.raises(InputError):
        check_node(node, "head")


def test_the_nodes_of_a_mixture_are_hints():
    gaussian = {"_target_": "hinted_posenet.hints.gaussian.GaussianHints"}
    mixed = {"_target_": "hinted_posenet.hints.mixed.MixedHints", "sources": {"a": gaussian}}
    check_node(mixed, "train_hint")
    mixed["sources"]["b"] = {"_target_": HEAD}
    with pytest.raises(InputError, match="refused"):
        check_node(mixed, "train_hint")
