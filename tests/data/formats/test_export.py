"""What an export does with data sets, folders and mistakes."""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import fakes
import numpy as np
import pytest
import torch
from dots import dot_by_pose, dot_in_image
from layouts import READERS
from PIL import Image
from torch.utils.data import default_collate

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import View
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.formats import aerial, csv_frames, seven_scenes, transforms
from hinted_posenet.data.formats.ace import AceFormat
from hinted_posenet.data.formats.cambridge import CambridgeFormat
from hinted_posenet.data.formats.colmap import ColmapFormat
from hinted_posenet.data.formats.csv_frames import CsvFormat
from hinted_posenet.data.formats.export import export, write_views
from hinted_posenet.data.formats.layout import Format
from hinted_posenet.data.formats.seven_scenes import SevenScenesFormat
from hinted_posenet.data.formats.transforms import TransformsFormat
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.read_scene import write_exclude

FORMATS = {
    "seven_scenes": SevenScenesFormat(),
    "cambridge": CambridgeFormat(),
    "colmap": ColmapFormat(binary=True),
    "transforms": TransformsFormat(),
    "csv": CsvFormat(),
    "ace": AceFormat(),
}


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def exporter(folder: Path, dataset: str, frames: int = 4) -> Callable[..., str]:
    """Writes a fake data set to folder/source; (format, ...) -> summary of its export to folder/out."""
    write, read, scene = READERS[dataset]
    write(folder / "source", frames=frames)

    def run(layout: Format, out: Path = folder / "out", **options: Any) -> str:
        return export(read, folder / "source", scene, layout, out, **options)

    return run


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("dataset", READERS)
def test_every_data_set_in_every_format(tmp_path: Path, dataset: str, name: str) -> None:
    summary = exporter(tmp_path, dataset, frames=2)(FORMATS[name])
    _, read, scene = READERS[dataset]
    assert f"data={name} data.root={tmp_path} data.scene=out" in summary
    _, read_back, _ = READERS[name]
    with (tmp_path / "out" / "names.csv").open() as file:
        sources = {row["name"]: row["source"] for row in csv.DictReader(file)}
    truth = {
        view.name: view
        for split in ("train", "val", "test")
        for view in read(tmp_path / "source", scene, split)
    }
    counts = {}
    for split in ("train", "val", "test"):
        before = read(tmp_path / "source", scene, split)
        after = read_back(tmp_path, "out", split)
        counts[split] = (len(before), len(after))
        if not after:
            continue
        for view in after:
            t, q = truth[sources[view.name]].T_world_cam
            assert float((view.T_world_cam.t - t).norm()) < 1e-12
            assert float(rotation_angle(view.T_world_cam.q, q)) < 1e-12
        images = PosedImages(after, fakes.HEIGHT, fakes.WIDTH)
        sample = default_collate([images[i] for i in range(len(images))])
        assert (dot_by_pose(sample) - dot_in_image(sample.query.image)).abs().max() < 0.1
    val = counts["val"][0]
    joined = 0 if FORMATS[name].keeps_validation else val
    assert counts["train"][1] == counts["train"][0] + joined
    assert counts["val"][1] == val - joined
    assert counts["test"][1] == counts["test"][0] == 2
    assert ("validation is part of training there, as seq" in summary) == bool(joined)


def test_validation_is_held_out_again_by_name(tmp_path: Path) -> None:
    summary = exporter(tmp_path, "aerial")(SevenScenesFormat())
    assert summary.endswith("data.validation=[seq-03]")
    assert (tmp_path / "out" / "TrainSplit.txt").read_text() == "sequence1\nsequence2\nsequence3\n"
    assert (tmp_path / "out" / "TestSplit.txt").read_text() == "sequence4\n"
    sequences = [view.sequence for view in seven_scenes.read_views(tmp_path, "out", "train")]
    assert sequences.count("seq-03") == len(
        aerial.read_views(tmp_path / "source", "prairie", "val")
    )


