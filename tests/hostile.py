"""Hostile input: files a little or very wrong, and what a function may answer to them.

``mutations(content)`` are versions of a valid file as people, software and strangers break them.
`one_line` wants an `InputError` for an input; `survives` allows a result too.
"""

import json
import os
import re
import resource
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from hinted_posenet.core.errors import InputError

MOST_CPU_S = 2.0
HANGS_S = 30.0  # of the wall clock: the machine may be shared
MOST_MB = 500.0

Answer = TypeVar("Answer")


def examples(count: int) -> int:
    """Return how many examples a test tries: ``count``, which fits the suite, or $FUZZ_EXAMPLES."""
    return int(os.environ.get("FUZZ_EXAMPLES", count))


NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
WORD = re.compile(rb"[^\s,\"]+")
NUMBERS = [
    *(b"nan", b"-inf", b"Infinity", b"1e300", b"-1e300", b"1e30", b"1e-300", b"1e400", b"-0.0"),
    *(b"0", b"-1", b"1", b"2147483648", b"99999999999", b"18446744073709551615", b"9" * 5000),
    *("²".encode(), "٣".encode(), b"1_0", b"0x10", b"1,5", b"", b" ", b"1 2", b"x"),
]
WORDS = [
    *(b"", b"..", b"../../x", b"/etc/hostname", b"a\0b", b"a\nb", b"a\tb", b"\xff\xfe", b"#", b'"'),
    *("é²\u2028".encode(), "\u202e".encode(), b"nan", b"-1", b"x" * 300, b"y" * 150_000),
]
BYTES = [b"\0", b"\xff", b"\r", b"\n", b'"', b",", b"{", b"\xef\xbb\xbf", b"\xe9", b" " * 70_000]
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**64,
        10**30,
        0.5,
        1e30,
        -1e300,
        float("nan"),
        float("inf"),
    ),
    *("", "nan", "²", "12", "a\0b", "a\nb", "../../x", "/etc/hostname", "\ud800", "x" * 300),
    *([], {}, [None], [[]], [1, 2], {"a": 1}, [[1, 0, 0, 0]] * 4, ["a", "a"]),
]
RECORDS = [
    *(struct.pack("<d", number) for number in (float("nan"), float("inf"), 1e300, 0.0, -1.0)),
    *(struct.pack("<Q", number) for number in (0, 1, 2**31, 2**40, 2**63, 2**64 - 1)),
]


def mutations(content: bytes) -> st.SearchStrategy[bytes]:
    """Draw versions of a file's content, most of them with one thing changed, some with two or three."""
    return st.randoms(use_true_random=False).map(partial(mutated, content))


def mutated(content: bytes, rng: Random) -> bytes:
    """Return one of the `mutations`."""
    kinds: list[Callable[[bytes, Random], bytes]] = [
        *(_cut, _change_byte, _insert, _replace_record, _whole)
    ]
    if _is_text(content):
        kinds += [_edit_lines, _replace_number, _replace_number, _replace_number, _replace_word]
        kinds += [_edit_json] * 8 if _parsed(content) is not None else []
    for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
        content = rng.choice(kinds)(content, rng)
    return content


def one_line(function: Callable[[], object]) -> str:
    """Assert that a call ends in an InputError of one line, within 2 s and 500 MB -> the line."""
    try:
        with bounded():
            found = function()
    except InputError as error:
        return _line(error)
    raise AssertionError(f"was accepted: {found!r}"[:500])


def survives(function: Callable[[], Answer]) -> Answer | None:
    """Assert that a call returns, or ends in an InputError of one line, within 2 s and 500 MB."""
    try:
        with bounded():
            return function()
    except InputError as error:
        _line(error)
        return None


