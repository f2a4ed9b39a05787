"""Help texts, read from the comments of configs/*.yaml without importing anything heavy.

The header of configs/VERB.yaml is what the verb's help begins with: one sentence, explanations, examples. A key
whose comment begins with a word in capitals, ``runs: ??? # RUN...: folders``, takes positional words.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.errors import InputError, near
from hinted_posenet.core.extensions import config_folder, extension_configs

VERBS = (
    *("simulate", "train", "evaluate", "predict", "locate", "track", "serve"),
    *("show", "score", "compare", "report", "study", "export-model", "data"),
)
DATA_VERBS = ("check", "fetch", "import", "export", "stats", "cache")
HELP = {"-h", "--help"}
WIDTH = 96
MANY = 24  # choices of a group, more than which a verb's help does not list


def split_verb(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the verb of a command line, "" or "data" where it is help that is asked for, and the other words.

    Raises:
        InputError: for an unknown verb, naming the nearest one.
    """
    verb = ""
    for position, verbs in ((0, VERBS), (1, DATA_VERBS)):
        word = words[position] if len(words) > position else "--help"
        if word in HELP | {"help"}:
            return verb, ["--help"]
        verb = f"{verb} {choose('verb', word, verbs)}".strip()
        if verb != "data":
            break
    return verb, list(words[len(verb.split()) :])


def choose(kind: str, word: str, choices: Iterable[str]) -> str:
    """Return the word if it is a choice.

    Raises:
        InputError: if it is not, with the choices and the nearest of them.
    """
    choices = list(choices)
    if word in choices:
        return word
    raise InputError(
        f"unknown {kind} {word}; choose one of {', '.join(choices)}{near(word, choices)}"
    )


def help_of(verb: str, words: Iterable[str]) -> str:
    """Return the help of a verb, or of the groups that stand beside --help."""
    if verb in ("", "data"):
        return data_help() if verb else main_help()
    named = [word.partition("=")[0] for word in words if not word.startswith("-")]
    groups = groups_of(verb)
    asked = [choose("group", name, groups) for name in named if "." not in name] if groups else []
    return "\n\n".join(group_help(verb, group) for group in asked) or verb_help(verb)


class Group(NamedTuple):
    """A config group of a verb."""

    default: str  # a choice, several in brackets, null or ???
    comment: str
    choices: list[Path]

    def sets_others(self) -> bool:
        """Return whether its choices set keys of other groups too."""
        return any("@package _global_" in path.read_text() for path in self.choices)


class Place(NamedTuple):
    """A key that takes positional words."""

    key: str
    word: str  # RUN
    many: bool
    required: bool
    comment: str


def config_file(verb: str) -> Path:
    """Return the config of a verb: configs/data_check.yaml of data check, export_model.yaml of export-model."""
    return config_folder() / f"{re.sub('[ -]', '_', verb)}.yaml"


def groups_of(verb: str) -> dict[str, Group]:
    """Return the config groups of a verb; those that have to be chosen, or that set others, come first."""
    text = config_file(verb).read_text()
    groups: dict[str, Group] = {}
    for included in re.findall(r"^  - (\w+)$", text, flags=re.MULTILINE):
        groups |= groups_of(included) if included != "_self_" else {}
    found = re.findall(r"^  - (\w+): (\[.*?\]|\S+)(?: # (.*))?$", text, flags=re.MULTILINE)
    folders = [config_folder(), *extension_configs()]
    for name, default, comment in found:
        files = sorted(file for folder in folders for file in folder.glob(f"{name}/*.yaml"))
        groups[name] = Group(default, comment, files)
    first = [name for name, group in groups.items() if group.default == "???"]
    first += [name for name, group in groups.items() if group.sets_others()]
    return {name: groups[name] for name in [*first, *groups]}


