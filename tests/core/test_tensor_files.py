"""Files of tensors: what is written comes back, and nothing else gets in."""

import io
import os
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors, write_tensors

CONTENT = {"a": torch.arange(6.0).reshape(2, 3), "b": [1, "x", None], "c": {"d": torch.ones(2)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tensors(tmp_path / "a.pt", CONTENT)
    return tmp_path / "a.pt"


def repacked(path: Path, compression: int) -> None:
    """Write the same members anew, compressed."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)


class Code:
    def __reduce__(self):
        return os.mkdir, ("evil",)


class InterruptedFile(io.FileIO):
    """A file that is written when Ctrl-C comes, at its third part."""

    parts = 0

    def write(self, data):
        self.parts += 1
        if self.parts == 3:
            raise KeyboardInterrupt
        return super().write(data)


def test_ctrl_c_amid_writing_stays_one(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", lambda self, mode: InterruptedFile(self, mode))
    with pytest.raises(KeyboardInterrupt):
        write_tensors(tmp_path / "a.pt", CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_comes_back(path):
    found = read_tensors(path, "fix it")
    assert torch.equal(found["a"], CONTENT["a"])
    assert found["b"] == CONTENT["b"]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_bytes(b""), "no file of torch.save"),
        (lambda path: path.write_bytes(b"# text"), "no file of torch.save"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "damaged or cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "damaged or cut off"),
        (lambda path: repacked(path, zipfile.ZIP_DEFLATED), "compressed"),
        (lambda path: torch.save(Code(), path), "more than tensors and plain values"),
        (lambda path: torch.save(print, path), "more than tensors and plain values"),
        (lambda path: torch.save([torch.zeros(1).expand(10**6, 10**6)], path), "repeats"),
        (lambda path: torch.save({"a": torch.zeros(4, device="meta")}, path), "empty shells"),
        (lambda path: torch.save([torch.eye(3).to_sparse()], path), "sparse"),
        (lambda path: torch.save([torch.zeros(10_000)[:]] * 500, path), "share"),
        (lambda path: torch.save(torch.zeros(1).expand(10**9), path), "repeats"),
    ],
)
def test_what_is_no_such_file_is_one_line(path, spoil, why, tmp_path):
    spoil(path)
    with pytest.raises(InputError, match=why) as error:
        read_tensors(path, "fix it")
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert "weights_only" not in str(error.value)


def test_a_long_list_of_names_is_refused_before_it_is_read(path):
    with pytest.raises(InputError, match="names and values"):
        read_tensors(path, "fix it", pickle_bytes=100)


def test_a_folder_a_pipe_and_nothing_are_one_line(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("", "folder"), ("pipe", "pipe"), ("nothing", "missing")):
        with pytest.raises(InputError, match=f"{why}.*fix it"):
            read_tensors(tmp_path / name, "fix it")


def test_every_cut_and_flip_is_read_or_one_line(path):
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        for changed in (whole[:place], whole[:place] + b"\xff" + whole[place + 1 :]):
            path.write_bytes(changed)
            try:
                read_tensors(path, "fix it")
            except InputError as error:
                assert "\n" not in str(error)


def test_tensors_of_a_state_are_found(tmp_path):
    torch.save(OrderedDict(a=torch.ones(2), b=(torch.zeros(1).expand(100),)), tmp_path / "a")
    with pytest.raises(InputError, match="repeats"):
        read_tensors(tmp_path / "a", "fix it")
