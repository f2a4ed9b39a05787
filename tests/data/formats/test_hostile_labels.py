"""Labels that are broken or meant to do harm: each is refused in one line, whatever the layout."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakes
import pytest
from layouts import READERS, assert_says

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault
from hinted_posenet.data.formats import seven_scenes
from hinted_posenet.data.read_scene import read_scene, read_usable, write_exclude

Edit = Callable[[Path], object]


def sub(file: str, pattern: str, new: str) -> Edit:
    """Replace the first match of a pattern in a file of the scene."""

    def edit(folder: Path) -> None:
        text, count = re.subn(pattern, lambda _: new, (folder / file).read_text(), count=1)
        assert count
        (folder / file).write_text(text)

    return edit


def add(file: str, line: str) -> Edit:
    """Append a line to a file of the scene."""
    return lambda folder: (folder / file).write_text((folder / file).read_text() + line + "\n")


def change(file: str, edit: Callable[[Any], Any]) -> Edit:
    """Replace the content of a JSON file by what a function makes of it."""

    def apply(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(edit(content)))

    return apply


def transforms(**keys: object) -> Edit:
    return change("transforms.json", lambda o: {**o, **keys})


def frame(**keys: object) -> Edit:
    def edit(content: Any) -> Any:
        content["frames"][0] |= keys
        return content

    return change("transforms.json", edit)


def manifest(**keys: object) -> Edit:
    return change("manifest.json", lambda o: {**o, **keys})


def camera(**keys: object) -> Edit:
    return change("manifest.json", lambda o: {**o, "camera": {**o["camera"], **keys}})


def replace(file: str, content: bytes) -> Edit:
    return lambda folder: (folder / file).write_bytes(content)


def again(content: Any) -> Any:
    """Add the first frame again, elsewhere."""
    other = json.loads(json.dumps(content["frames"][0]))
    other["file_path"] = "./" + other["file_path"].replace("/", "\\")
    other["transform_matrix"][0][3] += 9
    return {**content, "frames": [*content["frames"], other]}


def elsewhere(file: str, column: int, separator: str) -> Edit:
    """Append the second line of a table again with another number in a column."""

    def edit(folder: Path) -> None:
        lines = (folder / file).read_text().splitlines()
        fields = lines[4].split(separator)
        fields[column] = "9"
        (folder / file).write_text("\n".join([*lines, separator.join(fields)]) + "\n")

    return edit


def twice_in_colmap(folder: Path) -> None:
    path = folder / "sparse/0/images.txt"
    lines = path.read_text().splitlines()
    fields = lines[2].split(maxsplit=9)
    path.write_text("\n".join([*lines, " ".join(["99", *fields[1:5], "9", *fields[6:]]), "", ""]))


def twice_in_ace(folder: Path) -> None:
    pose = sorted((folder / "train/poses").iterdir())[0]
    pose.with_name(pose.name.replace(".pose.txt", ".txt")).write_bytes(pose.read_bytes())


# pose and image have one number, one name or one file
ONE_PLACE = {"llff", "polycam", "record3d", "ortholoc", "anyvisloc"}
ANOTHER_POSE = {  # one image, two poses
    "colmap": twice_in_colmap,
    "ace": twice_in_ace,
    "kapture": elsewhere("sensors/trajectories.txt", 6, ", "),
    "cambridge": elsewhere("dataset_train.txt", 1, " "),
    "seven_scenes": add("TrainSplit.txt", "sequence1"),
    "twelve_scenes": add("split.txt", "sequence3 [frames=2]  [start=1 ; end=2]"),
    "aerial": elsewhere("frames.csv", 12, ","),
    "transforms": change("transforms.json", again),
    "tum": elsewhere("rgb.txt", 0, " "),
    "csv": elsewhere("frames.csv", 9, ","),
    "uav_visloc": elsewhere("03.csv", 5, ","),
}


@pytest.mark.parametrize("dataset", sorted(READERS.keys() - ONE_PLACE))
def test_an_image_with_two_poses_is_refused(tmp_path: Path, dataset: str) -> None:
    write, read, scene = READERS[dataset]
    folder = write(tmp_path, frames=2)
    ANOTHER_POSE[dataset](folder)
    splits = ("train", "val", "test")
    with pytest.raises(
        InputError, match=r"there twice|is already|has frames of sequence0 too"
    ) as error:
        read_usable(read, tmp_path, scene, splits)
    assert str(folder) in str(error.value)


def test_a_pose_file_of_structure_from_motion_names_a_frame_once(tmp_path: Path) -> None:
    fakes.write_seven_scenes(tmp_path, frames=2)
    fakes.write_sfm_poses(tmp_path)
    elsewhere("pgt/sfm/7scenes/redkitchen_train.txt", 5, " ")(tmp_path)
    assert_says(
        lambda: seven_scenes.read_views(tmp_path, "redkitchen", "train", ground_truth="sfm"),
        "redkitchen_train.txt line 7",
        "there twice",
    )


@pytest.mark.parametrize("name", ["a/0.png", "a//0.png", "./a/0.png"])
def test_an_image_has_one_pose_in_all_splits(tmp_path: Path, name: str) -> None:
    write, read, scene = READERS["csv"]
    folder = write(tmp_path, frames=2)
    sub("frames.csv", "d/0.png", f"{name}")(folder)
    faults = read_scene(read, tmp_path, scene, ("train", "val", "test")).faults
    assert faults and "a/0.png" in faults[0].message and "frames.csv line" in faults[0].message


POSE = r"-?\d\.\d{6,}"
BROKEN = [
    ("csv", replace("frames.csv", "name\né".encode("latin-1")), "line 2: not UTF-8 text"),
    ("csv", sub("frames.csv", r"\na", '\n"a'), "close its quotes"),
    ("csv", sub("frames.csv", r"\na", '\n"' + "a" * 200_000), "field larger than field limit"),
    ("csv", sub("frames.csv", ",64,48", ",²,48"), "width: '²' is no whole number"),
    ("csv", sub("frames.csv", ",64,48", ",64,99999999999999999999"), "height"),
    ("csv", sub("frames.csv", "train", ""), "split '' is none of"),
    ("csv", sub("frames.csv", "a/0.png", '"a\n0.png"'), "has a line end or control character"),
    ("csv", sub("frames.csv", "a/0.png", "a\0.png"), "holds a NUL character"),
    ("csv", sub("frames.csv", "a/0.png", "/etc/hostname"), "leads out of the folder"),
    ("csv", sub("frames.csv", "a/0.png", "../../0.png"), "leads out of the folder"),
    ("csv", sub("frames.csv", "a/0.png", "x" * 300), "too long"),
    ("csv", sub("frames.csv", ",a,", ",a\x1b[31m,"), "has a line end or control character"),
    ("csv", sub("frames.csv", POSE, "1e400"), "expected finite numbers"),
    ("transforms", transforms(h=None), "w is there without its other side"),
    ("transforms", transforms(w="x"), "w: 'x' is no whole number"),
    ("transforms", transforms(w=64.5), "w: '64.5' is no whole number"),
    ("transforms", transforms(fl_x=10**400), "expected numbers"),
    ("transforms", transforms(train_filenames=5), "train_filenames: expected a list"),
    ("transforms", transforms(train_filenames=[[1]]), "train_filenames[0]: file_path is [1]"),
    ("transforms", transforms(train_filenames=["a/0.png"] * 2), "there twice"),
    ("transforms", frame(file_path=[1]), "frames[0]: file_path is [1]"),
    ("transforms", frame(file_path=None), "frames[0]: file_path is None"),
    ("transforms", frame(file_path="a\0b"), "has a line end or control character"),
    ("transforms", frame(file_path="\ud800"), "cannot be written as utf-8"),
    ("transforms", frame(file_path=".."), "is no name of an image"),
    ("transforms", frame(transform_matrix=[[1e300] * 4] * 3), "not a rotation"),
    ("transforms", frame(transform_matrix=[[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0]]), "rotation"),
    ("transforms", replace("transforms.json", b'{"frames":' + b"[" * 100_000), "nested"),
    ("aerial", replace("manifest.json", b"[]"), "expected an object"),
    ("aerial", manifest(camera=1.5), "camera.width is missing"),
    ("aerial", camera(fx=None), "expected numbers"),
    ("aerial", camera(fx="nan"), "expected finite numbers"),
    ("aerial", camera(fx=-5), "is not positive"),
    ("aerial", camera(width="x"), "camera.width: 'x' is no whole number"),
    ("aerial", camera(distortion=[0, 0, 0, 0, "k"]), "expected numbers"),
    ("aerial", manifest(counts={"train": [], "val": 0, "test": 0}), "counts.train: '[]'"),
    ("aerial", manifest(altitude_m=5), "altitude_m has no list of numbers"),
    ("aerial", manifest(depth={"folder": "../..", "unit_m": 1}), "leads out of the folder"),
    ("aerial", manifest(depth={"folder": "depth", "unit_m": 0}), "expected metres above 0"),
    ("twelve_scenes", sub("split.txt", r"start=2 ; end=3", "start=3 ; end=2"), "before its start"),
    ("twelve_scenes", sub("split.txt", r"end=\d+", "end=99999999999"), "no whole number"),
    ("twelve_scenes", sub("split.txt", r"end=\d+", "end=9999999"), "data/ has 12 files"),
    ("twelve_scenes", add("split.txt", "sequence2 [frames=1]  [start=9 ; end=9]"), "there twice"),
    ("twelve_scenes", sub("info.txt", "= 64", "= 1e9"), "m_colorWidth: '1e9' is no whole number"),
    ("seven_scenes", replace("camera-intrinsics.txt", b"0 0 0\n" * 3), "expected rows `fx 0 cx`"),
    ("seven_scenes", replace("camera-intrinsics.txt", b"0 0 1 0 0 1 0 0 1"), "not positive"),
    ("seven_scenes", sub("TrainSplit.txt", "1", "9" * 5000), "no whole number"),
    ("seven_scenes", replace("seq-01/frame-000007.pose.txt", b"\xff"), "not UTF-8 text"),
    ("cambridge", sub("dataset_train.txt", "seq1/.*png", "/etc/hostname"), "leads out"),
    ("cambridge", sub("dataset_train.txt", f" {POSE}", " 1e30"), "1e+30 m from the origin"),
    ("tum", sub("rgb.txt", " rgb/.*png", ""), "expected `timestamp ...`"),
]


@pytest.mark.parametrize(("dataset", "edit", "message"), BROKEN)
def test_what_is_wrong_is_one_line(tmp_path: Path, dataset: str, edit: Edit, message: str) -> None:
    write, read, scene = READERS[dataset]
    folder = write(tmp_path, frames=2)
    edit(folder)
    assert_says(lambda: read(tmp_path, scene, "train"), str(tmp_path), message)


def test_faults_of_frames_are_collected_and_the_others_read(tmp_path: Path) -> None:
    write, read, scene = READERS["transforms"]
    frame(file_path=None)(write(tmp_path, frames=2))
    faults: list[Fault] = []
    assert len(read(tmp_path, scene, "all", faults=faults)) == 7
    assert [fault.name for fault in faults] == ["frames[0]"]


def test_options_that_are_no_length_are_refused(tmp_path: Path) -> None:
    for dataset, options in {
        "cambridge": {"focal_px": float("nan")},
        "seven_scenes": {"focal_px": -1.0},
        "tum": {"max_difference_s": float("nan")},
    }.items():
        write, read, scene = READERS[dataset]
        write(tmp_path, frames=1)
        ((key, _),) = options.items()
        assert_says(lambda: read(tmp_path, scene, "train", **options), f"{key}=")  # noqa: B023


@pytest.mark.parametrize("name", ["a\nb.png", "a\x1b[31m.png", "\ud800.png", "../x.png", "/etc/x"])
def test_a_hostile_name_is_reported_once_and_can_be_excluded(tmp_path: Path, name: str) -> None:
    write, read, scene = READERS["transforms"]
    folder = write(tmp_path, frames=2)
    splits = ("train", "val", "test")
    if name[0] in "./":  # may be read, under a name within the folder
        frame(file_path=name)(folder)
        transforms(train_filenames=[name, "a/1.png"])(folder)
        assert read(tmp_path, scene, "train")[0].name in ("x.png", "etc/x")
        return
    frame(file_path=name)(folder)
    found = read_scene(read, tmp_path, scene, splits)
    assert all(fault.name.isprintable() for fault in found.faults)
    assert found.counts == {"train": 5, "val": 2, "test": 2}  # and a/0.png, which has no frame
    write_exclude(folder / "exclude.txt", {fault.name: fault.message for fault in found.faults})
    left = read_usable(read, tmp_path, scene, splits)
    assert {split: len(views) for split, views in left.views.items()} == {
        "train": 3,
        "val": 2,
        "test": 2,
    }


def test_a_frame_twice_is_a_fault_of_its_split(tmp_path: Path) -> None:
    write, read, scene = READERS["transforms"]
    change("transforms.json", again)(write(tmp_path, frames=2))
    for split, count in {"train": 1, "val": 0, "test": 0, "all": 1}.items():
        faults: list[Fault] = []
        read(tmp_path, scene, split, faults=faults)
        assert [fault.name for fault in faults] == ["a/0.png"] * count
    left = read_usable(read, tmp_path, scene, ("all",), skip_faulty=True)
    assert "a/0.png" not in {view.name for view in left.views["all"]}