def test_names_tell_source_split_time_and_tags(tmp_path: Path) -> None:
    exporter(tmp_path, "aerial", frames=2)(CambridgeFormat())
    with (tmp_path / "out" / "names.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1] == {
        "name": "seq4/frame00002.png",
        "source": "f3/000001.jpg",
        "split": "test",
        "sequence": "f3",
        "time_s": "1.0",
        "date": "2018-01-15",
        "season": "winter",
        "solar_hour": "12.5",
    }


def test_images_are_the_same_files_where_they_can_be(tmp_path: Path) -> None:
    run = exporter(tmp_path, "seven_scenes", frames=1)
    source = tmp_path / "source" / "redkitchen" / "seq-01" / "frame-000007.color.png"
    real = source.rename(tmp_path / "real.png")
    source.symlink_to(real)  # a link to a link would dangle once one of them is moved
    for name, image in {
        "seven_scenes": "seq-01/frame-000000.color.png",
        "cambridge": "seq1/frame00001.png",
        "colmap": "images/seq-01/frame-000007.color.png",
    }.items():
        assert "4 images hard-linked" in run(FORMATS[name], tmp_path / name)
        assert (tmp_path / name / image).samefile(real)
        assert not (tmp_path / name / image).is_symlink()


def test_labels_stay_those_of_the_stored_pixels(tmp_path: Path) -> None:
    """Of images with an EXIF orientation, whether they are linked, encoded anew or resampled."""
    run = exporter(tmp_path, "seven_scenes", frames=1)
    pixels = {}
    for path in (tmp_path / "source").rglob("*.color.png"):
        exif = Image.Exif()
        exif[0x0112] = 6
        with Image.open(path) as image:
            image.save(path, exif=exif)
            pixels[path.parent.name] = np.asarray(image)
    for name in ("seven_scenes", "transforms"):
        said = run(FORMATS[name], tmp_path / name)
        assert "4 images hard-linked, whose labels are of the pixels before their EXIF" in said
    view = transforms.read_views(tmp_path, "transforms", "train")[0]
    np.testing.assert_array_equal(decoded(view.image), pixels[view.sequence.rpartition("/")[2]])


def test_across_file_systems_images_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    assert "4 images copied" in exporter(tmp_path, "aerial", frames=1)(TransformsFormat())
    copied = tmp_path / "out" / "images" / "f0" / "000000.jpg"
    source = tmp_path / "source" / "prairie" / "images" / "f0" / "000000.jpg"
    assert copied.read_bytes() == source.read_bytes()


def test_replaces_only_an_export_and_only_when_told(tmp_path: Path) -> None:
    run = exporter(tmp_path, "aerial", frames=1)
    out = tmp_path / "out"
    run(CambridgeFormat())
    before = files(out)
    with pytest.raises(InputError, match=r"exists already; .*overwrite=true"):
        run(SevenScenesFormat())
    assert files(out) == before
    run(SevenScenesFormat(), overwrite=True)
    assert "TrainSplit.txt" in files(out) and "dataset_train.txt" not in files(out)
    with pytest.raises(InputError, match="is not an export"):
        run(SevenScenesFormat(), tmp_path / "source", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


@pytest.mark.parametrize("error", ["broken image", "interrupt", "full disk"])
def test_a_failure_leaves_the_old_export_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    run = exporter(tmp_path, "aerial", frames=1)
    run(CambridgeFormat())
    before = files(tmp_path)
    expected: type[BaseException] = InputError
    if error == "broken image":
        image = tmp_path / "source" / "prairie" / "images" / "f3" / "000000.jpg"
        image.write_bytes(image.read_bytes()[:-200])
    elif error == "interrupt":
        expected = KeyboardInterrupt
        monkeypatch.setattr(CambridgeFormat, "write_labels", fail_with(KeyboardInterrupt()))
    else:
        full = fail_with(OSError(28, "No space left on device"))
        monkeypatch.setattr(CambridgeFormat, "write_labels", full)
    with pytest.raises(
        expected, match={"full disk": "No space left", "broken image": "cut off"}.get(error)
    ):
        run(CambridgeFormat(), overwrite=True)
    assert files(tmp_path) == before


def fail_with(error: BaseException):
    def fail(*arguments: object) -> None:
        raise error

    return fail


def test_a_killed_export_is_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / ".out.partial" / "seq9").mkdir(parents=True)
    exporter(tmp_path, "aerial", frames=1)(CambridgeFormat())
    assert "seq9" not in files(tmp_path / "out")
    assert not (tmp_path / ".out.partial").exists()


