"""Check values against Python type hints, and report the first mistake in one line.

The hints are those of dataclasses, functions and constructors, so that a type, a range or a set of choices is
written once, where the value is used. pydantic is imported on the first check, since it takes a moment.
"""

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hinted_posenet.core.errors import InputError, near
from hinted_posenet.core.limits import WHOLE_NUMBER
from hinted_posenet.core.text import check_encodable

Settings = TypeVar("Settings")
LIMITS = {
    "gt": "more than {}",
    "ge": "{} or more",
    "lt": "less than {}",
    "le": "{} or less",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
}
EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "none_required": "null",
    "missing": "more elements",
    "tuple": "a list, [A,B]",
    "list": "a list, [A,B]",
    "dict": "keys of its own",
    "path": "a path",
    "string": "text, numbers in quotes (\"'7'\")",
}


def read_settings(schema: type[Settings], values: Mapping[str, Any], prefix: str = "") -> Settings:
    """Build a frozen dataclass from the keys of a config that it declares; other keys are ignored.

    Its type hints may be ``Annotated`` with ranges; ``prefix``, such as "data.", is the node's in error
    messages.

    Raises:
        InputError: for a missing key or a value that does not fit, naming the key and what was expected.
    """
    hints = get_type_hints(schema, include_extras=True)
    found = {}
    for field in fields(schema):  # type: ignore[arg-type]  # any dataclass; its protocol is private to typeshed
        key = f"{prefix}{field.name}"
        if field.name in values:
            found[field.name] = checked(key, values[field.name], hints[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{key}: required; give {key}=VALUE")
    return schema(**found)


def check_argument(key: str, value: Any, function: Callable[..., Any]) -> None:
    """Check a value by the parameter of a function or constructor that the last part of its key names.

    Parameters that take objects are not checked.

    Raises:
        InputError: if there is no such parameter, or the value does not fit its type hint.
    """
    name = key.rpartition(".")[2]
    parameters = inspect.signature(function).parameters
    if name not in parameters:
        if all(known.kind is not known.VAR_KEYWORD for known in parameters.values()):
            takes = f"{function.__qualname__} takes {', '.join(parameters)}"
            raise InputError(
                f"unknown key {key}; {takes}{near(name, parameters, key.removesuffix(name))}"
            )
        return
    hint = _plain(hints_of(function).get(name, Any))
    if hint is not Any and not _holds_objects(value):
        checked(key, value, hint)


@cache
def hints_of(schema: Callable[..., Any]) -> dict[str, Any]:
    """Return the type hints of a dataclass, a function or a constructor; none where they cannot be resolved."""
    is_constructed = isinstance(schema, type) and not is_dataclass(schema)
    source = vars(schema).get("__init__") if is_constructed else schema
    try:
        return get_type_hints(source, include_extras=True)
    except (NameError, TypeError):  # of another package, with imports for type checkers only
        return {}


def check_plain(values: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> None:
    """Refuse what no key takes, whatever its type hint: nan, infinity, huge integers, text that cannot be written.

    ``values`` are those of a config, with nodes and lists in it.

    Raises:
        InputError: "key=value: expected a finite number".
    """
    named = values.items() if isinstance(values, Mapping) else enumerate(values)
    for name, value in named:
        key = f"{prefix}{name}"
        if isinstance(value, Mapping | list | tuple):
            check_plain(value, f"{key}.")
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{key}={value}: expected a finite number")
        elif isinstance(value, int) and abs(value) > WHOLE_NUMBER:
            raise InputError(f"{key}: expected a whole number of at most 19 digits")
        elif isinstance(value, str):
            check_encodable(value, key)
        check_encodable(str(name), prefix or "a key")


def checked(key: str, value: Any, hint: Any) -> Any:
    """Return the value as its type hint wants it; whole numbers pass for real ones, text for paths.

    Raises:
        InputError: "key=value: expected 1 or more".
    """
    from pydantic import ValidationError

    check_plain({key: value})
    if value == "" and Path in (hint, *get_args(hint)):
        raise InputError(f"{key}=: expected a path")
    try:
        return _adapter(hint).validate_json(json.dumps(value, default=str))  # lists become tuples
    except ValidationError as error:
        shown = json.dumps(value) if value is None or isinstance(value, bool) else value
        raise InputError(f"{key}={shown}: expected {_expected(error, hint)}") from None


def check_content(content: Any, hint: Any, where: str, fix: str) -> None:
    """Refuse content of a JSON file that does not fit a type hint, such as a dataclass; further keys are ignored.

    Raises:
        InputError: "WHERE: rows.3.step: expected ...; FIX".
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        text = json.dumps(content, allow_nan=False)
    except ValueError:  # 1e400
        raise InputError(f"{where}: holds a number that is far too large; {fix}") from None
    try:
        TypeAdapter(hint).validate_json(text, strict=True)
    except ValidationError as error:
        mistake = error.errors()[0]
        place = ".".join(map(str, mistake["loc"])) or "content"
        found = f"{mistake['msg'][:1].lower()}{mistake['msg'][1:]}".partition("\n")[0]
        raise InputError(f"{where}: {place}: {found[:120]}; {fix}") from None


@cache
def _adapter(hint: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    config = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False, strict=True)
    return TypeAdapter(hint, config=config)


def _expected(error: Any, hint: Any) -> str:
    """Describe what would have been accepted, alternatives joined by "or"."""
    found = []
    for mistake in error.errors():
        kind, context = mistake["type"], mistake.get("ctx", {})
        limits = {name: context[name] for name in LIMITS if name in context}
        found += [LIMITS[name].format(_number(limit)) for name, limit in limits.items()]
        if kind == "literal_error":
            found.append("one of " + context["expected"].replace("'", "").replace(" or ", ", "))
        elif not context:
            kind = kind.removesuffix("_type").removesuffix("_parsing")
            found.append(EXPECTED.get(kind, mistake["msg"]))
    if type(None) in get_args(hint):
        found.append("null")
    return ", or ".join(dict.fromkeys(found)) or str(error.errors()[0]["msg"])


def _number(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _plain(hint: Any) -> Any:
    """Return what a config can hold of a type hint, Any where that is nothing."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal or hint in (bool, int, float, str, Path, type(None)):
        return hint
    if origin is Annotated:
        return hint if _plain(arguments[0]) is not Any else Any
    if origin in (Union, UnionType):
        kept = [part for part in map(_plain, arguments) if part is not Any]
        return Union[tuple(kept)] if kept else Any  # noqa: UP007  # of as many as there are
    if origin in (list, tuple, dict, Sequence, Mapping):
        return hint if all(a is ... or _plain(a) is not Any for a in arguments) else Any
    return Any


def _holds_objects(value: Any) -> bool:
    """Return whether a value becomes an object, or contains one."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, dict) and "_target_" in value) or any(map(_holds_objects, inside))
