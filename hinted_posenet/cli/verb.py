"""A Hydra verb: compose the config, answer mistakes in one line, run the engine's function of that name."""

import difflib
import re
import sys
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from hinted_posenet.cli.errors import fail, one_line_errors
from hinted_posenet.cli.help import config_folder, groups_of
from hinted_posenet.config import find_extensions

HYDRA_OPTIONS_WITH_VALUE = {"--cfg", "-c", "--package", "-p", "--info", "-i", "--config-dir", "-cd"}

REQUIRED_GROUPS = {
    "train": ["data=seven_scenes"],
    "export": ["data=seven_scenes", "format=colmap_binary"],
}


def run_verb(title: str) -> None:
    """Run ``engine.<verb>`` with the config that the command line asks for; `data export` is verb export."""
    verb = title.split()[-1]
    check_overrides(verb, overrides_of(sys.argv[1:]))

    @hydra.main(config_path=str(config_folder()), config_name=verb, version_base="1.3")
    def task(config: DictConfig) -> None:
        with one_line_errors(title):
            try:
                plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
            except MissingMandatoryValue as error:
                key = error.full_key or str(error)
                fail(f"{key}: required; give {key}=VALUE")
            from hinted_posenet import engine  # imports torch

            getattr(engine, verb)(plain)

    task()


def overrides_of(words: list[str]) -> list[str]:
    """The words of a command line that are neither one of Hydra's options nor such an option's value."""
    before = ["", *words]
    return [
        word
        for previous, word in zip(before, words, strict=False)
        if not word.startswith("-") and previous not in HYDRA_OPTIONS_WITH_VALUE
    ]


def check_overrides(verb: str, overrides: list[str]) -> None:
    """Compose once beforehand: Hydra's own messages name neither the keys there are nor the nearest one."""
    find_extensions()
    for word in overrides:
        if "=" not in word and not word.startswith("~"):
            fail(f"{word}: expected KEY=VALUE; hinted-posenet {verb} --help lists the keys")
    single = [o for o in overrides if not ({"--multirun", "-m"} & set(sys.argv) and "," in o)]
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        try:
            compose(verb, overrides=single)
        except MissingConfigException as error:
            fail(f"{_first_line(error)}; choices: {', '.join(error.options or [])}")
        except (HydraException, OmegaConfBaseException) as error:
            known = re.search(r"Could not override '([\w.@/]+)'", str(error))
            fail(
                _unknown_key(verb, known.group(1), single)
                if known
                else " ".join(str(error).split())
            )
    GlobalHydra.instance().clear()


def _unknown_key(verb: str, key: str, overrides: list[str]) -> str:
    """Names the nearest keys of the deepest node of the chosen config that the key leads to."""
    chosen = [word for word in overrides if word.partition("=")[0] in groups_of(verb)]
    node: Any = compose(verb, overrides=[*REQUIRED_GROUPS.get(verb, []), *chosen])
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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
