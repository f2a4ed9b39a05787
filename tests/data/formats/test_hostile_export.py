"""An export writes inside of its own folder alone, and never into a source, whatever images are called."""

import os
from pathlib import Path

import fakes
import pytest
from test_export import FORMATS, files

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import DepthImage, View
from hinted_posenet.data.formats import csv_frames
from hinted_posenet.data.formats.csv_frames import CsvFormat
from hinted_posenet.data.formats.export import write_views


def source(folder: Path) -> list[View]:
    fakes.write_csv(folder / "source", frames=1)
    return csv_frames.read_views(folder / "source", "garden", "all")


def write(folder: Path, name: str, views: list[View], link: bool = True) -> None:
    split = {"train": views[:2], "val": [], "test": views[2:]}
    write_views(split, "garden", FORMATS[name], folder / "out", link=link)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", ["../up.png", "/root.png", "a/../../../up.png"])
def test_a_name_that_leads_out(tmp_path: Path, format_name: str, name: str) -> None:
    first, *others = source(tmp_path)
    before = files(tmp_path)
    if format_name in ("seven_scenes", "cambridge", "ace"):  # which name images by themselves
        write(tmp_path, format_name, [first._replace(name=name), *others])
        assert [path for path in files(tmp_path) if not path.startswith("out")] == before
        return
    with pytest.raises(InputError, match="leads out of the folder; rename it"):
        write(tmp_path, format_name, [first._replace(name=name), *others])
    assert files(tmp_path) == before


def test_two_names_of_one_file(tmp_path: Path) -> None:
    first, second, *others = source(tmp_path)
    twin = second._replace(name="a//0.png")
    content = [first.image.read_bytes(), second.image.read_bytes()]
    with pytest.raises(InputError, match=r"a//0\.png would be written as images/a/0\.png"):
        write(tmp_path, "colmap", [first, twin, *others])
    assert [first.image.read_bytes(), second.image.read_bytes()] == content


@pytest.mark.parametrize("link", [True, False])
def test_depth_images_of_one_name(tmp_path: Path, link: bool) -> None:
    first, second, *others = source(tmp_path)
    views = [
        view._replace(depth=DepthImage(view.image, 0.001), name=name)
        for view, name in ((first, "a/0.png"), (second, "a/0.jpg"))
    ]
    with pytest.raises(InputError, match=r"a/0\.jpg would be written as depth/a/0\.png"):
        write(tmp_path, "transforms", [*views, *others], link)


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    first, *others = source(tmp_path)
    name = os.fsdecode(b"caf\xe9.png")
    with pytest.raises(InputError, match=r"'caf\\udce9\.png' is no Unicode; rename it"):
        write(tmp_path, "csv", [first._replace(name=name), *others])


def test_names_come_back_as_they_are(tmp_path: Path) -> None:
    first, *others = source(tmp_path)
    names = [' a "quoted", name.png', "é/ü #1.png", "=1+1.png", "'.png"]
    views = [v._replace(name=n) for v, n in zip([first, *others], names, strict=True)]
    write_views({"train": views, "val": [], "test": []}, "garden", CsvFormat(), tmp_path / "out")
    found = csv_frames.read_views(tmp_path, "out", "train")
    assert [view.name for view in found] == names
    assert all(view.image.is_file() for view in found)
