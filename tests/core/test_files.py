import json
import os
import re
from pathlib import Path

import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write, check_writable, write_json, write_text


def test_a_file_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    write_text(path, "old")
    with atomic_write(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old" and partial.suffix == ".json"
    assert path.read_text() == "new" and list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(OSError, match="full"), atomic_write(path) as partial:
        partial.write_text("ne")
        raise OSError("disk full")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_json_holds_no_number_that_json_does_not_have(tmp_path: Path) -> None:
    write_json(
        tmp_path / "a.json", {"a": [1.5, float("nan")], "b": (float("inf"), -float("inf"), 2)}
    )
    content = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert content == {"a": [1.5, "nan"], "b": ["inf", "-inf", 2]}


@pytest.mark.parametrize("name", ["a.csv", "new/folders/a.csv", "there.csv"])
def test_an_output_that_can_be_written_leaves_no_trace_of_the_check(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "there.csv").write_text("old")
    check_writable(tmp_path / name)
    assert list(tmp_path.iterdir()) == [tmp_path / "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "old"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "preview=.*: is a folder; give the name of a file"),
        ("/dev/null", "is a device or a pipe"),
        ("pipe", "is a device or a pipe"),
        ("file/a.csv", "file is no folder; choose another place"),
        ("loop/a.csv", "Too many levels of symbolic links"),
        ("a" * 252, "File name too long"),
        ("a" * 300 + "/b/c.csv", "File name too long"),
        ("/proc/self/a.csv", "cannot be written"),
        ("a\0.csv", "no path holds a NUL character"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=message) as refused:
        check_writable(tmp_path / name, "preview")
    assert "\n" not in str(refused.value)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(InputError, match=re.escape("cannot be written (No space left on device)")):
        check_writable(tmp_path / "a.csv")