def keys_of(file: Path, prefix: str = "") -> dict[str, tuple[str, str]]:
    """Return default and comment of every key of a config file by its dotted name, without classes to build."""
    keys, path = {}, [""]
    lines = re.findall(r"^( *)(\w+): *(.*?)(?: *# (.*))?$", file.read_text(), flags=re.MULTILINE)
    for indent, name, default, comment in lines:
        path[len(indent) // 2 :] = [name]
        if default and path[0] not in ("defaults", "hydra") and not name.startswith("_"):
            default = re.sub(r"_target_: [\w.]+(, )?", "", default)
            keys[prefix + ".".join(path)] = (default, comment)
    return keys


def places_of(verb: str) -> list[Place]:
    """Return the keys of a verb that take its positional words, in their order."""
    places = []
    for key, (default, comment) in keys_of(config_file(verb)).items():
        if found := re.match(r"([A-Z]+)(\.\.\.)?: (.*)", comment):
            word, many, rest = found.groups()
            places.append(Place(key, word, bool(many), default == "???", rest))
    return places


def header(file: Path) -> str:
    """Return the comment that a config file begins with."""
    lines = re.findall(r"\A(?:# @.*\n)?((?:#.*\n)*)", file.read_text())[0].splitlines()
    return "\n".join(line[2:] for line in lines)


def first_sentence(file: Path) -> str:
    """Return what a config file says about itself first."""
    return " ".join(header(file).split()).partition(". ")[0].rstrip(".")


def usage(verb: str) -> str:
    """Return how a verb is called, in one line."""
    words = []
    for place in places_of(verb):
        word = place.word + " ..." * place.many
        words.append(word if place.required else f"[{word}]")
    words += ["[GROUP=CHOICE ...]"] * any(len(g.choices) > 1 for g in groups_of(verb).values())
    return " ".join(["hinted-posenet", verb, *words, "[KEY=VALUE ...]"])


def main_help() -> str:
    """Return what hinted-posenet --help prints."""
    about = "Check, fetch, import, export, count and cache data sets"
    verbs = {v: about if v == "data" else first_sentence(config_file(v)) for v in VERBS}
    return (
        "usage: hinted-posenet VERB [WORD ...] [KEY=VALUE ...]\n\n"
        "Camera relocalization with hinted networks.\n\n"
        f"{_table(verbs)}\n\nhinted-posenet VERB --help explains the words and keys of a verb; "
        "hinted-posenet --version prints the version."
    )


def data_help() -> str:
    """Return what hinted-posenet data --help prints."""
    verbs = {verb: first_sentence(config_file(f"data {verb}")) for verb in DATA_VERBS}
    return (
        f"usage: hinted-posenet data VERB ...\n\n{_table(verbs)}\n\n"
        "hinted-posenet data VERB --help explains the words and keys of a verb."
    )


def verb_help(verb: str) -> str:
    """Return what hinted-posenet VERB --help prints: words, groups with their choices, and keys."""
    choosable, keys = {}, keys_of(config_file(verb))
    for name, group in groups_of(verb).items():
        if len(group.choices) > 1:
            starred = (f"{path.stem}{_star(group, path.stem)}" for path in group.choices)
            many = f"{len(group.choices)} choices, which --help {name} lists"
            listed = many if len(group.choices) > MANY else ", ".join(starred)
            choosable[name] = f"{group.comment}\n{listed}"
        else:
            keys |= keys_of(group.choices[0], f"{name}.")
    places = places_of(verb)
    paragraphs = header(config_file(verb)).split("\n\n")
    parts = [f"usage: {usage(verb)}"]  # indented lines of a paragraph stay as they are
    parts += [text if "\n  " in text else textwrap.fill(text, WIDTH) for text in paragraphs]
    if places:
        parts += [f"words:\n{_table({place.word: place.comment for place in places})}"]
    if choosable:
        parts += [f"groups (* is the default; --help GROUP explains one):\n{_table(choosable)}"]
    left = {key: keys[key] for key in keys if key not in [place.key for place in places]}
    parts += [f"keys (??? has to be given):\n{_key_table(left)}"]
    return "\n\n".join([*parts, f"hinted-posenet {verb} ... --cfg job prints the whole config."])


def group_help(verb: str, name: str) -> str:
    """Return what hinted-posenet VERB --help GROUP prints: every choice with its keys."""
    group = groups_of(verb)[name]
    parts = [f"{name}: {group.comment}; configs are in {config_folder() / name}"]
    for path in group.choices:
        parts.append(f"{name}={path.stem}{_star(group, path.stem)}  {first_sentence(path)}")
        if not group.sets_others() and (keys := keys_of(path, f"{name}.")):
            parts[-1] += f"\n{_key_table(keys)}"
    return "\n\n".join(parts)


def _star(group: Group, choice: str) -> str:
    return "*" if choice in re.findall(r"\w+", group.default) else ""


def _key_table(keys: dict[str, tuple[str, str]]) -> str:
    return _table({f"{name}={default}": comment for name, (default, comment) in keys.items()}, 32)


def _table(rows: dict[str, str], column: int = 14) -> str:
    """Set two columns; what does not fit into the first has a line of its own."""
    lines, indent = [], " " * column
    for left, right in rows.items():
        head = f"  {left} ".ljust(column)
        if len(head) > column or not right:
            lines.append(head.rstrip())
            head = indent
        for line in right.splitlines():
            lines += textwrap.wrap(head + line, WIDTH, subsequent_indent=indent)
            head = indent
    return "\n".join(lines)
