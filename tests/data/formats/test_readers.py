"""What users get wrong on disk, and the one line that tells them the file, line and fix."""

import json
import shutil
from pathlib import Path

import fakes
import pytest
from layouts import READERS, assert_says

from hinted_posenet.core.geometry import quaternion_inverse, rotate, rotation_angle
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import (
    aerial,
    cambridge,
    colmap,
    seven_scenes,
    transforms,
    twelve_scenes,
)
from hinted_posenet.data.splits import split_views

PUBLISHED = (
    *("cambridge", "seven_scenes", "twelve_scenes", "aerial"),
    *("ortholoc", "anyvisloc", "uav_visloc"),
)


# a file of llff has no names, and in the others an image and its label are one file
WITHOUT_NAMES = {"llff", "ortholoc", "anyvisloc"}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("dataset", "train", "val", "test"),
    [
        *[("cambridge", 12, 0, 2), ("seven_scenes", 6, 0, 2), ("aerial", 4, 2, 2)],
        *[("colmap", 4, 2, 2), ("transforms", 4, 2, 2), ("twelve_scenes", 4, 0, 2)],
    ],
)
def test_counts_names_and_sequences(
    tmp_path: Path, dataset: str, train: int, val: int, test: int
) -> None:
    write, read, scene = READERS[dataset]
    write(tmp_path, frames=2)
    views = {split: read(tmp_path, scene, split) for split in ("train", "val", "test")}
    assert {split: len(found) for split, found in views.items()} == {
        "train": train,
        "val": val,
        "test": test,
    }
    everything = [view for found in views.values() for view in found]
    assert len({view.name for view in everything}) == len(everything)
    for view in everything:
        assert view.image.is_file()
        assert view.name.endswith("/".join(view.image.parts[-2:]))
        assert dataset == "twelve_scenes" or view.sequence == view.name.split("/")[0]


