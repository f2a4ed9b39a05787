"""What users get wrong on disk, and the one line that tells them the file, line and fix."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import fakes
import pytest
from layouts import READERS

from hinted_posenet.data import aerial, cambridge, colmap, seven_scenes, transforms
from hinted_posenet.types import InputError, View

CARDS = {"colmap": "docs/formats.md", "transforms": "docs/formats.md"}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def assert_says(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("dataset", "train", "val", "test"),
    [
        *[("cambridge", 12, 0, 2), ("seven_scenes", 6, 0, 2), ("aerial", 4, 2, 2)],
        *[("colmap", 4, 2, 2), ("transforms", 4, 2, 2)],
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
        assert view.image.parent.name == view.sequence == view.name.split("/")[0]


@pytest.mark.parametrize("dataset", READERS)
def test_wrong_root_scene_and_split(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    folder = write(tmp_path / "root", frames=1)
    card = CARDS.get(dataset, f"datasets/{dataset}/README.md")
    assert (Path(__file__).parents[2] / card).is_file()
    assert_says(lambda: read(tmp_path / "nowhere", scene, "train"), "no such folder", card)
    assert_says(lambda: read(tmp_path, scene, "train"), "scenes there: none", card)
    assert_says(lambda: read(tmp_path / "root", "x", "train"), f"scenes there: {scene};", card)
    assert_says(lambda: read(folder, scene, "train"), "is itself a scene", f"data.scene={scene}")
    assert_says(lambda: read(tmp_path / "root", scene, "dev"), "'dev'", "train, val, test")


@pytest.mark.parametrize("dataset", READERS)
def test_unreadable_image(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    write(tmp_path, frames=1)
    image = read(tmp_path, scene, "train")[0].image
    image.write_bytes(b"<html>404</html>")
    assert_says(lambda: read(tmp_path, scene, "train"), str(image), "not a readable image")


def test_cambridge_missing_images(tmp_path: Path) -> None:
    folder = fakes.write_cambridge(tmp_path)
    (folder / "seq1" / "frame00006.png").unlink()
    expected = (
        "KingsCollege: missing image seq1/frame00006.png listed in dataset_train.txt line 5; "
        "see datasets/cambridge/README.md"
    )
    assert_says(lambda: cambridge.read_views(tmp_path, "KingsCollege", "train"), expected)
    shutil.rmtree(folder / "seq1")
    assert_says(
        lambda: cambridge.read_views(tmp_path, "KingsCollege", "train"), "(3 more are missing)"
    )


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


def test_misspelt_excluded_frames(tmp_path: Path) -> None:
    fakes.write_cambridge(tmp_path)
    fakes.write_seven_scenes(tmp_path)
    for read, scene, good in [
        (cambridge.read_views, "KingsCollege", "seq4/frame00005.png"),
        (seven_scenes.read_views, "redkitchen", "seq-03/frame-000007.color.png"),
    ]:
        everything = read(tmp_path, scene, "train")
        assert len(read(tmp_path, scene, "train", exclude=[good])) == len(everything)
        assert len(read(tmp_path, scene, "test", exclude=[good])) == 3
        assert_says(lambda r=read, s=scene: r(tmp_path, s, "train", exclude=["f7"]), "names f7")


def test_cambridge_labels_with_crlf_read_the_same(tmp_path: Path) -> None:
    path = fakes.write_cambridge(tmp_path) / "dataset_train.txt"
    before = cambridge.read_labels(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    after = cambridge.read_labels(path)
    assert [(a.line, a.name) for a in before] == [(b.line, b.name) for b in after]
    assert before[0].line == 4
    assert all(
        (a.T_world_cam.t == b.T_world_cam.t).all() for a, b in zip(before, after, strict=True)
    )


def test_cambridge_broken_labels(tmp_path: Path) -> None:
    path = fakes.write_cambridge(tmp_path) / "dataset_train.txt"
    good = path.read_text().splitlines()

    def write(lines: list[str]) -> None:
        path.write_text("\n".join(lines))

    write(good[3:])
    assert_says(lambda: cambridge.read_labels(path), "dataset_train.txt line 3", "3 header lines")
    write(good[:3])
    assert_says(lambda: cambridge.read_labels(path), "3 header lines")
    write([*good, good[3]])
    assert_says(lambda: cambridge.read_labels(path), "dataset_train.txt line 28", "line 4")
    write([*good[:5], "seq1/frame00007.png 1 2 3 0 0 0 0", *good[6:]])
    assert_says(lambda: cambridge.read_labels(path), "dataset_train.txt line 6", "norm 0")
    assert len(cambridge.read_labels(path, exclude=["seq1/frame00007.png"])) == 23
    path.unlink()
    assert_says(lambda: cambridge.read_labels(path), "dataset_train.txt: missing", cambridge.CARD)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_seven_scenes_pairs_by_frame_name(tmp_path: Path, suffix: str) -> None:
    fakes.write_seven_scenes(tmp_path, suffix=suffix)
    views = seven_scenes.read_views(tmp_path, "redkitchen", "train")
    assert views[-1].name == f"seq-12/frame-000016.color.{suffix}"
    assert views[-1].T_world_cam.t.tolist() == pytest.approx(fakes.camera(12, 16).t.tolist())
    excluded = seven_scenes.read_views(tmp_path, "redkitchen", "train", exclude=[views[0].name])
    assert [view.name for view in excluded] == [view.name for view in views[1:]]


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
    (folder / "images" / "f1" / "000002.jpg").unlink()
    assert_says(read, "missing image images/f1/000002.jpg", "frames.csv line 8")
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
    path.write_text(json.dumps(good | {"camera": good["camera"] | {"width": 128}}))
    assert_says(read, "is 64x48, manifest.json says 128x48")
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
    (folder / "images" / "d" / "my image 3.png").unlink()
    assert_says(read, "test.txt line 4", "missing image")
    fakes.draw(folder / "images" / "d" / "my image 3.png", fakes.camera(0, 0), width=32)
    assert_says(read, "is 32x48, its camera says 64x48")
    (model / "test.txt").unlink()
    assert_says(read, "test.txt: missing", colmap.CARD)
    for path in model.glob("cameras.*"):
        path.unlink()
    assert_says(lambda: read("train"), "cameras.", "cannot be read")


def test_colmap_broken_text(tmp_path: Path) -> None:
    model = fakes.write_colmap(tmp_path) / "sparse" / "0"
    good = (model / "cameras.txt").read_text()

    def read() -> list[View]:
        return colmap.read_views(tmp_path, "tower", "train")

    for text, words in {
        good.replace("SIMPLE_PINHOLE", "OPENCV_FISHEYE"): ("line 2", "OPENCV_FISHEYE", "undistort"),
        good.replace(" 32 24", ""): ("line 2", "expected 3 parameters f cx cy"),
        good.replace("52.5", "-52.5"): ("line 2", "not positive"),
        good.replace("64 48", "64 wide"): ("line 2", "camera_id MODEL width height"),
        good.replace("9 SIMPLE", "8 SIMPLE"): ("train.txt line 1", "camera 9, not in the model"),
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


def test_colmap_cut_off_binary(tmp_path: Path) -> None:
    model = fakes.write_colmap(tmp_path, binary=True) / "sparse" / "0"
    whole = {name: (model / name).read_bytes() for name in ("cameras.bin", "images.bin")}
    for name, data in whole.items():
        for size in (0, 5, len(data) // 2):
            (model / name).write_bytes(data[:size])
            assert_says(lambda: colmap.read_views(tmp_path, "tower", "train"), "cut off")
        (model / name).write_bytes(data)
    fisheye = whole["cameras.bin"].replace(b"\x07\0\0\0\x01", b"\x07\0\0\0\x05")
    (model / "cameras.bin").write_bytes(fisheye)
    assert_says(lambda: colmap.read_views(tmp_path, "tower", "train"), "camera 7", "number 5")


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
    says({"w": 640}, "is 64x48, w and h say 640x48")
    says({"k4": 0.1}, "k4 is 0.1", "undistort")
    says({"fl_x": "wide"}, "expected numbers")
    says({"camera_model": "OPENCV_FISHEYE"}, "OPENCV_FISHEYE", "undistort")
    for matrix in (None, [[1, 0, 0, 0]] * 3, [[1, 0, 0]] * 4, [1, 2, 3, 4]):
        says({"frames": [first | {"transform_matrix": matrix}]}, "4 rows of 4 numbers")
    says({"frames": [first | {"transform_matrix": [[1, 0, 0, 0]] * 4}]}, "last row 0 0 0 1")
    path.write_text(json.dumps({key: value for key, value in good.items() if key != "fl_y"}))
    assert_says(lambda: transforms.read_views(tmp_path, "fox", "train"), "fl_y is missing")
    path.write_text("{\n1")
    assert_says(lambda: transforms.read_views(tmp_path, "fox", "train"), "line 2", "not valid JSON")
    without = {key: value for key, value in good.items() if key != "val_filenames"}
    path.write_text(json.dumps(without))
    assert transforms.read_views(tmp_path, "fox", "val") == []
