"""Text, JSON, YAML and numbers as people have them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import (
    check_encodable,
    check_row,
    read_json,
    read_lines,
    read_table,
    read_text,
    read_yaml,
    whole_number,
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_that_says_its_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes("é 1\r\nü\u2028 2\r\n".encode(encoding))
    assert read_lines(path) == ["é 1", "ü\u2028 2"]


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(
    f"{chr(c)}: &{chr(c)} [*{chr(c - 1)}, *{chr(c - 1)}]\n" for c in range(ord("c"), ord("z"))
)


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("write", "read", "message"),
    [
        (lambda p: None, read_text, "missing"),
        (lambda p: p.mkdir(), read_text, "is a folder"),
        (pipe, read_text, "a pipe or a device"),
        (lambda p: p.symlink_to(p), read_text, "cannot be read"),
        (lambda p: p.write_bytes("a\né".encode("latin-1")), read_text, "line 2: not UTF-8 text"),
        (lambda p: p.write_bytes(b"a\nb\0"), read_text, "line 2: holds a NUL"),
        (lambda p: p.write_text('{\n"a": }'), read_json, "line 2: not valid JSON"),
        (lambda p: p.write_text('{"a": NaN}'), read_json, "holds NaN"),
        (lambda p: p.write_text("[" * 100_000), read_json, "nested"),
        (lambda p: p.write_text("[" * 200 + "]" * 200), read_json, "nested"),
        (lambda p: p.write_text("9" * 5000), read_json, "far too long"),
        (lambda p: p.write_text("a: 1\n b: 2"), read_yaml, "line 2: not valid YAML"),
        (lambda p: p.write_text("!!python/name:os.system"), read_yaml, "not valid YAML"),
        (lambda p: p.write_text("[" * 100_000), read_yaml, "nested"),
        (lambda p: p.write_text("&a [*a]"), read_yaml, "nested"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, write: Callable[[Path], object], read: Callable[[Path], Any], message: str
) -> None:
    path = tmp_path / "file"
    write(path)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_yaml_file_of_many_aliases_is_read_in_no_time(tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMB)
    assert set(read_yaml(path)) == {chr(c) for c in range(ord("a"), ord("z"))}


@pytest.mark.parametrize("digits", ["²", "", "1.5", "0x1", "-1", "9" * 30, "٣", "1_0"])
def test_only_decimal_digits_are_whole_numbers(digits: str) -> None:
    with pytest.raises(InputError, match="labels line 1"):
        whole_number(digits, "labels line 1")


def test_whole_numbers() -> None:
    assert [whole_number(digits, "") for digits in ("0", " 12 ", "007")] == [0, 12, 7]
    assert whole_number("-3", "", low=-5) == -3


def test_a_table_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeffname, x\r\n"a, b",\u00a01\r\n c,2,3\r\n'.encode())
    columns, rows = read_table(path)
    assert columns == ["name", "x"]
    (where, row), (_, long) = rows
    assert (where, row) == (f"{path} line 2", {"name": "a, b", "x": "\u00a01"})
    with pytest.raises(InputError, match="as many fields as the header"):
        check_row(long, where)
    assert next(read_table(path, spaces=False)[1])[1] == row
    for text in ('a\n"b', 'a\n"b"c', "a\n" + "b" * 200_000):
        path.write_text(text)
        with pytest.raises(InputError, match=r"table\.csv line 2: no CSV"):
            list(read_table(path)[1])


@pytest.mark.parametrize("number", [640, 640.0, "640", " 640 "])
def test_whole_numbers_of_json_and_text(number: object) -> None:
    assert whole_number(number, "w") == 640


@pytest.mark.parametrize(
    "number", [640.5, True, None, [1], "²", "1_0", "6e2", -1, 2**64, float("inf")]
)
def test_other_numbers_are_refused(number: object) -> None:
    with pytest.raises(InputError, match=r"w: .* is no whole number from 0 to"):
        whole_number(number, "w")


def test_an_error_is_one_line_whatever_it_names() -> None:
    error = InputError("a\nb\x1b[31m\ud800: " + "x" * 5000)
    assert str(error).startswith(r"a\nb\x1b[31m\ud800: ")
    assert len(str(error)) < 2000
    assert str(InputError("Caught InputError in worker\n  hp.InputError: a: b\n")) == "a: b"


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "\x1b[31m", "\udcff.jpg", "a\u2028b"])
def test_text_that_no_file_can_hold_is_refused(name):
    with pytest.raises(InputError) as found:
        check_encodable(name, "poses.txt line 3")
    assert str(found.value).startswith("poses.txt line 3: ") and str(found.value).isprintable()


def test_letters_outside_the_locale_name_what_to_set(monkeypatch):
    check_encodable("Z\u00fcrich.jpg", "x")
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    with pytest.raises(InputError, match="cannot be written as ascii; set PYTHONUTF8=1"):
        check_encodable("Z\u00fcrich.jpg", "x")
