"""Read text, tables, JSON, YAML and numbers as people have them; what cannot be read is a one-line InputError."""

import codecs
import csv
import io
import json
import re
import stat
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import yaml

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import JSON_DEPTH, LINE_BYTES, MODEL_BYTES, TEXT_BYTES

ENCODINGS = {  # byte-order mark -> encoding; UTF-32 first, as its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}


@contextmanager
def reading(path: Path, fix: str = "check the path") -> Iterator[None]:
    """Turn an operating system's refusal to read a file or folder into an InputError that ends with ``fix``."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {fix}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {fix}") from None
    except ValueError as error:
        if "null byte" not in str(error):
            raise
        raise InputError(f"{str(path)!r}: no path holds a NUL character; {fix}") from None


def check_file(path: Path, most_bytes: int, fix: str = "check the path") -> None:
    """Refuse what is missing, no regular file (but a folder, a pipe, a device), or larger than ``most_bytes``."""
    with reading(path, fix):
        found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise InputError(f"{path}: is {kind}, expected a file; {fix}")
    if found.st_size > most_bytes:
        raise InputError(
            f"{path}: {found.st_size / 1e6:,.0f} MB, more than the {most_bytes / 1e6:,.0f} MB that such a file "
            f"may have; {fix}"
        )


def read_text(path: Path, fix: str = "check the file") -> str:
    """Read a text file: UTF-8, or UTF-16 and UTF-32 that say so by a byte-order mark; line ends become LF.

    Raises:
        InputError: It is no regular file, cannot be read, is too large, is in another encoding or is not text.
    """
    check_file(path, TEXT_BYTES, fix)
    with reading(path, fix):
        content = path.read_bytes()
    encoding = next((e for mark, e in ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path} line {line}: not {encoding.removesuffix('-sig').upper()} text; save the file as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path} line {line}: holds a NUL character, so it is not text; {fix}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path, fix: str = "check the file") -> list[str]:
    """Read the lines of a text file without their ends, see `read_text`; only line feeds end a line."""
    lines = read_text(path, fix).split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def read_table(
    path: Path, fix: str = "check the file", spaces: bool = True
) -> tuple[list[str], Iterator[tuple[str, dict[str, str]]]]:
    """Read a CSV file with a header -> its columns, and (file and line, fields by column) of each row.

    Fields include ``spaces`` after a comma. Only `check_row` checks a row, so that a reader can go on after it.

    Raises:
        InputError: It is not text, see `read_text`, or a quote is not closed; the latter when its row is reached.
    """
    file = io.StringIO(read_text(path, fix))
    reader = csv.DictReader(file, skipinitialspace=not spaces, strict=True)

    @contextmanager
    def one_line() -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise InputError(
                f"{path} line {reader.reader.line_num}: no CSV ({error}); close its quotes, or {fix}"
            ) from None

    def rows() -> Iterator[tuple[str, dict[str, str]]]:
        with one_line():
            for row in reader:
                yield f"{path} line {reader.line_num}", row

    with one_line():
        columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    return columns, rows()


def check_row(row: dict[str, str], where: str, fix: str = "correct the line") -> None:
    """Refuse a row of `read_table` that has more or fewer fields than the header."""
    if None in row or None in row.values():
        raise InputError(f"{where}: expected as many fields as the header has; {fix}")


def stream_lines(path: Path, fix: str = "check the file") -> Iterator[tuple[str, str]]:
    """Yield (file and line, text) of a text file that may be too large for the memory, line by line.

    Bytes that are not UTF-8 become surrogates, because the names of files in it may be in any encoding.

    Raises:
        InputError: It is no regular file, cannot be read, is not text, or a line is too long.
    """
    check_file(path, MODEL_BYTES, fix)
    with reading(path, fix), path.open("rb") as file:
        number = 0
        while line := file.readline(LINE_BYTES + 1):
            number += 1
            where = f"{path} line {number}"
            if len(line) > LINE_BYTES:
                raise InputError(f"{where}: longer than {LINE_BYTES / 1e6:.0f} MB; {fix}")
            if b"\0" in line:
                raise InputError(
                    f"{where}: holds a NUL character; save the file as UTF-8, or {fix}"
                )
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            yield where, line.decode("utf-8", "surrogateescape").rstrip("\r\n")


def read_json(path: Path, fix: str = "check the file") -> Any:
    """Read a JSON file, see `read_text`; refuse nan, infinity, and brackets more than 100 deep.

    Raises:
        InputError: It is not text or not JSON, with the line.
    """
    return parse_json(read_text(path, fix), str(path), fix)


def parse_json(text: str, where: str, fix: str = "check the file") -> Any:
    """Parse JSON text as `read_json` does; ``where`` is the file for errors."""

    def refuse(constant: str) -> None:
        raise InputError(f"{where}: holds {constant}, which is no number of JSON; {fix}")

    try:
        found = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where} line {error.lineno}: not valid JSON ({error.msg}); {fix}"
        ) from None
    except RecursionError:
        raise InputError(f"{where}: nested more than {JSON_DEPTH} deep; {fix}") from None
    except InputError:
        raise
    except ValueError:  # an integer of more than 4300 digits
        raise InputError(f"{where}: holds a number that is far too long; {fix}") from None
    _check_depth(found, where, fix)
    return found


def read_yaml(path: Path, fix: str = "check the file") -> Any:
    """Read a YAML file of plain values, see `read_text`.

    Raises:
        InputError: It is not text or not YAML, or names Python objects.
    """
    return parse_yaml(read_text(path, fix), str(path), fix)


def parse_yaml(text: str, where: str, fix: str = "check the file") -> Any:
    """Parse YAML text as `read_yaml` does; ``where`` is the file for errors."""
    brackets = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    if max(accumulate(brackets), default=0) > JSON_DEPTH:  # PyYAML takes seconds to give up
        raise InputError(f"{where}: nested more than {JSON_DEPTH} deep; {fix}")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be parsed"
        raise InputError(f"{where}{line}: not valid YAML ({reason}); {fix}") from None
    _check_depth(found, where, fix)
    return found


def whole_number(number: object, where: str, low: int = 0, high: int = 2**31 - 1) -> int:
    """Convert decimal digits, perhaps with a sign, or a whole number of JSON to an integer in [low, high]."""
    if isinstance(number, float) and number.is_integer():  # 640.0 of JSON
        number = int(number)
    text = str(number)
    digits = text.strip()
    plain = digits.removeprefix("-")
    if plain.isascii() and plain.isdecimal() and len(plain) < 20 and low <= int(digits) <= high:
        return int(digits)
    raise InputError(f"{where}: {text[:40]!r} is no whole number from {low} to {high}; correct it")


def check_encodable(text: str, where: str) -> None:
    """Refuse text that files or their names cannot hold.

    That is a line end or other control character, bytes that are no UTF-8, or a letter outside the locale.
    """
    if text.isascii() and text.isprintable():  # as nearly all names of very many images are
        return
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        raise InputError(f"{where}: {text!a} has a line end or control character; rename it")
    locale = sys.getfilesystemencoding()
    for encoding in ("utf-8", locale):
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            fix = "set PYTHONUTF8=1" if locale != "utf-8" else "rename it"
            raise InputError(f"{where}: {text!a} cannot be written as {encoding}; {fix}") from None


def _check_depth(found: Any, where: str, fix: str) -> None:
    """Refuse values that are nested too deep for the recursion of whoever reads them."""
    level, depth = [found], 0
    while level:
        # each once: aliases of YAML let a short file refer to the same list very often
        inside = {id(value): value for value in level if isinstance(value, dict | list)}.values()
        level = [v for part in inside for v in (part.values() if isinstance(part, dict) else part)]
        depth += bool(inside)
        if depth > JSON_DEPTH:
            raise InputError(f"{where}: nested more than {JSON_DEPTH} deep; {fix}")