def test_what_a_format_cannot_hold_is_said_beforehand(tmp_path: Path) -> None:
    run = exporter(tmp_path, "colmap", frames=1)
    folder = tmp_path / "source" / "tower"
    with pytest.raises(InputError, match=r"my image 0\.png: .* format=colmap_binary"):
        run(ColmapFormat(binary=False))
    fakes.draw(folder / "images" / "d" / "my image 0.png", fakes.camera(3, 0), 60.5, 32, 24)
    cameras = folder / "sparse" / "0" / "cameras.txt"
    cameras.write_text(cameras.read_text() + "5 SIMPLE_PINHOLE 32 24 60.5 16 12\n")
    images = folder / "sparse" / "0" / "images.txt"
    images.write_text(images.read_text().replace(" 9 d/", " 5 d/"))
    with pytest.raises(InputError, match="images of one size, these are 32x24 and 64x48"):
        run(SevenScenesFormat())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_cameras_that_differ_get_one_in_seven_scenes_that_sees_no_more(tmp_path: Path) -> None:
    assert "resampled" in exporter(tmp_path, "colmap")(SevenScenesFormat())
    K = seven_scenes.read_views(tmp_path, "out", "train")[0].K
    _, read, scene = READERS["colmap"]
    longest = max(float(view.K[0, 0]) for view in read(tmp_path / "source", scene, "train"))
    assert torch.equal(K, torch.tensor([[longest, 0, 32], [0, longest, 24], [0, 0, 1]]).double())


def write_aerial_with_depth(
    folder: Path, unit_m: float, distortion: tuple[float, ...] = ()
) -> dict[str, list[View]]:
    """The left of each image is bright; depth is 2000 steps there, 1000 elsewhere."""
    scene = fakes.write_aerial(folder, frames=1)
    manifest = json.loads((scene / "manifest.json").read_text())
    manifest["camera"]["distortion"] = distortion
    manifest["depth"] = {"folder": "depth", "unit_m": unit_m}
    (scene / "manifest.json").write_text(json.dumps(manifest))
    for image in (scene / "images").rglob("*.jpg"):
        pixels = np.zeros((fakes.HEIGHT, fakes.WIDTH), np.uint8)
        pixels[:, :12] = 255
        cv2.imwrite(str(image), pixels)
        depth = scene / "depth" / image.parent.name / f"{image.stem}.png"
        depth.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(
            str(depth), np.where(decoded(image)[..., 0] > 100, 2000, 1000).astype(np.uint16)
        )
    return {
        split: aerial.read_views(folder, "prairie", split) for split in ("train", "val", "test")
    }


def test_depth_goes_where_its_unit_can(tmp_path: Path) -> None:
    for unit_m, left_out in [
        (0.001, "ace cambridge colmap csv"),
        (0.02, "ace cambridge colmap csv seven_scenes"),
    ]:
        views = write_aerial_with_depth(tmp_path / f"{unit_m}", unit_m)
        for name, layout in FORMATS.items():
            out = tmp_path / f"{unit_m}-{name}"
            summary = "\n".join(write_views(views, "x", layout, out).lines)
            assert ("4 depth images left out" in summary) == (name in left_out), summary
            assert ("4 depth images hard-linked" in summary) == (name not in left_out)
    first = write_aerial_with_depth(tmp_path / "again", 0.001)["train"][0].depth
    assert first is not None
    frame = json.loads((tmp_path / "0.02-transforms" / "transforms.json").read_text())["frames"][0]
    assert frame["depth_file_path"] == "depth/f0/000000.png"
    linked = tmp_path / "0.02-transforms" / "depth" / "f0" / "000000.png"
    assert linked.read_bytes() == first.image.read_bytes()
    read = seven_scenes.read_views(tmp_path, "0.001-seven_scenes", "train")[0].depth
    assert read is not None and read.unit_m == 0.001
    assert read.image.name == "frame-000000.depth.png"
    assert read.image.read_bytes() == first.image.read_bytes()


