"""The config files as text: groups, choices, keys and their comments. Imports nothing heavy."""

import re
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.extensions import config_folder, extension_configs


class Group(NamedTuple):
    """A config group of a verb."""

    default: str  # a choice, several in brackets, null or ???
    comment: str
    choices: list[Path]

    def sets_others(self) -> bool:
        """Whether its choices set keys of other groups too."""
        return any("@package _global_" in path.read_text() for path in self.choices)


def groups_of(verb: str) -> dict[str, Group]:
    """Config groups of a verb; those that have to be chosen, or that set others, come first."""
    text = (config_folder() / f"{verb.split()[-1]}.yaml").read_text()
    found = re.findall(r"^  - (\w+): (\[.*?\]|\S+)(?: # (.*))?$", text, flags=re.MULTILINE)
    folders = [config_folder(), *extension_configs()]
    groups = {
        name: Group(default, comment, sorted(f for d in folders for f in d.glob(f"{name}/*.yaml")))
        for name, default, comment in found
    }
    first = [name for name, group in groups.items() if group.default == "???"]
    first += [name for name, group in groups.items() if group.sets_others()]
    return {name: groups[name] for name in [*first, *groups]}


def keys_of(file: Path, prefix: str = "") -> dict[str, tuple[str, str]]:
    """Default and comment of every key of a config file by its dotted name, without classes to build."""
    keys, path = {}, [""]
    lines = re.findall(r"^( *)(\w+): *(.*?)(?: *# (.*))?$", file.read_text(), flags=re.MULTILINE)
    for indent, name, default, comment in lines:
        path[len(indent) // 2 :] = [name]
        if default and path[0] not in ("defaults", "hydra") and not name.startswith("_"):
            default = re.sub(r"_target_: [\w.]+(, )?", "", default)
            keys[prefix + ".".join(path)] = (default, comment)
    return keys


def first_sentence(file: Path) -> str:
    """What a config file says of itself on top."""
    lines = re.findall(r"\A(?:# @.*\n)?((?:# .*\n)*)", file.read_text())[0].splitlines()
    return " ".join(line[2:] for line in lines).partition(". ")[0].rstrip(".")
