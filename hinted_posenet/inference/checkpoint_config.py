"""The config that a checkpoint carries: plain values within limits, and what it says about its training data."""

import math
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Le, MinLen

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import CONFIG_VALUES, JSON_DEPTH, NETWORK_PIXELS, REFINEMENT_STEPS
from hinted_posenet.core.schema import read_settings

NODES = ("backbone", "pool", "head", "rotation", "train_hint", "inference_hint", "data")
Text = Annotated[str, MinLen(1)]
Pixels = Annotated[int, Ge(1), Le(1 << 16)]


@dataclass(frozen=True)
class TrainedOn:
    """The data that a localizer was trained on."""

    name: Text  # of the data set
    root: str  # folder of its scenes
    scene: Text
    ground_truth: Text
    height: Pixels  # of its images
    width: Pixels
    crop: tuple[Pixels, Pixels] | None  # (height, width)

    @property
    def identity(self) -> dict[str, str]:
        """What another network or data set must agree with."""
        return {"name": self.name, "scene": self.scene, "ground_truth": self.ground_truth}


@dataclass(frozen=True)
class _Steps:
    refinement_steps: Annotated[int, Ge(1), Le(REFINEMENT_STEPS)]


def trained_on(config: dict[str, Any]) -> TrainedOn:
    """Return the data that a training config names.

    Raises:
        InputError: A key is missing or wrong, or no network takes images of that size.
    """
    data = read_settings(TrainedOn, config["data"], "data.")
    if data.height * data.width > NETWORK_PIXELS:
        raise InputError(
            f"data.height={data.height}, data.width={data.width}: more than the {NETWORK_PIXELS:,} pixels that a "
            "network takes; give smaller ones"
        )
    if data.crop and (data.crop[0] > data.height or data.crop[1] > data.width):
        raise InputError(f"data.crop={list(data.crop)}: larger than the image; give a smaller one")
    return data


def check_config(config: Any) -> None:
    """Refuse a config that no training has written: wrong types, missing nodes, too large or too deep.

    Raises:
        InputError: What is wrong with it, as the end of a sentence.
    """
    _check_plain(config)
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise InputError("its config is no mapping of keys")
    for key in NODES:
        if not isinstance(config.get(key), dict):
            raise InputError(f"its config lacks {key}")
    read_settings(_Steps, config)
    trained_on(config)


def _check_plain(config: Any) -> None:
    """Refuse all but dictionaries, lists, finite numbers and printable text, each place of them counted."""
    left, count = [(config, 0)], 0
    while left:
        value, depth = left.pop()
        count += 1
        if count > CONFIG_VALUES or depth > JSON_DEPTH:
            raise InputError(
                f"its config has more than {CONFIG_VALUES:,} values, or is more than {JSON_DEPTH} deep"
            )
        if isinstance(value, dict):
            left += ((part, depth + 1) for pair in value.items() for part in pair)
        elif isinstance(value, list | tuple):
            left += ((part, depth + 1) for part in value)
        elif isinstance(value, str):
            if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
                raise InputError(f"its config holds control characters: {value[:40]!a}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"its config holds {value}")
        elif not isinstance(value, int | float | None):
            raise InputError(f"its config holds a {type(value).__name__}")
