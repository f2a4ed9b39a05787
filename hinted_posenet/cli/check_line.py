"""Hold the words of a verb against its config: unknown keys and choices, values that do not fit, what is missing.

The config is composed once beforehand for that, since Hydra's own messages name neither the existing keys nor the
nearest one. What is wrong is a UsageError of one line.
"""

import importlib
import pydoc
import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from hydra.errors import MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hinted_posenet.cli.compose import composed
from hinted_posenet.cli.grammar import MULTIRUN, Line, read_line, single_runs
from hinted_posenet.cli.help import config_file, groups_of, places_of, split_verb, usage
from hinted_posenet.core.errors import InputError, UsageError, near, reason
from hinted_posenet.core.schema import check_argument, check_plain, checked, hints_of

PRINTING = {"--cfg", "-c", "--info", "-i", "--hydra-help"}  # these ask for no value that is missing
OF_LANDMARKS = ("features", "matcher")
MENU = ("climate", "flight", "navigation")  # dates, plans and sensors that a recipe chooses from


def check(words: Sequence[str]) -> None:
    """Check the words after ``hinted-posenet`` without running anything.

    Raises:
        UsageError: for the first word that is not understood, or a word that is missing.
    """
    verb, rest = split_verb(words)
    if verb not in ("", "data") and "--help" not in rest:
        check_line(verb, read_line(verb, rest))


def check_line(verb: str, line: Line) -> None:
    """Check the words of a verb against its config.

    Raises:
        UsageError: for the first word that does not fit, or one that is missing.
    """
    for overrides in single_runs(line):
        config = _composed(verb, overrides, line)
        for word in overrides:
            key = word.partition("=")[0].lstrip("+")
            if not word.startswith("~") and key not in groups_of(verb) and "@" not in key:
                _check_value(verb, key, config)
        _check_added(verb, overrides, line)
        _check_used(verb, overrides, config)
        if not line.has(MULTIRUN):  # which adds the head to the name
            _check_named(verb, overrides, config)
        if not line.has(PRINTING):
            check_plain(_resolved(verb, config))


def module_of(verb: str) -> ModuleType:
    """Return the module of a verb, whose function ``run`` takes the values of its config."""
    return importlib.import_module(f"hinted_posenet.cli.{config_file(verb).stem}")


def _composed(verb: str, overrides: Sequence[str], line: Line) -> DictConfig:
    """Compose the config; whatever Hydra raises is about the words or an extension's files."""
    try:
        return composed(verb, overrides, line.options)
    except InputError:
        raise
    except MissingConfigException as error:
        file, choices = str(error.missing_cfg_file), error.options or []
        group, _, choice = file.rpartition("/")
        listed = f"; choose one of {', '.join(choices)}{near(choice, choices)}" if choices else ""
        word = f"{group}={choice}" if group else f"{choice}: no such config"
        raise UsageError(f"{word}: no such choice{listed}" if group else word) from None
    except Exception as error:
        if required := re.search(r"You must specify '([\w/]+)'", str(error)):
            group = required.group(1)
            choices = ", ".join(path.stem for path in groups_of(verb)[group].choices)
            raise UsageError(f"{group}: required; give {group}=NAME, one of {choices}") from None
        unknown = re.search(r"Could not override '([\w.@/]+)'", str(error))
        if unknown and unknown.group(1) not in groups_of(verb):
            raise UsageError(_unknown_key(verb, unknown.group(1), line)) from None
        raise UsageError(_told(error)) from None


def _resolved(verb: str, config: DictConfig) -> dict[str, Any]:
    """Return the config as plain values; refuse what is missing and what refers to nothing."""
    places = [place.key for place in places_of(verb)]
    missing = [key for key, node in _nodes(config) if node._is_missing()]
    if missing:
        key = min(missing, key=lambda name: places.index(name) if name in places else len(places))
        how = f"usage: {usage(verb)}" if key in places else f"give {key}=VALUE"
        raise UsageError(f"{key}: required; {how}")
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except (OmegaConfBaseException, RecursionError) as error:
        key = f"{found}: " if (found := getattr(error, "full_key", None)) else ""
        raise UsageError(
            f"{key}{_told(error)}; ${{...}} refers to another key, and \\${{...}} is the text itself"
        ) from None
    return dict(plain)


