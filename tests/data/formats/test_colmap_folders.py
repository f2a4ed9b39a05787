"""COLMAP models as people have them: where they lie, how images are named, which images they have."""

import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import fakes
import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.checks.examine import examine
from hinted_posenet.data.distortion import Fisheye
from hinted_posenet.data.formats import colmap
from hinted_posenet.data.formats.notes import collected_notes
from hinted_posenet.data.formats.recognise import recognise

NAMES = [f"{i}.png" for i in range(4)]
PINHOLE = "1 PINHOLE 64 48 60 61 31.5 24.5"


def write_model(
    folder: Path,
    names: Sequence[str] = NAMES,
    between: str = "",
    cameras: Sequence[str] = (PINHOLE,),
) -> None:
    """Write a text model; ``between`` is the line after each image, None leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# header"]
    for i, name in enumerate(names):
        view = fakes.camera(0, i)
        lines.append(f"{i + 1} {fakes.numbers(view.q_cam_world, view.t_cam_world)} 1 {name}")
        lines += [] if between is None else [between]
    (folder / "images.txt").write_text("\n".join([*lines, ""]), errors="surrogateescape")
    (folder / "cameras.txt").write_text("\n".join([*cameras, ""]))


def write_images(
    folder: Path, names: Sequence[str] = NAMES, width: int = 64, height: int = 48
) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image = np.full((height, width, 3), 10 * number, np.uint8)
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, image)[1].tobytes())


def read(
    scene: Path, faults: list[Fault] | None = None, **options: str
) -> tuple[list[View], list[str]]:
    """All views of a scene, and what the reader says."""
    with collected_notes() as notes:
        views = colmap.read_views(scene.parent, scene.name, "all", faults=faults, **options)
    return views, notes


@pytest.mark.parametrize("between", [None, "", "1.5 2.5 -1 3 4 12", "# a remark"])
def test_lines_of_points_may_be_left_out(tmp_path: Path, between: str) -> None:
    write_model(tmp_path / "sparse/0", between=between)
    views, notes = read(tmp_path)
    assert [view.name for view in views] == NAMES
    for i, view in enumerate(views):
        assert np.abs(view.T_world_cam.t.numpy() - fakes.camera(0, i).t).max() < 1e-9
    said = "images.txt: 3 of 4 images have no line of 2-D points"
    assert [note.endswith(said) for note in notes] == (
        [True] if between in (None, "# a remark") else []
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("9 1 0 0 0 0 0 0 1 1 2 3", "line 3: an image with a number as its name, or the points"),
        ("1 2 3 4", "line 3: expected `image_id qw"),
        ("some text", "line 3: expected `image_id qw"),
        ("9 1 0 0 0 0 0 0 ² a.png", "line 3: expected `image_id qw"),
        ("9 1 0 0 0 0 0 0 99999999999 a.png", "line 3: '99999999999' is no whole number"),
        ("1 1 1 " * 2**21, "line 3: longer than 8 MB"),
        ("9 1 0 0 0 0 0 0 1 a\0.png", "line 3: holds a NUL character"),
    ],
)
def test_what_is_neither_an_image_nor_points(tmp_path: Path, line: str, message: str) -> None:
    write_model(tmp_path / "sparse/0", ["a.png", "b.png"], between=line)
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_the_larger_of_two_models_is_read_and_both_are_named(tmp_path: Path) -> None:
    scene = tmp_path / "house"
    write_model(scene / "sparse/0", NAMES[:1], between=None)
    write_model(scene / "sparse/1", NAMES[1:])
    write_images(scene / "images")
    views, notes = read(scene)
    assert [view.name for view in views] == NAMES[1:]
    assert notes == [
        f"{scene}: reads the model sparse/1 (3 images), not sparse/0 (1 images); reader.model chooses another",
        f"{scene}/images: 1 of 4 images have no pose in the model, such as 0.png",
    ]
    assert [view.name for view in read(scene, model="sparse/0")[0]] == NAMES[:1]
    found = examine(recognise(scene))
    assert [f.message for f in found.findings if f.check == "reading"] == notes
    for split in ("train", "test"):
        (scene / "sparse/0" / f"{split}.txt").write_text(f"{NAMES[0]}\n")
    assert recognise(scene).splits == ("train", "test")
    assert [view.name for view in read(scene)[0]] == NAMES[:1]  # whoever wrote lists chose it


@pytest.mark.parametrize(
    ("model", "images"),
    [
        ("sparse", "images"),
        ("sparse/0", "images"),
        ("colmap/sparse/0", "images"),
        ("dense/0/sparse", "dense/0/images"),
        ("outputs/sfm_superpoint+lightglue", "images"),
        (".", "images"),
        ("sparse/0", "images_4"),
        ("sparse/0", "rgb"),
    ],
)
def test_a_model_is_found_wherever_tools_write_it(tmp_path: Path, model: str, images: str) -> None:
    scene = tmp_path / "house"
    write_model(scene / model)
    write_images(scene / images)
    (scene / "images").mkdir(exist_ok=True)
    (scene / model / "rigs.txt").write_text("1 2 3\n")
    found = recognise(scene)
    assert (found.layout, found.folder, found.splits) == ("colmap", scene, ("all",))
    views = found.read_views(found.root, found.scene, "all")
    assert [view.image for view in views] == [scene / images / name for name in NAMES]


def test_a_model_without_its_images_is_found(tmp_path: Path) -> None:
    write_model(tmp_path / "sfm_superpoint+lightglue", ["mapping/0.png"])
    write_images(tmp_path, ["mapping/0.png"])
    for path in (tmp_path, tmp_path / "sfm_superpoint+lightglue"):
        found = recognise(path)
        (view,) = found.read_views(found.root, found.scene, "all")
        assert view.image == tmp_path / "mapping/0.png"


@pytest.mark.parametrize("missing", ["cameras.txt", "images.txt"])
def test_half_a_model(tmp_path: Path, missing: str) -> None:
    write_model(tmp_path / "house/sparse/0")
    (tmp_path / "house/sparse/0" / missing).unlink()
    with pytest.raises(InputError, match=r"copy the whole model|no scene 'house'"):
        read(tmp_path / "house")


def test_names_with_backslashes(tmp_path: Path) -> None:
    write_model(tmp_path / "sparse/0", ["DCIM\\100\\a.png", "DCIM\\100\\b.png"])
    write_images(tmp_path / "images", ["DCIM/100/a.png", "DCIM/100/b.png"])
    views, notes = read(tmp_path)
    assert [view.name for view in views] == ["DCIM/100/a.png", "DCIM/100/b.png"]
    assert all(view.image.is_file() and view.sequence == "DCIM/100" for view in views)
    assert notes == []
    (tmp_path / "sparse/0/test.txt").write_text("DCIM\\100\\b.png\n")
    (view,) = colmap.read_views(tmp_path.parent, tmp_path.name, "test")
    assert view == views[1]._replace(T_world_cam=view.T_world_cam)


@pytest.mark.parametrize(
    ("stored", "name"), [("照片0.png".encode("gb18030"), "照片0.png"), (b"m\xfc 0.png", "mü 0.png")]
)
@pytest.mark.parametrize("unpacked_as", ["stored", "text"])
def test_names_in_the_encoding_of_a_windows(
    tmp_path: Path, stored: bytes, name: str, unpacked_as: str
) -> None:
    raw = stored.decode(errors="surrogateescape")
    write_model(tmp_path / "sparse/0", [raw])
    write_images(tmp_path / "images", [raw if unpacked_as == "stored" else name])
    (view,), notes = read(tmp_path)
    assert view.name == name and view.image.is_file() and notes == []


def test_images_at_half_size_have_a_scaled_camera(tmp_path: Path) -> None:
    write_model(tmp_path / "sparse/0", cameras=["1 OPENCV 64 48 60 61 31.5 24.5 -0.1 0 0 0"])
    write_images(tmp_path / "images", width=32, height=24)
    views, (note,) = read(tmp_path)
    assert views[0].K.tolist() == [[30, 0, 15.75], [0, 30.5, 12.25], [0, 0, 1]]
    assert views[0].size == (32, 24) and views[0].distortion == (-0.1, 0, 0, 0, 0)
    assert note.endswith(
        "4 images are 32x24 and their cameras for 64x48; K is scaled to the images"
    )


def test_images_of_another_shape_keep_the_size_that_is_compared(tmp_path: Path) -> None:
    write_model(tmp_path / "sparse/0")
    write_images(tmp_path / "images", width=48, height=64)  # turned
    views, notes = read(tmp_path)
    assert views[0].size == (64, 48) and notes == []
    assert not examine(recognise(tmp_path)).is_sound


def test_a_name_twice_is_read_by_neither_of_its_poses(tmp_path: Path) -> None:
    write_model(tmp_path / "sparse/0", ["0.png", "1.png", "0.png"])
    with pytest.raises(InputError, match=r"images.txt line 6: 0.png is there twice; remove"):
        read(tmp_path)
    faults: list[Fault] = []
    views, _ = read(tmp_path, faults)
    assert [view.name for view in views] == ["1.png"] and [f.name for f in faults] == ["0.png"]


def test_a_camera_twice(tmp_path: Path) -> None:
    write_model(tmp_path / "sparse/0", cameras=[PINHOLE, PINHOLE])
    assert len(read(tmp_path)[0]) == 4
    write_model(tmp_path / "sparse/0", cameras=[PINHOLE, PINHOLE.replace(" 60 ", " 66 ")])
    with pytest.raises(
        InputError, match=r"cameras.txt line 2: camera 1 is there twice, with other"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        ("FOV 64 48 60 61 31.5 24.5 0.9", "camera model 'FOV'"),
        ("PINHOLE 64 48 0 0 31.5 24.5", "is not positive"),
        ("PINHOLE 64 48 nan 60 31.5 24.5", "expected finite numbers"),
        ("PINHOLE 64 48 60 60 0.5 0.5", ""),
        ("PINHOLE 64 48 60 60 310 240", "is outside of 64 x 48"),
        ("PINHOLE 640 480 60 60 310 240", ""),
        ("PINHOLE 2147483647 2147483647 60 60 310 240", "expected 1"),
        ("OPENCV 64 48 60 60 31 24 inf 0 0 0", "expected finite numbers"),
    ],
)
def test_one_camera_that_cannot_be_is_a_fault_of_its_images_alone(
    tmp_path: Path, camera: str, message: str
) -> None:
    model = tmp_path / "sparse/0"
    write_model(model, cameras=[PINHOLE, f"2 {camera}"])
    lines = (model / "images.txt").read_text()
    (model / "images.txt").write_text(lines.replace("1 3.png", "2 3.png"))
    faults: list[Fault] = []
    views, _ = read(tmp_path, faults)
    assert len(views) == (3 if message else 4)
    assert [message in fault.message for fault in faults] == ([True] if message else [])
    assert examine(recognise(tmp_path)).is_sound is False  # also because there are no images


def test_one_fisheye_among_pinholes(tmp_path: Path) -> None:
    write_model(
        tmp_path / "sparse/0", cameras=[PINHOLE, "2 RADIAL_FISHEYE 64 48 40 31.5 24.5 0.01 0"]
    )
    lines = (tmp_path / "sparse/0/images.txt").read_text()
    (tmp_path / "sparse/0/images.txt").write_text(lines.replace("1 3.png", "2 3.png"))
    lenses = [view.distortion for view in read(tmp_path)[0]]
    assert lenses == [(), (), (), Fisheye(0.01)]


def test_places_beyond_any_world_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "sparse/0")
    path = tmp_path / "sparse/0/images.txt"
    path.write_text(path.read_text() + "5 1 0 0 0 1e30 0 0 1 far.png\n")
    with pytest.raises(InputError, match=r"far.png is 1e.30 m from the origin, expected at most"):
        read(tmp_path)


COUNT = struct.pack("<Q", 2**64 - 1)
CAMERA = struct.pack("<iiQQ4d", 1, 1, 64, 48, 60, 61, 31.5, 24.5)
IMAGE = struct.pack("<i7di", 1, 1, 0, 0, 0, 0, 0, 0, 1)
NONE, ONE = struct.pack("<Q", 0), struct.pack("<Q", 1)


@pytest.mark.parametrize(
    ("cameras", "images", "message"),
    [
        (ONE + CAMERA, ONE + IMAGE + b"a.png\0" + NONE, ""),
        (COUNT + CAMERA, ONE + IMAGE + b"a.png\0" + NONE, "cameras.bin: is cut off"),
        (ONE + CAMERA, COUNT + IMAGE + b"a.png\0" + NONE, "images.bin: is cut off"),
        (ONE + CAMERA, ONE + IMAGE + b"a.png\0" + COUNT, "images.bin: is cut off"),
        (ONE + CAMERA, ONE + IMAGE + b"a" * 9999, "its name does not end"),
        (ONE + CAMERA, NONE + IMAGE + b"a.png\0" + NONE, "goes on after its 0 records"),
        (NONE + CAMERA, ONE + IMAGE + b"a.png\0" + NONE, "goes on after its 0 records"),
        (NONE, ONE + IMAGE + b"a.png\0" + NONE, "is of camera 1, which is not in the model"),
        (ONE + CAMERA, ONE + IMAGE + b"a\n.png\0" + NONE, "line end or control"),
        (ONE + CAMERA, ONE + IMAGE + b"\0" + NONE, "is no name of an image"),
        (b"", b"", "cameras.bin: is cut off"),
        (
            ONE + CAMERA.replace(struct.pack("<QQ", 64, 48), COUNT + COUNT),
            ONE + IMAGE + b"a.png\0" + NONE,
            "focal length 60 61 px, expected",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_binary_models_that_lie(
    tmp_path: Path, cameras: bytes, images: bytes, message: str
) -> None:
    model = tmp_path / "sparse/0"
    model.mkdir(parents=True)
    (model / "cameras.bin").write_bytes(cameras)
    (model / "images.bin").write_bytes(images)
    if not message:
        assert [view.name for view in read(tmp_path)[0]] == ["a.png"]
        return
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path)
    assert "\n" not in str(error.value)
