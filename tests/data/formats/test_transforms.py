"""transforms.json as the field writes it: each variant of a scene reads as the scene does."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import fakes
import numpy as np
import pytest
import torch
from layouts import assert_says

from hinted_posenet.core.types import View
from hinted_posenet.data.formats import transforms
from hinted_posenet.data.formats.recognise import recognise
from hinted_posenet.data.read_scene import read_usable

Frames = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fakes.write_transforms(tmp_path, frames=2)


def read(folder: Path, split: str = "all") -> list[View]:
    return transforms.read_views(folder.parent, folder.name, split)


def write(folder: Path, edit: Frames, **keys: object) -> None:
    """Edit every frame, and set keys of the file, of which None leaves one out."""
    path = folder / "transforms.json"
    content = {**json.loads(path.read_text()), **keys}
    for frame in content["frames"]:
        edit(frame)
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def nothing(_: dict[str, Any]) -> None: ...


def assert_same(found: list[View], wanted: list[View]) -> None:
    """Names, files, cameras and poses."""
    assert [view.name for view in found] == [view.name for view in wanted]
    for a, b in zip(found, wanted, strict=True):
        assert a.image.samefile(b.image)
        assert (a.size, a.sequence) == (b.size, b.sequence)
        assert torch.allclose(a.K, b.K, atol=1e-9, rtol=0)
        assert torch.allclose(a.T_world_cam.t, b.T_world_cam.t, atol=1e-12, rtol=0)
        assert torch.allclose(a.T_world_cam.q, b.T_world_cam.q, atol=1e-12, rtol=0)


def rename(function: Callable[[str], str]) -> Frames:
    return lambda frame: frame.update(file_path=function(frame["file_path"]))


@pytest.mark.parametrize(
    "edit",
    [
        rename(lambda name: f"./{name}"),
        rename(lambda name: name.replace("/", "\\")),
        rename(lambda name: f"../fox/{name}".replace("/fox", "/fox/../fox")),
        rename(lambda name: name.removesuffix(".png")),
        lambda frame: frame.update(transform_matrix=frame["transform_matrix"][:3]),
    ],
)
def test_other_ways_to_write_frames(folder: Path, edit: Frames) -> None:
    wanted = read(folder)
    write(folder, edit)
    found = read(folder)
    if found[0].name.startswith("fox/"):
        found = [v._replace(name=v.name[4:], sequence=v.sequence[4:]) for v in found]
    assert_same(found, wanted)


def test_an_image_outside_of_the_folder_has_a_name_within(folder: Path) -> None:
    wanted = read(folder)
    inner = folder / "colmap"
    inner.mkdir()
    (folder / "transforms.json").rename(inner / "transforms.json")
    write(inner, rename(lambda name: f"../{name}"))
    assert_same(read(inner), wanted)
    write(inner, rename(lambda name: str((inner / name).resolve())))
    assert read(inner)[0].image.samefile(wanted[0].image)
    assert not read(inner)[0].name.startswith("/")


def test_an_ending_that_is_not_known(folder: Path) -> None:
    write(folder, rename(lambda name: name.removesuffix(".png")))
    shutil.copy(folder / "a/0.png", folder / "a/0.jpg")
    assert_says(lambda: read(folder), "frames[0]", ".jpg or .png", "write the ending")


def test_a_file_for_each_split_and_an_angle_for_the_camera(folder: Path) -> None:
    """As NeRF's synthetic scenes have it."""
    wanted = {split: read(folder, split) for split in ("train", "val", "test")}
    path = folder / "transforms.json"
    frames = {frame["file_path"]: frame for frame in json.loads(path.read_text())["frames"]}
    path.unlink()
    for split, views in wanted.items():
        listed = []
        for view in views:
            frame = dict(frames[view.name], file_path="./" + view.name.removesuffix(".png"))
            frame["camera_angle_x"] = 2 * np.arctan(fakes.WIDTH / 2 / float(view.K[0, 0]))
            listed.append({key: v for key, v in frame.items() if not key.startswith("fl_")})
        (folder / f"transforms_{split}.json").write_text(json.dumps({"frames": listed}))
    found = recognise(folder)
    assert (found.layout, found.splits) == ("transforms", ("train", "val", "test"))
    for split, views in wanted.items():
        assert_same(read(folder, split), views)
    assert len(read(folder)) == 8
    (folder / "transforms_val.json").unlink()
    assert read(folder, "val") == []
    (folder / "transforms_test.json").unlink()
    assert_says(lambda: read(folder, "test"), "test_filenames is missing")


def test_one_image_in_the_files_of_two_splits(folder: Path) -> None:
    path = folder / "transforms.json"
    content = json.loads(path.read_text())
    path.unlink()
    (folder / "transforms_train.json").write_text(json.dumps(content))
    content["frames"] = content["frames"][:1]
    content["frames"][0]["transform_matrix"][0][3] += 1
    (folder / "transforms_test.json").write_text(json.dumps(content))
    assert_says(lambda: read(folder), "transforms_test.json frames[0]", "there twice")
    read_views = transforms.read_views
    assert_says(
        lambda: read_usable(read_views, folder.parent, "fox", ("train", "test")),
        "a/0.png has another pose as a/0.png in",
        "transforms_train.json frames[0]",
    )


@pytest.mark.parametrize("angle", [0, -1, 3.2, "wide", None])
def test_an_angle_that_is_none(folder: Path, angle: object) -> None:
    write(folder, lambda frame: frame.update(camera_angle_x=angle), fl_x=None)
    write(folder, lambda frame: frame.pop("fl_x", None))
    assert_says(lambda: read(folder), "camera_angle_x")


def test_an_angle_needs_the_size_of_the_image(folder: Path) -> None:
    write(folder, lambda frame: frame.pop("fl_x", None), fl_x=None, camera_angle_x=1.0)
    write(folder, nothing, w=None, h=None)
    for image in (folder / "a").iterdir():
        image.write_bytes(b"")
    assert_says(lambda: read(folder), "camera_angle_x needs the size", "add w and h")


@pytest.mark.parametrize("scale", [0.5, 1.02, 300.0])
def test_scaled_axes_are_said(folder: Path, scale: float, caplog: pytest.LogCaptureFixture) -> None:
    wanted = read(folder)

    def scaled(frame: dict[str, Any]) -> None:
        for row in frame["transform_matrix"][:3]:
            row[:3] = [scale * number for number in row[:3]]

    write(folder, scaled)
    with caplog.at_level(logging.WARNING):
        found = read(folder)
    assert_same(found, wanted)
    assert f"the axes of 8 cameras (all) are {scale:.3g} to {scale:.3g} long" in caplog.text
    assert all(view.rotation_error < 1e-9 for view in found)


def test_images_of_another_size(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted = read(folder)
    for view in wanted:
        cv2.imwrite(str(view.image), cv2.resize(cv2.imread(str(view.image)), (32, 24)))
    with caplog.at_level(logging.WARNING):
        found = read(folder)
    assert "8 images are 32x24 and their cameras for 64x48; K is scaled" in caplog.text
    for a, b in zip(found, wanted, strict=True):
        assert a.size == (32, 24)
        assert torch.equal(a.K[:2], b.K[:2] / 2)
    for view in wanted:
        cv2.imwrite(str(view.image), np.zeros((48, 48, 3), np.uint8))
    assert {view.size for view in read(folder)} == {(64, 48)}  # whoever decodes them compares
