import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.read_scene import read_exclude, write_exclude

FRAMES = {
    "seq2/frame00036.png": "15.1 m off the frames beside it",
    "a/my image 3.png": "a reason # with a sharp",
    "b#1.png": "",
}


def test_what_is_written_is_read(tmp_path):
    write_exclude(tmp_path / "exclude.txt", FRAMES)
    assert read_exclude(tmp_path / "exclude.txt") == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == ["exclude.txt"]


def test_hand_written_lines_are_read(tmp_path):
    path = tmp_path / "exclude.txt"
    path.write_bytes(b"# mine\r\n\r\n  a b.png  #  blurred \r\nc.png\r\n#d.png # not this one\r\n")
    assert read_exclude(path) == {"a b.png": "blurred", "c.png": ""}


def test_a_reason_of_several_lines_stays_on_one(tmp_path):
    write_exclude(tmp_path / "exclude.txt", {"a.png": "first\nsecond"})
    assert read_exclude(tmp_path / "exclude.txt") == {"a.png": "first second"}


def test_no_file_excludes_nothing(tmp_path):
    assert read_exclude(tmp_path / "exclude.txt") == {}


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "exclude.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"exclude\.txt line 1: not UTF-16 text"):
        read_exclude(path)


@pytest.mark.parametrize("name", ["#a.png", "a # b.png", "a\nb.png", " a.png"])
def test_a_name_that_would_not_come_back_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be listed"):
        write_exclude(tmp_path / "exclude.txt", {name: "why"})
    assert not (tmp_path / "exclude.txt").exists()
