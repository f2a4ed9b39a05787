"""Griffe extension: the comment beside or above a field is its description, as in `core/types.py`."""

from typing import Any

from griffe import Attribute, Class, Extension


class FieldComments(Extension):
    """List the fields of a class below its docstring, instead of each under its own heading."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Describe the fields of a class in its docstring, once its members are known."""
        fields = cls.attributes.items()
        own = {n: field for n, field in fields if n in cls.members and not field.docstring}
        is_tuple = any(str(base).endswith("NamedTuple") for base in cls.bases)
        texts = {name: comment(field) for name, field in own.items() if field.annotation}
        texts = {name: text for name, text in texts.items() if text or is_tuple}
        if not texts or not cls.docstring:
            return
        lines = [f"    {name} ({own[name].annotation}): {text}" for name, text in texts.items()]
        cls.docstring.value += "\n".join(["\n", "Attributes:", *lines])
        for name in texts:
            cls.del_member(name)


def comment(field: Attribute) -> str:
    """Return the comment behind a field's last line, or the lines of comment above it."""
    lines = field.lines_collection[field.filepath]
    _, _, text = lines[field.endlineno - 1].partition("  # ")
    first = field.lineno - 1
    above: list[str] = []
    while not text and lines[first - 1].strip().startswith("# "):
        first -= 1
        above.insert(0, lines[first].strip().removeprefix("# "))
    return (text or " ".join(above)).replace("*", r"\*")