@contextmanager
def bounded() -> Iterator[None]:
    """Assert that what is done inside takes at most 2 s of CPU and 500 MB more memory, and does not hang."""

    def hang(*_: object) -> None:
        raise AssertionError(f"hangs: not done after {HANGS_S:g} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, HANGS_S)
    peak_mb, began_s = _peak_mb(), time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        took_s, grew_mb = time.process_time() - began_s, _peak_mb() - peak_mb
        assert took_s < MOST_CPU_S, f"took {took_s:.1f} s"
        assert grew_mb < MOST_MB, f"took {grew_mb:.0f} MB"


def _line(error: InputError) -> str:
    message = str(error)
    assert message.strip(), "says nothing"
    assert len(message.splitlines()) == 1, f"more than one line: {message!r}"
    return message


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _parsed(content: bytes) -> Any:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _place(rng: Random, count: int) -> int:
    return rng.randrange(max(count, 1))


def _cut(content: bytes, rng: Random) -> bytes:
    """Cut off the end, or a piece within."""
    first = _place(rng, len(content))
    return content[:first] + content[first + rng.choice([len(content), 1, 8, 100]) :]


def _change_byte(content: bytes, rng: Random) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[_place(rng, len(content))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _insert(content: bytes, rng: Random) -> bytes:
    place = _place(rng, len(content))
    return content[:place] + rng.choice(BYTES) + content[place:]


def _replace_record(content: bytes, rng: Random) -> bytes:
    """Replace eight bytes, as of a number in a binary file."""
    place = _place(rng, len(content))
    return content[:place] + rng.choice(RECORDS) + content[place + 8 :]


def _whole(content: bytes, rng: Random) -> bytes:
    """Replace or encode the whole file."""
    text = content.decode("utf-8", errors="replace")
    versions = [b"", b"\n", b"\0" * 100, b"\xff" * 100, b"[]", b"{}", b"null", b"1", b"[" * 100_000]
    versions += [text.encode(encoding) for encoding in ("utf-8-sig", "utf-16", "utf-16-le")]
    edits = [(b"\n", b"\r\n"), (b" ", b"\t"), (b"\n", b""), (b"\n", b"\n\n"), (b" ", b"")]
    versions += [content.replace(old, new) for old, new in edits]
    return rng.choice([*versions, content * 2, b"[" * 200 + content])


def _edit_lines(content: bytes, rng: Random) -> bytes:
    """Drop, double, swap, join or indent lines."""
    lines = content.split(b"\n")
    a, b = _place(rng, len(lines)), _place(rng, len(lines))
    how = rng.randrange(5)
    if how == 0:
        del lines[a]
    elif how == 1:
        lines.insert(b, lines[a])
    elif how == 2:
        lines[a], lines[b] = lines[b], lines[a]
    elif how == 3:
        lines[a : a + 2] = [b" ".join(lines[a : a + 2])]
    else:
        lines[a] = rng.choice([b"", b"  " + lines[a] + b" ", b"# " + lines[a], b"x"])
    return b"\n".join(lines)


def _replace_number(content: bytes, rng: Random) -> bytes:
    return _replaced(content, rng, NUMBER, NUMBERS)


def _replace_word(content: bytes, rng: Random) -> bytes:
    return _replaced(content, rng, WORD, WORDS)


def _replaced(content: bytes, rng: Random, what: re.Pattern[bytes], by: list[bytes]) -> bytes:
    places = [match.span() for match in what.finditer(content)]
    if not places:
        return content
    first, last = places[_place(rng, len(places))]
    return content[:first] + rng.choice(by) + content[last:]


def _edit_json(content: bytes, rng: Random) -> bytes:
    """Replace, remove or double one value."""
    found = _parsed(content)
    if not found:
        return content
    parts: list[Any] = [found]  # every object and list that is not empty
    for part in parts:
        inside = part.values() if isinstance(part, dict) else part
        parts += [value for value in inside if isinstance(value, dict | list) and value]
    part = parts[_place(rng, len(parts))]
    keys = list(part) if isinstance(part, dict) else list(range(len(part)))
    key, how = keys[_place(rng, len(keys))], rng.randrange(6)
    if how == 0:
        del part[key]
    elif how == 1 and isinstance(part, list):
        part.append(part[key])
    else:
        part[key] = rng.choice(VALUES)
    return json.dumps(found).encode()
