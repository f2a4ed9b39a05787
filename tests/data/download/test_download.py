"""Downloads against a real server: broken connections, changed files, wrong checksums, mirrors."""

import hashlib
import json
import shutil
from collections import namedtuple

import pytest
from archives import archive_of, zip_of
from server import serving

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.download import transfer
from hinted_posenet.data.download.fetch import download

CONTENT = zip_of(**{"scene/frame": bytes(range(256)) * 2000})  # 512 kB
OTHER = zip_of(**{"scene/frame": b"another version" * 40_000})
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def archive(server):
    server.files["s.zip"] = CONTENT
    return archive_of(CONTENT, server.url("s.zip"))


def stopped(server, archive, folder) -> str:
    """What a run says that ends when its connection breaks."""
    server.cut = [100_000]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "PAUSES_S", ())
        with pytest.raises(InputError, match="not fetched") as error:
            download(archive, folder)
    return str(error.value)


def test_a_file_in_one_piece_and_its_record(server, archive, tmp_path):
    fetched = download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == CONTENT
    assert fetched == ("s.zip", server.url("s.zip"), len(CONTENT), SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["s.zip"]
    assert [request.range for request in server.requests] == [None]


def test_a_broken_connection_is_resumed_without_fetching_a_byte_twice(server, archive, tmp_path):
    server.cut = [100_000, 50_000]
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == CONTENT
    assert [request.range for request in server.requests] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]
    assert {request.if_range for request in server.requests[1:]} == {'"first"'}
    assert server.fetched() == list(range(len(CONTENT)))


def test_an_interrupted_run_is_resumed_by_the_next_without_fetching_a_byte_twice(
    server, archive, tmp_path
):
    assert server.url("s.zip") in stopped(server, archive, tmp_path)
    assert (tmp_path / "s.zip.partial").stat().st_size == 100_000
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == CONTENT
    assert server.fetched() == list(range(len(CONTENT)))


@pytest.mark.parametrize("weak", [False, True])
def test_a_file_that_changed_between_the_halves_starts_anew(server, archive, tmp_path, weak):
    if weak:  # a weak tag promises no equal bytes, the date does
        server.tag = 'W/"first"'
    stopped(server, archive, tmp_path)
    server.files["s.zip"] = OTHER
    server.tag, server.date = '"second"', "Tue, 06 Jan 2015 10:00:00 GMT"
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == OTHER
    assert server.requests[1].if_range == ("Mon, 05 Jan 2015 10:00:00 GMT" if weak else '"first"')
    assert server.requests[1].status == 200


def test_a_range_of_a_file_of_another_length_is_rejected(server, archive, tmp_path):
    stopped(server, archive, tmp_path)
    server.files["s.zip"] = OTHER  # under the same tag
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == OTHER
    assert [request.status for request in server.requests] == [200, 206, 200]


@pytest.mark.parametrize("lacks", ["ranges", "validators"])
def test_what_cannot_be_continued_starts_anew(server, archive, tmp_path, lacks):
    if lacks == "ranges":
        server.ranges = False
    else:
        server.tag = server.date = None
    server.cut = [100_000]
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == CONTENT
    assert [request.status for request in server.requests] == [200, 200]


def test_a_truncated_file_from_a_server_that_states_no_length_is_detected(
    server, archive, tmp_path
):
    server.length = False
    server.cut = [100_000]
    with pytest.raises(InputError, match="100,000 bytes that are no whole zip file"):
        download(archive, tmp_path)
    assert list(tmp_path.iterdir()) == []
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == CONTENT


def test_a_partial_file_without_its_note_starts_anew(server, archive, tmp_path):
    (tmp_path / "s.zip.partial").write_bytes(b"of unknown origin")
    download(archive, tmp_path)
    assert (tmp_path / "s.zip").read_bytes() == CONTENT
    assert [request.range for request in server.requests] == [None]


def test_a_download_that_was_killed_before_its_last_step_asks_nothing(server, archive, tmp_path):
    (tmp_path / "s.zip.partial").write_bytes(CONTENT)
    note = {"url": server.url("s.zip"), "validator": '"first"', "bytes": len(CONTENT)}
    (tmp_path / "s.zip.partial.json").write_text(json.dumps(note))
    download(archive, tmp_path)
    assert server.requests == []


def test_a_busy_server_is_asked_again_and_a_dead_one_not_for_ever(server, archive, tmp_path):
    server.busy = 2
    download(archive, tmp_path)
    assert [request.status for request in server.requests] == [503, 503, 200]
    (tmp_path / "s.zip").unlink()
    server.busy = 9
    with pytest.raises(InputError, match="503"):
        download(archive, tmp_path)
    assert len(server.requests) == 3 + 3


