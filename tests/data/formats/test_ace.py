"""ACE's layout: what pairs, what a calibration may be, and what an export writes."""

import re
from pathlib import Path

import captures
import fakes
import pytest
from hostile import one_line

from hinted_posenet.core.types import Fault
from hinted_posenet.data.formats import ace
from hinted_posenet.data.formats.ace import AceFormat
from hinted_posenet.data.formats.export import write_views

STEM = "seq-01-frame-000001"


def test_a_focal_length_alone_is_of_a_centered_pinhole(tmp_path: Path) -> None:
    folder = captures.write_ace(tmp_path)
    views = {view.name: view for view in ace.read_views(tmp_path, "pantry", "train")}
    alone = views[f"train/rgb/{STEM}.color.png"]
    assert alone.K.flatten().tolist() == [52.5, 0, 32, 0, 52.5, 24, 0, 0, 1]
    assert alone.sequence == "seq-01"
    matrix = views["train/rgb/seq-02-frame-000001.color.png"]
    assert matrix.K.flatten().tolist() == [60.5, 0, 32, 0, 60.5, 24, 0, 0, 1]
    path = folder / f"train/calibration/{STEM}.calibration.txt"
    for text, words in {
        "0": "not positive",
        "nan": "finite",
        "52 53": "3x3 matrix, found 2",
        "60 0 0\n0 60 0\n32 24 1": "expected rows",  # transposed
    }.items():
        path.write_text(text)
        line = one_line(lambda: ace.read_views(tmp_path, "pantry", "train"))
        assert str(path) in line and words in line


def test_a_missing_file_shifts_no_other(tmp_path: Path) -> None:
    folder = captures.write_ace(tmp_path)
    before = {view.name: view for view in ace.read_views(tmp_path, "pantry", "train")}
    gone = folder / f"train/poses/{STEM}.pose.txt"
    gone.unlink()
    line = one_line(lambda: ace.read_views(tmp_path, "pantry", "train"))
    assert f"{gone.parent}: missing" in line and STEM in line
    faults: list[Fault] = []
    after = ace.read_views(tmp_path, "pantry", "train", faults=faults)
    assert [fault.name for fault in faults] == [f"train/rgb/{STEM}.color.png"]
    assert len(after) == len(before) - 1
    for view in after:
        assert view.T_world_cam.t.tolist() == before[view.name].T_world_cam.t.tolist()


def test_names_of_converted_cambridge_scenes_pair_too(tmp_path: Path) -> None:
    folder = captures.write_ace(tmp_path)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        match = re.match(r"seq-(\d+)-frame-(\d+)", path.name)
        assert match is not None
        path.rename(path.with_name(f"seq{int(match[1])}_frame{match[2][1:]}{path.suffix}"))
    views = ace.read_views(tmp_path, "pantry", "test")
    assert [view.name for view in views] == [f"test/rgb/seq3_frame{i:05d}.png" for i in range(4)]
    assert {view.sequence for view in views} == {"seq3"}
    expected = [fakes.camera(3, i).t.tolist() for i in range(4)]
    for view, t in zip(views, expected, strict=True):
        assert view.T_world_cam.t.tolist() == pytest.approx(t)


def test_two_images_of_one_stem_are_refused(tmp_path: Path) -> None:
    folder = captures.write_ace(tmp_path) / "train" / "rgb"
    (folder / f"{STEM}.color.jpg").write_bytes((folder / f"{STEM}.color.png").read_bytes())
    assert "twice" in one_line(lambda: ace.read_views(tmp_path, "pantry", "train"))


def test_an_export_writes_a_focal_length_where_it_says_all(tmp_path: Path) -> None:
    fakes.write_csv(tmp_path, frames=1)
    captures.write_ace(tmp_path / "source")
    train = ace.read_views(tmp_path / "source", "pantry", "train")
    K = train[0].K.clone()
    K[0, 2] += 1.5
    views = {"train": [train[0], train[1]._replace(K=K)], "val": [], "test": []}
    write_views(views, "x", AceFormat(), tmp_path / "out")
    files = sorted((tmp_path / "out/train/calibration").iterdir())
    assert [file.read_text() for file in files] == [
        "52.5\n",
        "52.5 0.0 33.5\n0.0 52.5 24.0\n0.0 0.0 1.0\n",
    ]