def test_depth_is_resampled_with_the_image_and_never_mixed(tmp_path: Path) -> None:
    views = write_aerial_with_depth(tmp_path / "source", 0.001, (-0.4, 0.1, 0.02, 0.01, 0.0))
    write_views(views, "x", SevenScenesFormat(), tmp_path / "out")
    for source, view in zip(
        views["test"], seven_scenes.read_views(tmp_path, "out", "test"), strict=True
    ):
        assert view.depth is not None and source.depth is not None
        depth = cv2.imread(str(view.depth.image), cv2.IMREAD_UNCHANGED)
        assert depth.dtype == np.uint16
        assert set(np.unique(depth)) <= {0, 1000, 2000}
        before = cv2.imread(str(source.depth.image), cv2.IMREAD_UNCHANGED)
        bright = decoded(view.image)[..., 0] > 100
        seen = depth > 0  # not the corners that the lens saw nothing of
        assert ((depth == 2000) != bright)[seen].sum() <= 24  # half a pixel along the edge
        assert ((before == 2000) != bright)[seen].sum() > 80


def test_missing_depth_is_named(tmp_path: Path) -> None:
    views = write_aerial_with_depth(tmp_path / "source", 0.001)
    (tmp_path / "source" / "prairie" / "depth" / "f3" / "000000.png").unlink()
    with pytest.raises(InputError, match=r"f3.000000\.png: missing"):
        write_views(views, "x", TransformsFormat(), tmp_path / "out")


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_image_is_named_before_anything_is_written(tmp_path: Path, name: str) -> None:
    run = exporter(tmp_path, "csv")
    (tmp_path / "source" / "garden" / "images" / "d" / "2.png").unlink()
    with pytest.raises(InputError, match=r"line 16: missing image .*d.2\.png; fetch or write"):
        run(FORMATS[name])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    assert "1 frames left out" in run(FORMATS[name], skip_faulty=True)


def test_frames_of_the_exclude_list_are_not_exported(tmp_path: Path) -> None:
    run = exporter(tmp_path, "csv")
    listed = tmp_path / "source" / "garden" / "exclude.txt"
    write_exclude(listed, {"a/1.png": "", "d/0.png": "a bus"})
    summary = run(TransformsFormat(), exclude=["b/0.png"])
    assert "13 images: 6 train, 4 val, 3 test" in summary and "3 frames left out" in summary
    names = {view.name for view in READERS["transforms"][1](tmp_path, "out", "all")}
    assert not names & {"images/a/1.png", "images/d/0.png", "images/b/0.png"}


def test_csv_keeps_times_sequences_and_tags(tmp_path: Path) -> None:
    exporter(tmp_path, "aerial")(CsvFormat())
    for split in ("train", "val", "test"):
        before = aerial.read_views(tmp_path / "source", "prairie", split)
        after = csv_frames.read_views(tmp_path, "out", split)
        for a, b in zip(before, after, strict=True):
            assert (a.name, a.sequence, a.time_s, a.tags) == (b.name, b.sequence, b.time_s, b.tags)
            assert torch.equal(a.K, b.K) and torch.equal(a.T_world_cam.t, b.T_world_cam.t)


@pytest.mark.realdata
@pytest.mark.parametrize("name", FORMATS)
def test_real_scene(real_data: Path, tmp_path: Path, name: str) -> None:
    read = partial(seven_scenes.read_views, real_data / "seven_scenes", "redkitchen")
    views = {"train": read("train")[::20], "val": [], "test": read("test")[::20]}
    write_views(views, "x", FORMATS[name], tmp_path / "out")
    _, read_back, _ = READERS[name]
    for split in ("train", "test"):
        for before, after in zip(views[split], read_back(tmp_path, "out", split), strict=True):
            assert (before.T_world_cam.t - after.T_world_cam.t).norm() < 1e-12
            assert rotation_angle(before.T_world_cam.q, after.T_world_cam.q) < 1e-12
            assert torch.equal(before.K, after.K)
            assert np.array_equal(decoded(before.image), decoded(after.image))