@pytest.mark.parametrize("dataset", READERS)
def test_wrong_root_scene_and_split(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    folder = write(tmp_path / "root", frames=1)
    card = f"datasets/{dataset}/README.md" if dataset in PUBLISHED else "docs/formats.md"
    assert (Path(__file__).parents[3] / card).is_file()
    assert_says(lambda: read(tmp_path / "nowhere", scene, "train"), "no such folder", card)
    assert_says(lambda: read(tmp_path, scene, "train"), "scenes there: ", card)
    assert_says(lambda: read(tmp_path / "root", "x", "train"), f"scenes there: {scene};", card)
    assert_says(
        lambda: read(folder, scene, "train"), "is itself a scene", f"data.scene={folder.name}"
    )
    assert_says(lambda: read(tmp_path / "root", scene, "dev"), "'dev'", "train, val, test")


@pytest.mark.parametrize("dataset", READERS)
def test_a_label_is_told_with_its_file_and_size(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    folder = write(tmp_path, frames=2)
    for view in read(tmp_path, scene, "train"):
        assert str(folder) in view.where
        assert view.size == (fakes.WIDTH, fakes.HEIGHT)
        # the fake labels of Cambridge are up to 9 % too long, as published ones are
        assert view.rotation_error == pytest.approx(0, abs=0.1 if dataset == "cambridge" else 1e-12)


@pytest.mark.parametrize("dataset", sorted(READERS.keys() - WITHOUT_NAMES))
def test_missing_and_faulty_frames_are_told_or_left_out(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    write(tmp_path, frames=4)
    image = read(tmp_path, scene, "train")[1].image
    image.unlink()
    assert_says(
        lambda: split_views(read, tmp_path, scene), str(image.stem.split(".")[0]), "missing"
    )
    splits = split_views(read, tmp_path, scene, skip_faulty=True)
    (name,) = splits.excluded
    assert image.stem.split(".")[0] in name
    assert name not in {view.name for views in splits.views.values() for view in views}


def test_cambridge_focal_lengths(tmp_path: Path) -> None:
    folder = fakes.write_cambridge(tmp_path)
    K = cambridge.read_views(tmp_path, "KingsCollege", "test")[1].K
    focal_px = fakes.FOCAL_PX + 6
    assert K.flatten().tolist() == pytest.approx([focal_px, 0, 32, 0, focal_px, 24, 0, 0, 1])
    edit(folder / "reconstruction.nvm", "seq4/frame00006", "seq4/other")
    assert_says(
        lambda: cambridge.read_views(tmp_path, "KingsCollege", "test"),
        "seq4/frame00006",
        "focal_px",
    )
    (folder / "reconstruction.nvm").unlink()
    assert_says(
        lambda: cambridge.read_views(tmp_path, "KingsCollege", "test"),
        "add the file or set focal_px",
    )
    K = cambridge.read_views(tmp_path, "KingsCollege", "test", focal_px=50.0)[1].K
    assert K.diagonal().tolist() == [50, 50, 1]


def test_cambridge_model_of_the_very_files_is_not_scaled(tmp_path: Path) -> None:
    folder = fakes.write_cambridge(tmp_path)
    before = cambridge.read_views(tmp_path, "KingsCollege", "test")[0].K
    model = folder / "reconstruction.nvm"
    model.write_text(model.read_text().replace(".jpg", ".png"))
    after = cambridge.read_views(tmp_path, "KingsCollege", "test")[0].K
    assert float(after[0, 0]) == pytest.approx(float(before[0, 0]) * 1920 / fakes.WIDTH)


def test_seven_scenes_own_intrinsics(tmp_path: Path) -> None:
    folder = fakes.write_seven_scenes(tmp_path)
    published = seven_scenes.read_views(tmp_path, "redkitchen", "test")[0].K
    assert published.flatten().tolist() == [52.5, 0, 32, 0, 52.5, 24, 0, 0, 1]
    (folder / "camera-intrinsics.txt").write_text("60 0 31\n0 61 25\n0 0 1\n")
    K = seven_scenes.read_views(tmp_path, "redkitchen", "test")[0].K
    assert K.tolist() == [[60, 0, 31], [0, 61, 25], [0, 0, 1]]
    K = seven_scenes.read_views(tmp_path, "redkitchen", "test", focal_px=585)[0].K
    assert K.diagonal().tolist() == [58.5, 58.5, 1]
    (folder / "camera-intrinsics.txt").write_text("60 0 31\n")
    assert_says(lambda: seven_scenes.read_views(tmp_path, "redkitchen", "test"), "3x3 matrix")


def test_cambridge_labels_with_crlf_read_the_same(tmp_path: Path) -> None:
    path = fakes.write_cambridge(tmp_path) / "dataset_train.txt"
    before = cambridge.read_views(tmp_path, "KingsCollege", "train")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    after = cambridge.read_views(tmp_path, "KingsCollege", "train")
    assert [(a.where, a.name) for a in before] == [(b.where, b.name) for b in after]
    assert before[0].where == f"{path} line 4"
    for a, b in zip(before, after, strict=True):
        assert a.T_world_cam.t.tolist() == b.T_world_cam.t.tolist()


def test_cambridge_broken_labels(tmp_path: Path) -> None:
    path = fakes.write_cambridge(tmp_path) / "dataset_train.txt"
    good = path.read_text().splitlines()

    def read(faults: list[Fault] | None = None) -> list[View]:
        return cambridge.read_views(tmp_path, "KingsCollege", "train", faults=faults)

    def write(lines: list[str]) -> None:
        path.write_text("\n".join(lines))

    write(good[3:])
    assert_says(read, "dataset_train.txt line 3", "3 header lines")
    write(good[:3])
    assert_says(read, "3 header lines")
    write([*good, good[3]])
    assert_says(read, "dataset_train.txt line 28", "line 4")
    write([*good[:5], "seq1/frame00007.png 1 2 3 0 0 0 0", "seq1/f.png 1 2", *good[7:]])
    assert_says(read, "dataset_train.txt line 6", "norm 0")
    faults: list[Fault] = []
    assert len(read(faults)) == 22
    assert [fault.name for fault in faults] == ["seq1/frame00007.png", "seq1/f.png"]
    assert "dataset_train.txt line 7: expected 8 fields" in faults[1].message
    path.unlink()
    assert_says(read, "no scene", cambridge.CARD)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_seven_scenes_pairs_by_frame_name(tmp_path: Path, suffix: str) -> None:
    fakes.write_seven_scenes(tmp_path, suffix=suffix)
    views = seven_scenes.read_views(tmp_path, "redkitchen", "train")
    assert views[-1].name == f"seq-12/frame-000016.color.{suffix}"
    assert views[-1].T_world_cam.t.tolist() == pytest.approx(fakes.camera(12, 16).t.tolist())


def test_seven_scenes_broken(tmp_path: Path) -> None:
    folder = fakes.write_seven_scenes(tmp_path)

    def read() -> list[View]:
        return seven_scenes.read_views(tmp_path, "redkitchen", "train")

    pose = folder / "seq-02" / "frame-000010.pose.txt"
    pose.write_text("1 0 0 0\n0 1 0 0\n0 0 -1 0\n0 0 0 1\n")
    assert_says(read, str(pose), "not a rotation")
    pose.unlink()
    assert_says(read, "redkitchen: missing pose of seq-02/frame-000010", seven_scenes.CARD)
    (folder / "seq-01" / "frame-000007.color.png").unlink()
    assert_says(read, "missing image of seq-01/frame-000007")
    for image in (folder / "seq-01").glob("*.png"):
        image.unlink()
    assert_says(read, "no images", "seq-01")
    shutil.rmtree(folder / "seq-01")
    assert_says(read, "missing folder seq-01 listed in TrainSplit.txt")
    edit(folder / "TrainSplit.txt", "sequence2", "seq-02")
    assert_says(read, "TrainSplit.txt line 2", "sequence1", "seq-02")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_seven_scenes_ground_truths(tmp_path: Path, suffix: str) -> None:
    fakes.write_seven_scenes(tmp_path, suffix=suffix)

    def first(ground_truth: str) -> View:
        read = seven_scenes.read_views
        return read(tmp_path, "redkitchen", "test", ground_truth=ground_truth)[0]

    raw, calibrated = first("raw"), first("calibrated")
    # the constant between depth and colour camera: 2.6 cm, 0.67 degrees; the colour camera lies to its right
    offset = rotate(
        quaternion_inverse(raw.T_world_cam.q), calibrated.T_world_cam.t - raw.T_world_cam.t
    )
    assert offset.norm() == pytest.approx(0.0256, abs=1e-4) and offset[0] > 0.0255
    angle = rotation_angle(raw.T_world_cam.q, calibrated.T_world_cam.q).rad2deg()
    assert angle == pytest.approx(0.67, abs=0.01)
    assert raw.K.tolist() == calibrated.K.tolist()
    assert_says(lambda: first("sfm"), "7scenes/redkitchen_test.txt: missing", seven_scenes.CARD)
    fakes.write_sfm_poses(tmp_path)
    sfm = first("sfm")
    assert (sfm.T_world_cam.t - raw.T_world_cam.t).tolist() == pytest.approx([0.5, 0, 0])
    assert sfm.K.diagonal().tolist() == pytest.approx([63, 63, 1])  # 630 px at 640x480
    assert "redkitchen_test.txt line 1" in sfm.where
    assert_says(lambda: first("best"), "ground_truth=best", "raw, calibrated, sfm")


def test_sfm_poses_may_lack_a_frame(tmp_path: Path) -> None:
    fakes.write_seven_scenes(tmp_path)
    fakes.write_sfm_poses(tmp_path)
    edit(tmp_path / "pgt/sfm/7scenes/redkitchen_train.txt", "seq-02/frame-000010", "seq-02/other")
    faults: list[Fault] = []
    views = seven_scenes.read_views(
        tmp_path, "redkitchen", "train", ground_truth="sfm", faults=faults
    )
    assert len(views) == 11
    assert [fault.name for fault in faults] == ["seq-02/frame-000010.color.png"]


def test_twelve_scenes_broken(tmp_path: Path) -> None:
    folder = fakes.write_twelve_scenes(tmp_path)

    def read(faults: list[Fault] | None = None) -> list[View]:
        return twelve_scenes.read_views(tmp_path, "apt1/kitchen", "train", faults=faults)

    (folder / "data/frame-000005.pose.txt").write_text("-inf -inf -inf -inf\n" * 4)
    (folder / "data/frame-000006.pose.txt").unlink()
    assert_says(read, "frame-000005.pose.txt", "finite")
    faults: list[Fault] = []
    assert len(read(faults)) == 6
    names = ["data/frame-000005.color.jpg", "data/frame-000006.color.jpg"]
    assert [fault.name for fault in faults] == names
    edit(folder / "info.txt", "m_colorWidth = 64", "m_colorWidth =")
    assert_says(read, "info.txt: expected `m_colorWidth = ` and 1 numbers")
    edit(folder / "split.txt", "start=0", "from 0")
    assert_says(read, "split.txt line 1", "start=0 ; end=356")


def test_aerial_tags_and_intrinsics(tmp_path: Path) -> None:
    fakes.write_aerial(tmp_path)
    view = aerial.read_views(tmp_path, "prairie", "test")[0]
    assert view.tags == {"season": "winter", "date": "2018-01-15", "solar_hour": "12.5"}
    assert view.sequence == "f3" and view.time_s == 0 and view.prior is None
    assert view.K.flatten().tolist() == [52.5, 0, 32, 0, 52.5, 24, 0, 0, 1]


def test_aerial_broken_frames(tmp_path: Path) -> None:
    folder = fakes.write_aerial(tmp_path)
    frames = folder / "frames.csv"
    good = frames.read_text().splitlines()

    def read() -> list[View]:
        return aerial.read_views(tmp_path, "prairie", "train")

    def write(line: int, text: str) -> None:
        frames.write_text("\n".join([*good[: line - 1], text, *good[line:]]))

    write(1, good[0].replace("season", "weather"))
    assert_says(read, "frames.csv line 1", "season, weather")
    write(3, good[2].rsplit(",", 1)[0])
    assert_says(read, "frames.csv line 3", "fields")
    write(3, good[2].replace("train", "trian"))
    assert_says(read, "frames.csv line 3", "'trian'")
    write(3, good[1])
    assert_says(read, "frames.csv line 3", "already on line 2")
    write(3, good[2].replace(good[2].split(",")[7], "nan"))
    assert_says(read, "frames.csv line 3", "finite")
    frames.write_text("\n".join(good[:2] + good[3:]))
    assert_says(read, "says 8 train frames, frames.csv has 7")
    frames.write_text("\n".join(good))
    frames.unlink()
    assert_says(read, "frames.csv: missing")


def test_aerial_broken_manifest(tmp_path: Path) -> None:
    path = fakes.write_aerial(tmp_path) / "manifest.json"
    good = json.loads(path.read_text())

    def read() -> list[View]:
        return aerial.read_views(tmp_path, "prairie", "train")

    path.write_text(json.dumps(good | {"version": 1}))
    assert_says(read, "manifest.json", "version 2", "version 1")
    path.write_text(json.dumps(good | {"camera": {"width": 64}}))
    assert_says(read, "camera.height is missing")
    path.write_text("{")
    assert_says(read, "manifest.json line 1", "not valid JSON")


@pytest.mark.parametrize("binary", [False, True])
def test_colmap_broken(tmp_path: Path, binary: bool) -> None:
    folder = fakes.write_colmap(tmp_path, binary=binary)
    model = folder / "sparse" / "0"

    def read(split: str = "test") -> list[View]:
        return colmap.read_views(tmp_path, "tower", split)

    edit(model / "val.txt", "c/my image 0.png", "c/other.png")
    assert_says(lambda: read("val"), "val.txt line 1", "c/other.png")
    (model / "val.txt").unlink()
    assert read("val") == []
    (model / "test.txt").unlink()
    assert_says(read, "test.txt: missing", colmap.CARD)
    for path in model.glob("cameras.*"):
        path.unlink()
    assert_says(lambda: read("train"), "cameras.", "copy the whole model")


def test_colmap_broken_text(tmp_path: Path) -> None:
    model = fakes.write_colmap(tmp_path) / "sparse" / "0"
    good = (model / "cameras.txt").read_text()

    def read() -> list[View]:
        return colmap.read_views(tmp_path, "tower", "train")

    for text, words in {
        good.replace("SIMPLE_PINHOLE", "FOV"): ("line 3", "FOV", "undistort"),
        good.replace(" 32 24", ""): ("line 3", "expected 3 parameters f cx cy"),
        good.replace("52.5", "-52.5"): ("line 2", "not positive"),
        good.replace("64 48", "64 wide"): ("line 2", "'wide' is no whole number"),
        good.replace("9 SIMPLE", "8 SIMPLE"): (
            "images.txt line 3",
            "camera 9, which is not in the model",
        ),
    }.items():
        (model / "cameras.txt").write_text(text)
        assert_says(read, *words)
    (model / "cameras.txt").write_text(good)
    images = (model / "images.txt").read_text().splitlines()
    good = images[2]
    name = good.split(maxsplit=9)[9]
    for line, words in {
        good.replace(" 7 d", " seven d"): ("line 3", "camera_id name"),
        good.rsplit(maxsplit=8)[0]: ("line 3", "camera_id name"),
        good.replace(good.split()[5], "nan"): ("line 3", "finite"),
        f"33 0 0 0 0 1 2 3 7 {name}": ("line 3", "norm 0"),
        f"33 1 0 0 0 1 2 3 7 x{name}": ("test.txt line 4", "not in the model"),
    }.items():
        (model / "images.txt").write_text("\n".join([*images[:2], line, *images[3:]]))
        assert_says(lambda: colmap.read_views(tmp_path, "tower", "test"), *words)


def test_colmap_binary_camera_of_another_model(tmp_path: Path) -> None:
    path = fakes.write_colmap(tmp_path, binary=True) / "sparse" / "0" / "cameras.bin"
    path.write_bytes(path.read_bytes().replace(b"\x07\0\0\0\x01", b"\x07\0\0\0\x63"))
    assert_says(lambda: colmap.read_views(tmp_path, "tower", "train"), "camera 7", "number 99")


def test_transforms_broken(tmp_path: Path) -> None:
    path = fakes.write_transforms(tmp_path) / "transforms.json"
    good = json.loads(path.read_text())
    first = good["frames"][0]

    def says(change: dict[str, object], *words: str) -> None:
        path.write_text(json.dumps(good | change))
        assert_says(lambda: transforms.read_views(tmp_path, "fox", "train"), str(path), *words)

    says({"train_filenames": None}, "train_filenames is missing")
    says({"train_filenames": ["a/9.png"]}, "a/9.png", "no frame")
    says({"frames": {}}, "list `frames`")
    says({"k4": 0.1}, "k4 is 0.1", "undistort")
    says({"fl_x": "wide"}, "expected numbers")
    says({"camera_model": "FOV"}, "FOV", "undistort")
    for matrix in (None, [[1, 0, 0, 0]] * 2, [[1, 0, 0]] * 4, [1, 2, 3, 4]):
        says({"frames": [first | {"transform_matrix": matrix}]}, "4 rows of 4 numbers")
    says({"frames": [first | {"transform_matrix": [[1, 0, 0, 0]] * 4}]}, "last row 0 0 0 1")
    path.write_text(json.dumps({key: value for key, value in good.items() if key != "fl_y"}))
    assert_says(lambda: transforms.read_views(tmp_path, "fox", "train"), "fl_y is missing")
    path.write_text("{\n1")
    assert_says(lambda: transforms.read_views(tmp_path, "fox", "train"), "line 2", "not valid JSON")
    without = {key: value for key, value in good.items() if key != "val_filenames"}
    path.write_text(json.dumps(without))
    assert transforms.read_views(tmp_path, "fox", "val") == []
