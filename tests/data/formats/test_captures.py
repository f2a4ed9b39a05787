"""LLFF, kapture, Polycam and Record3D: what is particular to each; that poses fit images, `test_dots` shows."""

import json
import pickle
from pathlib import Path

import captures
import fakes
import numpy as np
import pytest
from hostile import one_line

from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import kapture, llff, polycam, record3d


def truth(view: View, sequence: int, frame: int) -> bool:
    t, q = view.T_world_cam
    camera = fakes.camera(sequence, frame)
    same = abs(float(np.dot(q.numpy(), camera.q))) == pytest.approx(1, abs=1e-12)
    return same and t.tolist() == pytest.approx(camera.t.tolist(), abs=1e-12)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_llff_refuses_images_that_may_shift_poses(tmp_path: Path) -> None:
    folder = captures.write_llff(tmp_path)
    views = llff.read_views(tmp_path, "fern", "all")
    assert [view.name for view in views][:2] == ["images/IMG_000.png", "images/IMG_001.JPG"]
    assert truth(views[5], 1, 1)
    (folder / "images/IMG_003.JPG").unlink()
    line = one_line(lambda: llff.read_views(tmp_path, "fern", "all"))
    assert "16 poses, but" in line and "has 15 images" in line


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("harmed"),)


def test_llff_runs_no_pickle_and_believes_no_header(tmp_path: Path, monkeypatch) -> None:
    path = captures.write_llff(tmp_path) / "poses_bounds.npy"
    monkeypatch.chdir(tmp_path)
    good = path.read_bytes()
    np.save(path, np.array([[Evil()] * 17]), allow_pickle=True)
    pickled, announced = path.read_bytes(), good.replace(b"(16, 17)", b"(10**12, 17)")
    zipped = tmp_path / "zipped.npz"
    np.savez(zipped, poses=np.zeros((16, 17)))
    huge = good.replace(b"(16, 17), }" + b" " * 11, b"(999999999999, 17), }")
    for content in (
        *(pickled, announced, huge, zipped.read_bytes(), pickle.dumps(Evil())),
        *(good[:-8], b""),
    ):
        path.write_bytes(content)
        line = one_line(lambda: llff.read_views(tmp_path, "fern", "all"))
        assert "N rows of 17 numbers" in line or "15 poses" in line
    assert not (tmp_path / "harmed").exists()


def test_llff_collects_faults(tmp_path: Path) -> None:
    path = captures.write_llff(tmp_path) / "poses_bounds.npy"
    rows = np.load(path)
    rows[2, 3], rows[3, 14], rows[4, 0] = np.nan, -5.0, 7.0
    np.save(path, rows)
    faults: list[Fault] = []
    assert len(llff.read_views(tmp_path, "fern", "all", faults=faults)) == 13
    for fault, words in zip(faults, ("finite", "not positive", "not a rotation"), strict=True):
        assert "poses_bounds.npy row" in fault.message and words in fault.message


def test_kapture_follows_rigs_on_rigs(tmp_path: Path) -> None:
    folder = captures.write_kapture(tmp_path)
    views = {view.name: view for view in kapture.read_views(tmp_path, "plaza", "all")}
    assert truth(views["a/2.png"], 0, 2) and truth(views["b/3.png"], 1, 3)
    assert views["b/3.png"].sequence == "b" and float(views["b/3.png"].K[0, 0]) == 60.5
    for path in (folder / "sensors").glob("*.txt"):  # version 1.0 differs in its features alone
        replace(path, "format: 1.1", "format: 1.0")
    assert len(kapture.read_views(tmp_path, "plaza", "all")) == 16
    rigs = folder / "sensors/rigs.txt"
    rigs.write_text(rigs.read_text() + "mount, car, 1, 0, 0, 0, 0, 0, 0\n")  # a circle
    replace(folder / "sensors/trajectories.txt", "1007, car", "1007, bus")
    faults: list[Fault] = []
    assert len(kapture.read_views(tmp_path, "plaza", "all", faults=faults)) == 15
    assert "no pose of left at 1007" in faults[0].message


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        (
            "records_camera",
            "1001, phone, a/1.png",
            "1001, phone, a/0.png",
            "a/0.png is there twice",
        ),
        (
            "records_camera",
            "1001, phone,",
            "1001, tablet,",
            "'tablet' is not in sensors/sensors.txt",
        ),
        ("records_camera", "1001, phone,", "1001, gps,", "MODEL, width, height"),
        ("records_camera", "1001, phone, ", "1001, ", "expected `timestamp, camera, image`"),
        ("sensors", "left, GoPro", "phone, GoPro", "phone is there twice"),
        ("sensors", "SIMPLE_PINHOLE, 64", "UNKNOWN_CAMERA, 64", "UNKNOWN_CAMERA"),
        ("trajectories", "1001, phone, ", "1000, phone, ", "1000, phone is there twice"),
        ("trajectories", "1000, phone, 0.99", "1000, phone, , 0.99", "10 fields"),
        ("rigs", "car, mount, ", "car, mount, up", "expected numbers"),
    ],
)
def test_kapture_broken(tmp_path: Path, table: str, old: str, new: str, words: str) -> None:
    path = captures.write_kapture(tmp_path) / "sensors" / f"{table}.txt"
    replace(path, old, new)
    line = one_line(lambda: kapture.read_views(tmp_path, "plaza", "all"))
    assert f"{table}.txt line" in line or "sensors.txt line" in line
    assert words in line


