"""TUM RGB-D recordings: poses by time, the camera by name or file, what is wrong by line."""

import logging
from pathlib import Path

import fakes
import numpy as np
import pytest
import torch
from layouts import assert_says

from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import tum


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fakes.write_tum(tmp_path, frames=3)


def read(folder: Path, split: str = "all", **options: float) -> list[View]:
    return tum.read_views(folder.parent, folder.name, split, **options)


def edit(path: Path, line: int, new: str | None) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[: line - 1], *([new] if new else []), *lines[line:]]) + "\n")


def test_every_image_gets_the_pose_nearest_in_time(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        views = read(folder)
    assert len(views) == 12
    for i, view in enumerate(views):  # 6 ms away; others are 13 and 19 ms away
        truth = fakes.camera(i // 3, i % 3)
        assert np.abs(view.T_world_cam.t.numpy() - truth.t).max() < 1e-12
        assert np.abs(view.T_world_cam.q.numpy() - truth.q).max() < 1e-12  # w is last in the file
        assert view.time_s == pytest.approx(0.2 * i, abs=1e-5)
        assert view.sequence == "office"
    assert "1 of 13 images (all) have no pose within 0.02 s" in caplog.text
    assert [view.name for view in views[:6]] == [view.name for view in read(folder, "train")]
    assert len(read(folder, "test")) == len(read(folder, "val")) == 3


def test_how_far_a_pose_may_be_is_a_choice(folder: Path) -> None:
    assert read(folder, max_difference_s=0.005) == []
    assert len(read(folder, max_difference_s=0.007)) == 12
    late = read(folder, max_difference_s=0.2)  # the last image takes the pose 0.181 s before it
    assert len(late) == 13
    assert np.abs(late[-1].T_world_cam.t.numpy() - fakes.camera(98, 11).t).max() < 1e-12


def test_order_in_the_files_does_not_matter(folder: Path) -> None:
    before = read(folder)
    for name in ("rgb.txt", "groundtruth.txt"):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\r\n".join(reversed(lines)))
    after = read(folder)
    assert [view.name for view in before] == [view.name for view in after]
    assert all(
        torch.equal(a.T_world_cam.t, b.T_world_cam.t) for a, b in zip(before, after, strict=True)
    )


def test_depth_is_in_fifths_of_a_millimetre(folder: Path) -> None:
    assert read(folder)[0].depth is None
    times = [float(view.image.stem) for view in read(folder)]
    lines = [f"{time_s - 0.012:.6f} depth/{i}.png" for i, time_s in enumerate(times[:5])]
    (folder / "depth.txt").write_text("# depth maps\n" + "\n".join(lines))
    depths = [view.depth for view in read(folder)]
    assert [depth and depth.image for depth in depths[:5]] == [
        folder / "depth" / f"{i}.png" for i in range(5)
    ]
    assert depths[0] is not None and depths[0].unit_m == 0.0002
    assert depths[5:] == [None] * 7


def test_published_cameras_by_the_folder_s_name(folder: Path) -> None:
    (folder / "cameras.txt").unlink()
    for number, focal_px, cx, k1 in [(1, 517.306, 319.143, 0.262), (2, 520.909, 325.641, 0.231)]:
        scene = folder.rename(folder.parent / f"rgbd_dataset_freiburg{number}_desk")
        view = read(scene)[0]
        assert float(view.K[0, 0]) == pytest.approx(focal_px, abs=1e-3)
        # half a pixel more than published: OpenCV counts from the center of the first pixel
        assert float(view.K[0, 2]) == pytest.approx(cx, abs=1e-3)
        assert view.distortion[0] == pytest.approx(k1, abs=1e-3)
        assert view.size == (640, 480)
        folder = scene
    undistorted = read(folder.rename(folder.parent / "freiburg3"))[0]
    assert undistorted.distortion == ()
    assert undistorted.K.flatten().tolist() == [535.4, 0, 320.6, 0, 539.2, 248.1, 0, 0, 1]


def test_a_camera_of_your_own_with_its_lens(folder: Path) -> None:
    (folder / "cameras.txt").write_text(
        "# mine\n7 OPENCV 64 48 50 51 31 25 -0.1 0.02 0.003 0.004\n"
    )
    view = read(folder)[0]
    assert view.K.flatten().tolist() == [50, 0, 31, 0, 51, 25, 0, 0, 1]
    assert view.distortion == (-0.1, 0.02, 0.003, 0.004, 0.0)


def test_what_is_wrong_is_told_by_line(folder: Path) -> None:
    def says(*words: str, split: str = "all") -> None:
        assert_says(lambda: read(folder, split), *words)

    def broken(name: str, line: int, new: str | None, *words: str, split: str = "all") -> None:
        good = (folder / name).read_text()
        edit(folder / name, line, new)
        says(f"{name} line {line}", *words, split=split)
        (folder / name).write_text(good)

    pose = (folder / "groundtruth.txt").read_text().splitlines()[3]
    stamp, x, *_ = pose.split()
    broken("groundtruth.txt", 4, pose.replace(x, "nan", 1), "finite")
    broken("groundtruth.txt", 4, pose.replace(x, "far", 1), "expected numbers")
    broken("groundtruth.txt", 4, pose.rsplit(maxsplit=1)[0], "8 fields", "qw`, found 7")
    broken("groundtruth.txt", 4, f"{stamp} 0 0 0 0 0 0 0", "norm 0")
    broken("groundtruth.txt", 4, "soon 0 0 0 0 0 0 1", "expected numbers")
    image = (folder / "rgb.txt").read_text().splitlines()[3]
    broken("rgb.txt", 5, image, "is there twice")
    broken("rgb.txt", 4, image.split()[0], "expected `timestamp ...`")
    broken("test.txt", 2, "rgb/none.png", "rgb/none.png is not in rgb.txt", split="test")
    cameras = folder / "cameras.txt"
    cameras.write_text("1 PINHOLE 64 48 50 50 32 24\n2 PINHOLE 64 48 50 50 32 24\n")
    says("cameras.txt", "one camera, found 2")
    cameras.write_text("1 THIN_PRISM_FISHEYE 64 48 50 50 32 24\n")
    says("cameras.txt line 1", "THIN_PRISM_FISHEYE")
    cameras.unlink()
    says("camera is not known", "freiburg1", "cameras.txt", "1 PINHOLE width height")
    cameras.write_text("1 PINHOLE 64 48 50 50 32 24\n")
    (folder / "train.txt").unlink()
    (folder / "val.txt").unlink()
    assert read(folder, "val") == []
    says("train.txt: missing", split="train")
    (folder / "groundtruth.txt").unlink()
    says("groundtruth.txt: missing", tum.CARD)


def test_frames_that_are_wrong_are_collected(folder: Path) -> None:
    names = [view.name for view in read(folder)]
    lines = (folder / "groundtruth.txt").read_text().splitlines()
    edit(folder / "groundtruth.txt", 4, f"{lines[3].split()[0]} 0 0 0 0 0 0 0")
    with (folder / "rgb.txt").open("a") as file:
        file.write(f"1305031199.0 {names[5]}\n")
    faults: list[Fault] = []
    views = tum.read_views(folder.parent, "office", "all", faults=faults)
    assert [view.name for view in views] == names[1:]
    assert {fault.name for fault in faults} == {names[0], names[5]}
    assert all("line" in fault.message for fault in faults)


@pytest.mark.parametrize("separator", ["\t", ", ", "   "])
def test_other_separators(folder: Path, separator: str) -> None:
    before = read(folder)
    for name in ("rgb.txt", "groundtruth.txt"):
        path = folder / name
        path.write_text(path.read_text().replace(" ", separator))
    for a, b in zip(before, read(folder), strict=True):
        assert a.name == b.name
        assert torch.equal(a.T_world_cam.t, b.T_world_cam.t)
        assert torch.equal(a.T_world_cam.q, b.T_world_cam.q)


def test_a_time_has_one_pose(folder: Path) -> None:
    path, before = folder / "groundtruth.txt", read(folder)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[3]]) + "\n")  # published files have lines twice
    assert len(read(folder)) == len(before)
    stamp, _, *rest = lines[3].split()
    path.write_text("\n".join([*lines, " ".join([stamp, "9", *rest])]) + "\n")
    assert_says(lambda: read(folder), "another pose at the time of")
