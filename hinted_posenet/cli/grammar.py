"""The grammar of the command line, the same in every verb: positional words and KEY=VALUE.

Positional words name what a verb works on, everything else is KEY=VALUE, and the only flags are --help, --version
and Hydra's own. A mistyped key, choice or value is reported in one line. The config is composed once beforehand
for that, since Hydra's own messages name neither the existing keys nor the nearest one.
"""

import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from hinted_posenet.cli.compose import composed
from hinted_posenet.cli.help import config_file, groups_of, places_of, split_verb, usage
from hinted_posenet.core.errors import InputError, near
from hinted_posenet.core.schema import check_argument, checked, hints_of

WITH_VALUE = (
    *("--cfg", "-c", "--package", "-p", "--info", "-i", "--experimental-rerun"),
    *("--config-name", "-cn", "--config-dir", "-cd"),
)
SWITCHES = ("--multirun", "-m", "--resolve", "--run", "-r", "--hydra-help", "--shell-completion")
MULTIRUN = {"--multirun", "-m"}
PRINTING = {"--cfg", "-c", "--info", "-i", "--hydra-help"}  # these ask for no value that is missing
MENU = ("climate", "flight", "navigation")  # dates, plans and sensors that a recipe chooses from


class Line(NamedTuple):
    """The words of a command line after its verb, as Hydra takes them."""

    overrides: list[str]  # KEY=VALUE, those of positional words first
    options: dict[str, str]  # Hydra's flags, with their values

    def flags(self) -> list[str]:
        """Return the flags and their values as words."""
        return [word for option in self.options.items() for word in option if word]


def check(words: Sequence[str]) -> None:
    """Check the words after ``hinted-posenet`` without running anything.

    Raises:
        InputError: for the first word that is not understood, or a word that is missing.
    """
    verb, rest = split_verb(words)
    if verb not in ("", "data") and "--help" not in rest:
        check_line(verb, read_line(verb, rest))


def read_line(verb: str, words: Sequence[str]) -> Line:
    """Tell positional words, KEY=VALUE and Hydra's flags apart.

    Raises:
        InputError: for an unknown flag, or a positional word that the verb does not take.
    """
    overrides, options, named = [], {}, []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            if name not in (*WITH_VALUE, *SWITCHES):
                key = name.lstrip("-").replace("-", "_")
                raise InputError(
                    f"{name}: unknown flag; options are {key}=VALUE, and hinted-posenet {verb} --help lists them"
                )
            takes_value = name in WITH_VALUE and not equals
            options[name] = next(rest, "") if takes_value else value
        elif word.startswith("~") or (equals and not ("/" in name and Path(word).exists())):
            overrides.append(_quoted(word))
        else:
            named.append(word)
    return Line(_assigned(verb, named) + _without_null(verb, overrides), options)


def check_line(verb: str, line: Line) -> None:
    """Check the words of a verb against its config.

    Raises:
        InputError: for the first word that does not fit, or one that is missing.
    """
    try:
        for overrides in _single_runs(line):
            config = composed(verb, overrides, line.options)
            for word in overrides:
                key = word.partition("=")[0].lstrip("+")
                if not word.startswith("~") and key not in groups_of(verb):
                    _check_value(module_of(verb), key, config)
            _check_used(verb, overrides, config)
            if not MULTIRUN & line.options.keys():  # which adds the head to the name
                _check_named(verb, overrides, config)
            if not PRINTING & line.options.keys():
                OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = error.full_key or re.findall(r"[\w.]+", str(error))[-1]
        positional = key in [place.key for place in places_of(verb)]
        how = f"usage: {usage(verb)}" if positional else f"give {key}=VALUE"
        raise InputError(f"{key}: required; {how}") from None
    except MissingConfigException as error:
        message = str(error).strip().splitlines()[0].rstrip(".")
        if choices := error.options or []:
            message += f"; choices: {', '.join(choices)}"
            message += near(message.partition("/")[2].partition("'")[0], choices)
        raise InputError(message) from None
    except (HydraException, OmegaConfBaseException) as error:
        unknown = re.search(r"Could not override '([\w.@/]+)'", str(error))
        message = " ".join(str(error).split())
        if unknown:
            message = _unknown_key(verb, unknown.group(1), line)
        raise InputError(message) from None


def module_of(verb: str) -> ModuleType:
    """Return the module of a verb, whose function ``run`` takes the values of its config."""
    return importlib.import_module(f"hinted_posenet.cli.{config_file(verb).stem}")


def _quoted(word: str) -> str:
    """Quote a value that Hydra's grammar does not know, such as a path with "=", "(" or an umlaut."""
    key, _, value = word.partition("=")
    value = str(Path(value).expanduser()) if value.startswith("~/") else value
    try:
        OverridesParser.create().parse_override(f"{key}={value}")
    except HydraException:
        if value[:1] not in ("[", "{", "'", '"'):
            return f"{key}={_quote(value)}"
    return word if word.startswith("~") else f"{key}={value}"