def test_tries_that_bring_bytes_are_not_counted(server, archive, tmp_path):
    server.cut = [50_000] * 8
    download(archive, tmp_path)
    assert server.fetched() == list(range(len(CONTENT)))


def test_a_server_that_always_breaks_at_the_same_place_ends(server, archive, tmp_path):
    server.ranges = False
    server.cut = [100_000] * 20
    with pytest.raises(InputError, match="not fetched"):
        download(archive, tmp_path)
    assert len(server.requests) == 1 + len(transfer.PAUSES_S)


def test_nobody_there_is_one_line(tmp_path):
    with serving() as gone:
        archive = archive_of(CONTENT, gone.url("s.zip"))
    with pytest.raises(InputError, match=r"s\.zip: not fetched .*refused") as error:
        download(archive, tmp_path)
    assert "\n" not in str(error.value)


def test_a_missing_file_sends_to_the_mirror(server, tmp_path):
    server.files["mirror/s.zip"] = CONTENT
    archive = archive_of(CONTENT, server.url("s.zip"), server.url("mirror/s.zip"))
    fetched = download(archive, tmp_path)
    assert fetched.url == server.url("mirror/s.zip")
    assert [request.status for request in server.requests] == [404, 200]


def test_a_web_page_in_place_of_the_file_sends_to_the_mirror(server, archive, tmp_path):
    server.kinds["s.zip"] = "text/html; charset=utf-8"
    server.files["mirror/s.zip"] = CONTENT
    both = archive._replace(urls=(*archive.urls, server.url("mirror/s.zip")))
    assert download(both, tmp_path).url == server.url("mirror/s.zip")
    (tmp_path / "s.zip").unlink()
    with pytest.raises(InputError, match="answers with a web page"):
        download(archive, tmp_path)


def test_the_next_run_begins_with_the_mirror_that_it_has_a_half_of(server, tmp_path):
    server.files["mirror/s.zip"] = CONTENT
    archive = archive_of(CONTENT, server.url("s.zip"), server.url("mirror/s.zip"))
    stopped(server, archive, tmp_path)
    download(archive, tmp_path)
    paths = [request.path for request in server.requests]
    assert paths == ["s.zip", "mirror/s.zip", "mirror/s.zip"]
    assert server.fetched() == list(range(len(CONTENT)))


def test_a_wrong_checksum_is_removed_and_the_mirror_tried(server, tmp_path):
    spoilt = CONTENT[:1000] + b"?" + CONTENT[1001:]
    server.files |= {"s.zip": spoilt, "mirror/s.zip": CONTENT}
    urls = server.url("s.zip"), server.url("mirror/s.zip")
    assert download(archive_of(CONTENT, *urls, known=True), tmp_path).url == urls[1]
    (tmp_path / "s.zip").unlink()
    server.files["mirror/s.zip"] = spoilt
    with pytest.raises(InputError) as error:
        download(archive_of(CONTENT, *urls, known=True), tmp_path)
    found = hashlib.sha256(spoilt).hexdigest()
    assert str(error.value).count(f"has the sha256 {found}, expected {SHA256}") == 2
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_length_is_refused_before_it_is_fetched(server, tmp_path):
    server.files["s.zip"] = CONTENT + b"more"
    archive = archive_of(CONTENT, server.url("s.zip"), known=True)
    with pytest.raises(InputError, match=f"has {len(CONTENT) + 4:,} bytes, expected"):
        download(archive, tmp_path)
    assert not (tmp_path / "s.zip.partial").exists()


def test_an_address_given_by_the_user_stands_for_those_of_the_card(server, archive, tmp_path):
    server.files["else/where/s.zip"] = CONTENT
    fetched = download(archive, tmp_path, server.url("else/where/"))
    assert fetched.url == server.url("else/where/s.zip")
    assert len(server.requests) == 1


def test_a_full_disk_is_reported_before_anything_is_fetched(server, archive, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    free = 2 * len(CONTENT) + 10**8 - 1  # room for it, for what is unpacked of it, and a reserve
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, free))
    with pytest.raises(InputError, match=r"s\.zip: needs 1\.0 MB in .* 0\.1 GB are free"):
        download(archive, tmp_path)
    assert not (tmp_path / "s.zip").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, free + 1))
    download(archive, tmp_path)


def test_an_archive_got_by_hand_is_taken_or_named(server, tmp_path):
    archive = archive_of(CONTENT, server.url("s.zip"), known=True)
    (tmp_path / "s.zip").write_bytes(CONTENT)
    assert download(archive, tmp_path) == ("s.zip", None, len(CONTENT), SHA256)
    (tmp_path / "s.zip").write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match=r"s\.zip: has 512,.* bytes, expected .*; remove it"):
        download(archive, tmp_path)
    assert server.requests == []
