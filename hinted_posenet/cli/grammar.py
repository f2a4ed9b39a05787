"""The grammar of the command line, the same in every verb: positional words and KEY=VALUE.

Positional words name what a verb works on, everything else is KEY=VALUE, and the only flags are --help, --version
and some of Hydra's. `cli.check_line` holds the words against the verb's config.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException

from hinted_posenet.cli.help import groups_of, places_of
from hinted_posenet.core.errors import UsageError, near

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
WITH_VALUE: dict[str, tuple[str, ...]] = {  # flag -> choices, none where it takes any name
    **dict.fromkeys(("--cfg", "-c"), ("job", "hydra", "all")),
    **dict.fromkeys(("--info", "-i"), INFO),
    **dict.fromkeys(("--config-name", "-cn", "--config-dir", "-cd"), ()),
}
SWITCHES = ("--multirun", "-m", "--resolve", "--run", "-r", "--hydra-help")
MULTIRUN = {"--multirun", "-m"}
MODES = [MULTIRUN, {"--cfg", "-c"}, {"--info", "-i"}, {"--run", "-r"}, {"--hydra-help"}]
MOST_RUNS = 10_000  # of one sweep
KEY = re.compile(r"(~|\+\+?)?[\w/@:-]+(\.[\w@:-]+)*$", re.ASCII)


class Line(NamedTuple):
    """The words of a command line after its verb, as Hydra takes them."""

    overrides: list[str]  # KEY=VALUE, those of positional words first
    options: dict[str, str]  # Hydra's flags, with their values

    def flags(self) -> list[str]:
        """Return the flags and their values as words."""
        return [word for option in self.options.items() for word in option if word]

    def has(self, flags: set[str]) -> bool:
        """Return whether one of the flags is given."""
        return not flags.isdisjoint(self.options)


def read_line(verb: str, words: Sequence[str]) -> Line:
    """Tell positional words, KEY=VALUE and Hydra's flags apart.

    Raises:
        UsageError: for an unknown flag, or a positional word that the verb does not take.
    """
    overrides, options, named = [], {}, []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            options[name] = _flag(verb, name, value if equals else None, rest)
        elif (word.startswith("~") and "/" not in name) or (
            equals and not ("/" in name and Path(word).exists())
        ):
            overrides.append(_override(word))
        else:
            named.append(_expanded(word, word))
    line = Line([*_assigned(verb, named), *_choices(verb, overrides)], options)
    if sum(map(line.has, MODES)) > 1:
        raise UsageError(f"{', '.join(options)}: these exclude each other; give one of them")
    if "--resolve" in options and not line.has({"--cfg", "-c"}):
        raise UsageError("--resolve: goes with --cfg; give --cfg job too, or leave it out")
    for word in () if line.has(MULTIRUN) else line.overrides:
        if _parsed(word).is_sweep_override():
            raise UsageError(
                f"{word}: several values; add --multirun for a run with each, or give a list, [A,B]"
            )
    return line


def single_runs(line: Line) -> Iterator[list[str]]:
    """Return words without sweeps: every value of each sweep, beside the first value of the others."""
    if not line.has(MULTIRUN):
        yield line.overrides
        return
    sweeps: dict[str, list[str]] = {}
    for word in line.overrides:
        parsed = _parsed(word)
        if parsed.is_sweep_override():
            sweeps[word] = [f"{parsed.get_key_element()}={value}" for value in _swept(parsed)]
        else:
            sweeps[word] = [word]
    first = [values[0] for values in sweeps.values()]
    yield first
    for position, values in enumerate(sweeps.values()):
        for value in values[1:]:
            yield [*first[:position], value, *first[position + 1 :]]


def _flag(verb: str, name: str, value: str | None, rest: Iterator[str]) -> str:
    """Return the value of a flag, which stands behind = or is the next word; "" of a switch."""
    if name in SWITCHES:
        if value is not None:
            raise UsageError(f"{name}: takes no value; give {name} alone")
        return ""
    if name not in WITH_VALUE:
        key = name.lstrip("-").replace("-", "_") or "KEY"
        raise UsageError(
            f"{name}: unknown flag; options are {key}=VALUE, and hinted-posenet {verb} --help lists them"
        )
    choices = WITH_VALUE[name]
    value = next(rest, "") if value is None else value
    if not value or (choices and value not in choices):
        what = f"one of {', '.join(choices)}" if choices else "a name"
        raise UsageError(f"{name} {value}".rstrip() + f": give {what}{near(value, choices)}")
    if name in ("--config-dir", "-cd") and not Path(value).is_dir():
        raise UsageError(f"{name} {value}: no such folder; give one with configs")
    return value


def _override(word: str) -> str:
    """Return KEY=VALUE with its value quoted if Hydra's grammar needs it: a path with "=", "(" or an umlaut."""
    key, equals, value = word.partition("=")
    if not KEY.match(key):
        raise UsageError(f"{word}: expected KEY=VALUE, with a key of letters, digits and dots")
    if not equals:  # ~KEY
        return word
    value = _expanded(value, word)
    for tried in (f"{key}={value}", f"{key}={_quote(value)}"):
        try:
            OverridesParser.create().parse_override(tried)
        except (HydraException, RecursionError):
            if value[:1] in ("[", "{", "'", '"'):
                break
        else:
            return tried
    quoted = shlex.quote(f"{key}={_quote(value)}")
    raise UsageError(f"{word}: brackets or quotes are not closed; close them, or give {quoted}")


def _expanded(value: str, word: str) -> str:
    """Return a value with the home folder in place of ~/, which a shell leaves behind "="."""
    if not value.startswith("~/"):
        return value
    try:
        return str(Path(value).expanduser())
    except RuntimeError:  # a user without a home
        raise UsageError(f"{word}: there is no home folder; give the whole path") from None


def _parsed(word: str) -> Override:
    """Parse a word that `_override` has seen."""
    return OverridesParser.create().parse_override(word)


def _swept(parsed: Override) -> list[str]:
    """Return the values of a sweep."""
    word = parsed.input_line
    if not parsed.is_discrete_sweep() or isinstance(parsed.value(), Glob):
        raise UsageError(
            f"{word}: name the values, A,B,C; the sweeper takes no intervals and globs"
        )
    values = []
    for value in parsed.sweep_string_iterator():
        values.append(value)
        if len(values) > MOST_RUNS:
            raise UsageError(f"{word}: more than {MOST_RUNS} values; give fewer")
    if not values:
        raise UsageError(f"{word}: has no value; give one or more")
    return values


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
        raise UsageError(
            f"{left[0]}: expected KEY=VALUE; hinted-posenet {verb} --help lists the keys"
        )
    return overrides


def _choices(verb: str, overrides: list[str]) -> Iterator[str]:
    """Yield words with GROUP=null as the choice "none"; refuse several choices of a group that takes one."""
    groups = groups_of(verb)
    for word in overrides:
        name, _, value = word.partition("=")
        if name not in groups or (value != "null" and value[:1] != "["):
            yield word
            continue
        choices, default = [path.stem for path in groups[name].choices], groups[name].default
        if value == "null" and "none" in choices:
            yield f"{name}=none"
        elif value[:1] == "[" and default[:1] == "[":
            yield word
        elif value != "null" or default != "null":
            raise UsageError(f"{word}: choose one of {', '.join(choices)}")