def _quote(text: str) -> str:
    """Return a quoted string of Hydra's grammar, which escapes quotes, and backslashes before them."""
    escaped = re.sub(r"(\\*)'", r"\1\1\'", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"


def _assigned(verb: str, words: list[str]) -> list[str]:
    """Return positional words as KEY=VALUE."""
    overrides, left = [], list(words)
    for place in places_of(verb):
        if place.many and left:
            overrides.append(f"{place.key}=[{','.join(map(_quote, left))}]")
            left = []
        elif left:
            overrides.append(f"{place.key}={_quote(left.pop(0))}")
    if left:
        raise InputError(
            f"{left[0]}: expected KEY=VALUE; hinted-posenet {verb} --help lists the keys"
        )
    return overrides


def _without_null(verb: str, overrides: list[str]) -> list[str]:
    """Return GROUP=null as the group's choice "none", or refuse it where there is no such choice."""
    groups, found = groups_of(verb), []
    for word in overrides:
        name, _, value = word.partition("=")
        if value == "null" and name in groups:
            if groups[name].default == "null":
                continue
            choices = [path.stem for path in groups[name].choices]
            if "none" not in choices:
                raise InputError(f"{word}: choose one of {', '.join(choices)}")
            word = f"{name}=none"
        found.append(word)
    return found


def _single_runs(line: Line) -> Iterator[list[str]]:
    """Return words without sweeps: every value of each sweep, beside the first value of the others."""
    if not MULTIRUN & line.options.keys():
        yield line.overrides
        return
    sweeps = {}
    for parsed in OverridesParser.create().parse_overrides(line.overrides):
        word, key = str(parsed.input_line), parsed.get_key_element()
        if not parsed.is_sweep_override():
            sweeps[word] = [word]
        elif parsed.is_discrete_sweep():
            sweeps[word] = [f"{key}={value}" for value in parsed.sweep_string_iterator()]
    first = [values[0] for values in sweeps.values()]
    yield first
    for position, values in enumerate(sweeps.values()):
        for value in values[1:]:
            yield [*first[:position], value, *first[position + 1 :]]


def _check_value(module: ModuleType, key: str, config: DictConfig) -> None:
    """Check a value by the type hint of the field or the parameter that takes it."""
    instead = getattr(module, "SET_ELSEWHERE", {}).get(key)
    if instead:
        raise InputError(f"{key}: is set by {instead}; give {instead}=VALUE")
    value = OmegaConf.select(config, key)
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    parent, _, name = key.rpartition(".")
    schema = {"": module.run, **getattr(module, "SCHEMAS", {})}.get(parent)
    hints = hints_of(schema) if schema else {}
    node: Any = OmegaConf.select(config, parent) if parent else None
    if name in hints:
        checked(key, value, hints[name])
    elif OmegaConf.is_dict(node) and "_target_" in node and not name.startswith("_"):
        check_argument(key, value, hydra.utils.get_object(node._target_))


def _check_named(verb: str, overrides: list[str], config: DictConfig) -> None:
    """Check that a run with another head than its method's does not take the method's name."""
    heads = [word for word in overrides if word.startswith("head=")]
    if not heads or any(word.startswith("name=") for word in overrides):
        return
    method = composed(verb, [word for word in overrides if word not in heads])
    if method.head["_target_"] != config.head["_target_"]:
        raise InputError(
            f"{heads[-1]}: the run would be named {config.name} after its method, which has another "
            "head; give the method=NAME that has this head, or a name=NAME"
        )


def _check_used(verb: str, overrides: list[str], config: DictConfig) -> None:
    """Refuse words for dates, plans and sensors that the recipe does not use: they would be ignored."""
    for word in overrides:
        if word.partition("=")[0].partition(".")[0] not in MENU:
            continue
        try:
            other = composed(verb, [o for o in overrides if o != word])
            differs = OmegaConf.to_yaml(config) != OmegaConf.to_yaml(other)
            ignored = differs and _without_menu(config) == _without_menu(other)
        except (HydraException, OmegaConfBaseException):  # without this word others make no sense
            continue
        if ignored:
            raise InputError(f"{word}: changes nothing, since no flight of the recipe takes it")


def _without_menu(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return {key: value for key, value in plain.items() if key not in MENU}


def _unknown_key(verb: str, key: str, line: Line) -> str:
    """Name the keys of the deepest node of the chosen config that the key leads to, and the nearest one."""
    groups = groups_of(verb)
    chosen = [word for word in line.overrides if word.partition("=")[0] in groups]
    given = [word.partition("=")[0] for word in chosen]
    required = [name for name, group in groups.items() if group.default == "???"]
    chosen += [f"{name}={groups[name].choices[0].stem}" for name in required if name not in given]
    node: Any = composed(verb, chosen, line.options)
    trail: list[str] = []
    for part in key.split("."):
        if not OmegaConf.is_dict(node) or part not in node:
            break
        node = node[part]
        trail.append(part)
    choices = sorted(str(name) for name in node) if OmegaConf.is_dict(node) else []
    if not trail:
        choices = sorted({*choices, *groups})
    inside = f" of {'.'.join(trail)}" if trail else ""
    wrong = ".".join(key.split(".")[len(trail) :]) if trail else key
    suggestion = near(wrong, choices, "".join(f"{part}." for part in trail))
    return f"unknown key {key}; keys{inside}: {', '.join(choices)}{suggestion}"
