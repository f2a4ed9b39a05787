"""Unpacking: zips in zips, harmful paths and sizes, damaged files, stopped runs."""

import io
import os
import shutil
import stat
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
from archives import zip_of, zipped

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.download import unpack as unpack_module
from hinted_posenet.data.download.unpack import DamagedArchiveError, unpack


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_one_folder_of_an_archive(tmp_path):
    archive = write(tmp_path, zip_of(**{"apt1/kitchen/a": "1", "apt1/living/a": "2", "README": ""}))
    unpack(archive, tmp_path / "kitchen", "apt1/kitchen")
    assert tree(tmp_path / "kitchen") == {"a": b"1"}
    with pytest.raises(InputError, match="no folder apt2/bed; it holds README, apt1"):
        unpack(archive, tmp_path / "bed", "apt2/bed")


def test_zips_in_a_zip_are_unpacked_where_they_lie(tmp_path):
    first = zip_of(**{"seq-01/a": "1", "seq-01/Thumbs.db": "", "__MACOSX/seq-01/._a": ""})
    second = zip_of(**{"seq-02/a": "2"})
    outer = {"s/seq-01.zip": first, "s/seq-02.ZIP": second, "s/TrainSplit.txt": "sequence1"}
    unpack(write(tmp_path, zip_of(**outer)), tmp_path / "s", "s")
    assert tree(tmp_path / "s") == {
        "seq-01/a": b"1",
        "seq-02/a": b"2",
        "TrainSplit.txt": b"sequence1",
    }


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil",
            "s/../../evil",
            "/evil",
            "s/a\\..\\..\\evil",
            "C:/evil",
            "c:evil",
            "\\\\host\\evil",
        ),
        *("s/a:stream", "s/a\nb", "s/.."),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_path_that_leads_out_is_refused_before_anything_is_written(tmp_path, name, nested):
    content = zip_of(**{"s/good": "1", name: "2"})
    if nested:
        content = zip_of(**{"s/seq-01.zip": content})
    place = tmp_path / "deep" / "down"
    with pytest.raises(InputError, match="leads out of the folder") as error:
        unpack(write(tmp_path, content), place, "s")
    assert "\n" not in str(error.value)
    assert sorted(tree(tmp_path)) == ["a.zip", *(["deep/down/seq-01.zip"] if nested else [])]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_links_and_devices_are_refused(tmp_path, kind):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        entry = zipfile.ZipInfo("s/link")
        entry.external_attr = (kind | 0o777) << 16
        file.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match="s/link' is a link or a device"):
        unpack(write(tmp_path, content.getvalue()), tmp_path / "s", "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("s/a", "s/a"), ("s/a", "s/./a"), ("s/a", "s/a/b")])
def test_names_that_would_overwrite_each_other_are_refused(tmp_path, names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, "x")
    with pytest.raises(InputError, match="is there twice"):
        unpack(write(tmp_path, content.getvalue()), tmp_path / "s", "s")


def test_a_bomb_is_refused_by_its_ratio(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("s/zeros", bytes(5_000_000))
    with pytest.raises(InputError, match=r"s/zeros' grows from .* to 5,000,000 bytes"):
        unpack(write(tmp_path, content.getvalue()), tmp_path / "s", "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 3999), ("MAX_FILES", 3)])
@pytest.mark.parametrize("nested", [False, True])
def test_limits_count_all_files_also_those_of_zips_in_the_zip(
    tmp_path, monkeypatch, limit, value, nested
):
    monkeypatch.setattr(unpack_module, limit, value)
    files = {f"s/{number}": os.urandom(1000) for number in range(4)}
    content = zip_of(**files)
    if nested:  # each within the limit, together not
        halves = [dict(list(files.items())[:2]), dict(list(files.items())[2:])]
        content = zip_of(**{f"s/{n}.zip": zip_of(**half) for n, half in enumerate(halves)})
    with pytest.raises(InputError, match="refused as a zip bomb"):
        unpack(write(tmp_path, content), tmp_path / "s", "s")


def test_a_bomb_of_zips_in_zips_in_zips_is_refused(tmp_path):
    deep = zip_of(**{"b.zip": zip_of(**{"c.zip": zip_of(**{"d": "1"})})})
    with pytest.raises(InputError, match="is a zip in a zip in a zip"):
        unpack(write(tmp_path, deep), tmp_path / "s")


def test_a_folder_whose_entry_states_a_size_is_no_bomb(tmp_path):
    """As in the archives of 7-Scenes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("s/", "")
        file.writestr("s/a", "1")
        file.getinfo("s/").file_size = 2**31
    unpack(write(tmp_path, content.getvalue()), tmp_path / "s", "s")
    assert tree(tmp_path / "s") == {"a": b"1"}


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_file_is_named(tmp_path, kind):
    (tmp_path / "in").mkdir()
    for name in ("first", "second"):
        (tmp_path / "in" / name).write_bytes(os.urandom(3000))
    content = bytearray(zipped(tmp_path / "in", "s", kind))
    content[content.index(b"s/second") + 1500] ^= 1
    with pytest.raises(DamagedArchiveError, match=r"a\.zip: is damaged .*second"):
        unpack(write(tmp_path, bytes(content)), tmp_path / "s", "s")
    assert set(tree(tmp_path / "s")) <= {"first", ".second.part"}


def test_a_truncated_archive_is_named(tmp_path):
    content = zip_of(**{"s/a": os.urandom(3000)})
    with pytest.raises(DamagedArchiveError, match=r"a\.zip: is damaged"):
        unpack(write(tmp_path, content[:-30]), tmp_path / "s", "s")
    inner = zip_of(**{"s/seq-01.zip": content[:-30]})
    with pytest.raises(DamagedArchiveError, match=r"seq-01\.zip: is damaged"):
        unpack(write(tmp_path, inner), tmp_path / "s", "s")


def test_a_full_disk_is_reported_before_anything_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 10**8 + 2999))
    archive = write(tmp_path, zip_of(**{"s/a": os.urandom(3000)}))
    with pytest.raises(InputError, match=r"unpacking a\.zip: needs"):
        unpack(archive, tmp_path / "s", "s")
    assert tree(tmp_path / "s") == {}


@pytest.mark.parametrize("stop_at", range(1, 6))
def test_an_interrupted_run_resumes_and_writes_nothing_twice(tmp_path, monkeypatch, stop_at):
    inner = zip_of(**{"seq-01/a": "1", "seq-01/b": "2"})
    outer = {"s/seq-01.zip": inner, "s/x": "3", "s/seq-02.zip": zip_of(**{"seq-02/a": "4"})}
    archive = write(tmp_path, zip_of(**outer))
    copy, done = shutil.copyfileobj, []

    def stopping(source, sink, size):
        if len(done) == stop_at:
            sink.write(b"half")
            raise KeyboardInterrupt
        copy(source, sink, size)
        done.append(sink.name)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", stopping)
        with pytest.raises(KeyboardInterrupt):
            unpack(archive, tmp_path / "s", "s")
    monkeypatch.setattr(
        shutil,
        "copyfileobj",
        lambda source, sink, size: done.append(sink.name) or copy(source, sink, size),
    )
    unpack(archive, tmp_path / "s", "s")
    assert tree(tmp_path / "s") == {"seq-01/a": b"1", "seq-01/b": b"2", "x": b"3", "seq-02/a": b"4"}
    assert len(done) == len(set(done)) == 6


def test_zips_in_a_zip_do_not_write_over_each_other(tmp_path):
    first = zip_of(**{"seq-01/a": "1"})
    for inner in ({"seq-01/a": "2"}, {"split.txt": "2"}, {"seq-01.zip": "2"}, {"seq-01": "2"}):
        outer = {"s/seq-01.zip": first, "s/split.txt": "1", "s/seq-02.zip": zip_of(**inner)}
        with pytest.raises(InputError, match="would take the place of"):
            unpack(write(tmp_path, zip_of(**outer)), tmp_path / "s", "s")
        assert (tmp_path / "s" / "split.txt").read_text() == "1"
        assert (tmp_path / "s" / "seq-01" / "a").read_text() == "1"
        shutil.rmtree(tmp_path / "s")


def test_many_small_bombs_are_one(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack_module, "TOTAL_BYTES", 10**6)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(11):
            file.writestr(f"s/{number}.txt", b"\0" * 10**5)
    with pytest.raises(InputError, match=r"grows from .* zip bomb"):
        unpack(write(tmp_path, content.getvalue()), tmp_path / "s", "s")
    assert not (tmp_path / "s").exists()


def test_every_flip_of_a_zip_is_unpacked_or_one_line(tmp_path):
    whole = zip_of(**{"s/a.txt": "one", "s/b/c.zip": zip_of(d="two")})
    for place in range(0, len(whole), 7):
        for byte in (b"\xff", b"\x01"):
            archive = write(tmp_path, whole[:place] + byte + whole[place + 1 :])
            try:
                unpack(archive, tmp_path / "s", "s")
            except InputError as error:
                assert "\n" not in str(error)
            shutil.rmtree(tmp_path / "s", ignore_errors=True)