def _nodes(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the nodes of a config by their dotted keys, without resolving anything."""
    for name in config:
        node = config._get_node(name)  # not config[name], which resolves it
        yield f"{prefix}{name}", node
        special = node._is_missing() or node._is_none() or node._is_interpolation()
        if OmegaConf.is_dict(node) and not special:
            yield from _nodes(node, f"{prefix}{name}.")


def _told(error: Exception) -> str:
    """Return the first sentence of an error of Hydra, without what it says of its insides."""
    if isinstance(error, RecursionError):
        return "refers to itself"
    told = []
    for part in (error, error.__cause__):
        lines = [
            li
            for li in str(part or "").splitlines()
            if not re.match(r"\s*(full_key|object_type)", li)
        ]
        told.append(" ".join(" ".join(lines).partition("See https")[0].split()).rstrip(". "))
    return ": ".join(filter(None, dict.fromkeys(told))) or repr(error)


def _check_value(verb: str, key: str, config: DictConfig) -> None:
    """Check a value by the type hint of the field or the parameter that takes it."""
    module = module_of(verb)
    instead = getattr(module, "SET_ELSEWHERE", {}).get(key)
    if instead:
        raise UsageError(f"{key}: is set by {instead}; give {instead}=VALUE")
    parent, _, name = key.rpartition(".")
    hints = _schemas(module).get(parent, {})
    try:
        value = OmegaConf.select(config, key)
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value, resolve=True)
        node: Any = OmegaConf.select(config, parent) if parent else None
    except (OmegaConfBaseException, RecursionError):  # `_resolved` tells of it
        return
    if name in hints:
        checked(key, value, hints[name])
    elif OmegaConf.is_dict(node) and "_target_" in node and not name.startswith("_"):
        try:
            target = pydoc.locate(str(node._target_))
        except pydoc.ErrorDuringImport as error:
            if isinstance(error.value, Exception) and reason(error.value):
                raise error.value from None
            target = None
        if not callable(target):
            raise UsageError(
                f"{parent}._target_={node._target_}: no such class; check its spelling"
            )
        check_argument(key, value, target)


def _schemas(module: ModuleType) -> dict[str, Mapping[str, Any]]:
    """Return the type hints of the keys of a verb by their node, "" for the config itself."""
    schemas = {"": module.run, **getattr(module, "SCHEMAS", {})}
    return {node: hints_of(schema) for node, schema in schemas.items()}


def _check_added(verb: str, overrides: list[str], line: Line) -> None:
    """Refuse +KEY=VALUE for a key that nothing reads: it would be ignored."""
    added = [word.partition("=")[0].lstrip("+") for word in overrides if word.startswith("+")]
    added = [
        key for key in added if "@" not in key and "/" not in key and key not in groups_of(verb)
    ]
    if not added:
        return
    base = _composed(verb, [word for word in overrides if not word.startswith("+")], line)
    for key in added:
        parent, _, name = key.rpartition(".")
        top = key.partition(".")[0]
        node = OmegaConf.select(base, parent) if parent else base
        known = _schemas(module_of(verb)).get(parent)
        constructed = parent and OmegaConf.is_dict(node) and "_target_" in node
        unread = known is not None and not constructed and name not in known and name not in node
        if top != "hydra" and (top not in base or unread):
            raise UsageError(_unknown_key(verb, key, line))


def _check_named(verb: str, overrides: list[str], config: DictConfig) -> None:
    """Check that a run with another head than its method's, or another refinement, has another name, too."""
    if any(word.startswith("name=") for word in overrides):
        return
    for part in ("head", "refine"):
        chosen = [word for word in overrides if word.startswith(f"{part}=")]
        if not chosen:
            continue
        method = composed(verb, [word for word in overrides if word not in chosen])
        if _class_of(method.get(part)) != _class_of(config.get(part)):
            raise UsageError(
                f"{chosen[-1]}: the run would be named {config.name} after its method, which has another "
                f"{part}; give the method=NAME that has this {part}, or a name=NAME"
            )


def _class_of(node: DictConfig | None) -> str:
    return str(node["_target_"]) if node else "null"


def _check_used(verb: str, overrides: list[str], config: DictConfig) -> None:
    """Refuse words that would be ignored: the recipe does not use the dates, or nothing the landmarks."""
    for word in overrides:
        group = word.partition("=")[0].partition(".")[0]
        landmarks = _class_of(config.get("refine")).endswith(".LandmarkLocalizer")
        if verb == "train" and group in OF_LANDMARKS and not landmarks:
            raise UsageError(
                f"{word}: changes nothing without landmarks; add method=hinted_landmarks or refine=landmarks"
            )
        if group not in MENU:
            continue
        try:
            other = composed(verb, [o for o in overrides if o != word])
            differs = OmegaConf.to_yaml(config) != OmegaConf.to_yaml(other)
            ignored = differs and _without_menu(config) == _without_menu(other)
        except Exception:  # without this word others make no sense
            continue
        if ignored:
            raise UsageError(f"{word}: changes nothing, since no flight of the recipe takes it")


def _without_menu(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return {key: value for key, value in plain.items() if key not in MENU}


def _chosen(verb: str, line: Line) -> list[str]:
    """Return the words that choose of groups, with the first choice of each group that has to be chosen."""
    groups = groups_of(verb)
    chosen = [word for word in line.overrides if word.partition("=")[0] in groups]
    given = [word.partition("=")[0] for word in chosen]
    required = [name for name, group in groups.items() if group.default == "???"]
    return chosen + [f"{n}={groups[n].choices[0].stem}" for n in required if n not in given]


def _unknown_key(verb: str, key: str, line: Line) -> str:
    """Name the keys of the deepest node of the chosen config that the key leads to, and the nearest one."""
    node: Any = composed(verb, _chosen(verb, line), line.options)
    trail: list[str] = []
    for part in key.split("."):
        if not OmegaConf.is_dict(node) or part not in node:
            break
        node = node[part]
        trail.append(part)
    choices = sorted(str(name) for name in node) if OmegaConf.is_dict(node) else []
    if not trail:
        choices = sorted({*choices, *groups_of(verb)})
    inside = f" of {'.'.join(trail)}" if trail else ""
    wrong = ".".join(key.split(".")[len(trail) :]) if trail else key
    suggestion = near(wrong, choices, "".join(f"{part}." for part in trail))
    return f"unknown key {key}; keys{inside}: {', '.join(choices)}{suggestion}"