def test_kapture_pose_with_an_unknown_part_is_a_fault(tmp_path: Path) -> None:
    path = captures.write_kapture(tmp_path) / "sensors" / "trajectories.txt"
    header, columns, _, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, columns, "1000, phone, , , , , 1, 2, 3", *rows]))
    faults: list[Fault] = []
    assert len(kapture.read_views(tmp_path, "plaza", "all", faults=faults)) == 15
    assert [fault.name for fault in faults] == ["a/0.png"]


def test_polycam_prefers_adjusted_cameras(tmp_path: Path) -> None:
    folder = captures.write_polycam(tmp_path)
    view = polycam.read_views(tmp_path, "loft", "all")[6]
    assert truth(view, 1, 2) and "corrected_images" in view.name
    (folder / "keyframes/corrected_cameras").rename(folder / "keyframes/other")
    raw = polycam.read_views(tmp_path, "loft", "all")[6]
    assert raw.name == view.name.replace("corrected_", "")
    assert (raw.T_world_cam.t - view.T_world_cam.t).tolist() == pytest.approx([0.5] * 3)
    path = folder / raw.name.replace("images", "cameras").replace("jpg", "json")
    for change, words in {"width": "width", "fx": "numbers", "t_12": "numbers"}.items():
        camera = json.loads(path.read_text())
        path.write_text(json.dumps(camera | {change: None}))
        assert words in one_line(lambda: polycam.read_views(tmp_path, "loft", "all"))
        path.write_text(json.dumps(camera))


def test_record3d_counts_images_and_takes_each_camera(tmp_path: Path) -> None:
    folder = captures.write_record3d(tmp_path)
    views = record3d.read_views(tmp_path, "desk", "all")
    assert [view.name for view in views][9:11] == ["rgbd/9.jpg", "rgbd/10.jpg"]
    assert truth(views[10], 2, 2)
    assert [float(view.K[1, 1]) for view in views[:3]] == [52.5, 53.5, 54.5]
    metadata = json.loads((folder / "metadata").read_text())
    del metadata["perFrameIntrinsicCoeffs"]
    (folder / "metadata").unlink()
    (folder / "rgbd").rename(folder / "rgb")  # as an export has them
    (folder / "metadata.json").write_text(
        json.dumps(metadata | {"K": [60, 0, 0, 0, 61, 0, 30, 20, 1]})
    )
    (view, *_) = record3d.read_views(tmp_path, "desk", "all")
    assert view.name == "rgb/0.jpg"
    assert view.K.flatten().tolist() == [60, 0, 30, 0, 61, 20, 0, 0, 1]
    for key, value, words in (
        ("poses", None, "list `poses`"),
        ("poses", [[0, 0, 0, 1]], "list of 7 numbers"),
        ("perFrameIntrinsicCoeffs", [[1, 2, 3]], "list of 4 numbers"),
        ("K", [60, 0, 30, 0, 61, 20, 0, 0, 1], "principal point"),  # by rows
        ("w", "wide", "whole number"),
    ):
        (folder / "metadata.json").write_text(json.dumps(metadata | {key: value}))
        assert words in one_line(lambda: record3d.read_views(tmp_path, "desk", "all"))
