"""The words KEY=VALUE of a command line: a mistyped key, choice or value is answered in one line.

Composed once beforehand, since Hydra's own messages name neither the keys there are nor the nearest one.
"""

import difflib
import re
import sys
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hinted_posenet.cli.compose import find_extensions
from hinted_posenet.cli.config_files import groups_of
from hinted_posenet.cli.parser import fail
from hinted_posenet.cli.values import check_values
from hinted_posenet.core.extensions import config_folder

HYDRA_OPTIONS_WITH_VALUE = {"--cfg", "-c", "--package", "-p", "--info", "-i", "--config-dir", "-cd"}
MENU = ("climate", "flight", "navigation")
REQUIRED_GROUPS = {
    "train": ["data=seven_scenes"],
    "export": ["data=seven_scenes", "format=colmap_binary"],
}


def overrides_of(words: list[str]) -> list[str]:
    """The words of a command line that are neither one of Hydra's options nor such an option's value."""
    before = ["", *words]
    return [
        word
        for previous, word in zip(before, words, strict=False)
        if not word.startswith("-") and previous not in HYDRA_OPTIONS_WITH_VALUE
    ]


def check_overrides(verb: str, overrides: list[str]) -> None:
    """End the program at the first word that does not fit the verb's config."""
    find_extensions()
    for word in overrides:
        if "=" not in word and not word.startswith("~"):
            fail(f"{word}: expected KEY=VALUE; hinted-posenet {verb} --help lists the keys")
    single = [o for o in overrides if not ({"--multirun", "-m"} & set(sys.argv) and "," in o)]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        try:
            config = compose(verb, overrides=single)
            keys = [word.partition("=")[0] for word in single]
            check_values(compose(verb, overrides=_choices(verb, single)), config, keys)
            _check_used(verb, single, config)
        except MissingConfigException as error:
            message = str(error).strip().splitlines()[0].rstrip(".")
            fail(f"{message}; choices: {', '.join(error.options or [])}")
        except (HydraException, OmegaConfBaseException) as error:
            known = re.search(r"Could not override '([\w.@/]+)'", str(error))
            message = " ".join(str(error).split())
            fail(_unknown_key(verb, known.group(1), single) if known else message)
    GlobalHydra.instance().clear()


def _check_used(verb: str, overrides: list[str], config: DictConfig) -> None:
    """Dates, plans and sensors are a menu: what a recipe does not take from it must not be set in vain."""
    for word in overrides:
        if word.partition("=")[0].partition(".")[0] not in MENU:
            continue
        try:
            other = compose(verb, overrides=[o for o in overrides if o != word])
            differs = OmegaConf.to_yaml(config) != OmegaConf.to_yaml(other)
            in_vain = differs and _served(config) == _served(other)
        except (HydraException, OmegaConfBaseException):  # without this word others make no sense
            continue
        if in_vain:
            fail(f"{word}: changes nothing, since no flight of the recipe takes it")


def _served(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return {key: value for key, value in plain.items() if key not in MENU}


def _choices(verb: str, overrides: list[str]) -> list[str]:
    return [word for word in overrides if word.partition("=")[0] in groups_of(verb)]


def _unknown_key(verb: str, key: str, overrides: list[str]) -> str:
    """Names the nearest keys of the deepest node of the chosen config that the key leads to."""
    chosen = [*REQUIRED_GROUPS.get(verb, []), *_choices(verb, overrides)]
    node: Any = compose(verb, overrides=chosen)
    trail: list[str] = []
    for part in key.split("."):
        if not OmegaConf.is_dict(node) or part not in node:
            break
        node = node[part]
        trail.append(part)
    choices = sorted(str(name) for name in node) if OmegaConf.is_dict(node) else []
    if not trail:
        choices = sorted({*choices, *groups_of(verb)})
    where = ".".join(trail)
    close = difflib.get_close_matches(
        key.split(".")[len(trail) :][0] if trail else key, choices, n=1
    )
    did_you_mean = f"; did you mean {'.'.join([*trail, close[0]])}?" if close else ""
    inside = f" of {where}" if where else ""
    return f"unknown key {key}; keys{inside}: {', '.join(choices)}{did_you_mean}"
