"""One fault at a time, put into a sound fake data set: the doctor names it, and nothing else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import fakes
import numpy as np
import pytest
from layouts import READERS

from hinted_posenet.data.checks.checked_scene import FAULTS, Finding
from hinted_posenet.data.checks.examine import examine, to_exclude
from hinted_posenet.data.formats.recognise import recognise
from hinted_posenet.data.read_scene import write_exclude

FRAMES = 6


def faults(folder: Path, decode: bool = True) -> list[Finding]:
    findings = examine(recognise(folder), decode).findings
    return [finding for finding in findings if finding.severity in FAULTS]


def only_fault(folder: Path, decode: bool = True) -> Finding:
    (finding,) = faults(folder, decode)
    return finding


@pytest.mark.parametrize("layout", READERS)
@pytest.mark.parametrize("decode", [True, False])
def test_sound_data_sets_of_every_layout_pass(tmp_path, layout, decode):
    write, _, scene = READERS[layout]
    write(tmp_path, frames=FRAMES)
    assert faults(tmp_path / scene, decode) == []


# COLMAP's reader knows which images its model has; ACE's and LLFF's refuse images without a label, and an .npz
# file has its own
WITHOUT_UNLABELLED = {"colmap", "ace", "llff", "ortholoc", "anyvisloc"}


@pytest.mark.parametrize("layout", sorted(READERS.keys() - WITHOUT_UNLABELLED))
def test_images_without_a_label_are_counted(tmp_path, layout):
    folder = READERS[layout][0](tmp_path, frames=FRAMES)
    found = recognise(folder)
    image = found.read_views(found.root, found.scene, found.splits[0])[0].image
    _, _, endings = image.name.partition(".")
    for name in (f"987654321.{endings}", f"987654321.depth.{endings}", "987654321.txt"):
        shutil.copy(image, image.parent / name)
    said = [f for f in examine(recognise(folder), decode=False).findings if f.severity == "note"]
    (note,) = [finding for finding in said if finding.check == "images"]
    assert note.message.endswith(" without a label")
    named = {name.rpartition("/")[2] for name in note.frames}
    assert named - {"1305031106.960000.png"} == {f"987654321.{endings}"}  # which tum has no pose of


@pytest.fixture
def cambridge(tmp_path) -> Path:
    return fakes.write_cambridge(tmp_path, frames=FRAMES)


@pytest.fixture
def seven_scenes(tmp_path) -> Path:
    return fakes.write_seven_scenes(tmp_path, frames=FRAMES)


def edit_label(folder: Path, name: str, change: Callable[[list[str]], list[str]]) -> None:
    """Change the fields of one Cambridge label."""
    for path in folder.glob("dataset_*.txt"):
        lines = path.read_text().splitlines()
        lines = [" ".join(change(s.split())) if s.startswith(name) else s for s in lines]
        path.write_text("\n".join(lines) + "\n")


NAME = "seq3/frame00008.png"


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields[:-1],
        lambda fields: [*fields[:2], "nan", *fields[3:]],
        lambda fields: [*fields[:3], "-inf", *fields[4:]],
        lambda fields: [*fields[:4], "0", "0", "0", "0"],
        lambda fields: [*fields[:3], "1.2.3", *fields[4:]],
    ],
    ids=["too short", "nan", "inf", "zero quaternion", "no number"],
)
def test_a_broken_label_is_named_with_its_line(cambridge, change):
    edit_label(cambridge, NAME, change)
    finding = only_fault(cambridge)
    assert finding.check == "labels"
    assert list(finding.frames) == [NAME]
    assert "dataset_train.txt line" in finding.frames[NAME]


def test_a_matrix_that_is_no_rotation_is_named(seven_scenes):
    path = seven_scenes / "seq-02" / "frame-000010.pose.txt"
    matrix = np.loadtxt(path)
    matrix[:3, 0] *= 1.5
    np.savetxt(path, matrix)
    finding = only_fault(seven_scenes)
    assert finding.check == "labels"
    assert list(finding.frames) == ["seq-02/frame-000010.color.png"]


def test_a_quaternion_far_from_unit_length_is_a_fault_and_one_near_it_a_note(cambridge):
    edit_label(cambridge, NAME, lambda f: [*f[:4], *(str(1.9 * float(x)) for x in f[4:])])
    finding = only_fault(cambridge)
    assert (finding.check, finding.severity) == ("rotations", "warning")
    assert list(finding.frames) == [NAME]


def test_a_missing_image_is_named(cambridge):
    (cambridge / NAME).unlink()
    finding = only_fault(cambridge)
    assert (finding.check, finding.frames) == ("images", {NAME: "missing"})


def test_an_image_cut_short_is_found_by_decoding(cambridge):
    path = cambridge / NAME
    path.write_bytes(path.read_bytes()[:-80])
    finding = only_fault(cambridge)
    assert finding.check == "images"
    assert list(finding.frames) == [NAME]
    assert "cannot be decoded" in finding.frames[NAME]


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_a_file_that_is_no_image_is_found_by_its_header(cambridge, content):
    (cambridge / NAME).write_bytes(content)
    assert list(only_fault(cambridge, decode=False).frames) == [NAME]


def test_an_image_of_another_size_is_named(cambridge):
    assert cv2.imwrite(str(cambridge / NAME), np.full((24, 32, 3), 90, np.uint8))
    finding = only_fault(cambridge)
    assert finding.frames == {NAME: "32x24, intrinsics are for 64x48"}


def test_no_image_at_all_is_one_line_and_labels_are_checked(cambridge):
    for folder in cambridge.glob("seq*"):
        shutil.rmtree(folder)
    edit_label(cambridge, NAME, lambda fields: fields[:-1])
    labels, images = faults(cambridge)
    assert list(labels.frames) == [NAME]
    assert images.message.startswith("none of the 41 images exists")
    assert images.frames == {}


def test_without_focal_lengths_labels_are_checked(cambridge):
    (cambridge / "reconstruction.nvm").unlink()
    edit_label(cambridge, NAME, lambda fields: fields[:-1])
    nvm, labels = faults(cambridge)
    assert nvm.message.startswith("no reconstruction.nvm")
    assert list(labels.frames) == [NAME]


def test_a_camera_far_away_is_named(cambridge):
    edit_label(cambridge, NAME, lambda f: [f[0], "3.4e7", *f[2:]])
    finding = only_fault(cambridge)
    assert finding.check == "positions"
    assert list(finding.frames) == [NAME]
    assert "km" in finding.frames[NAME]


@pytest.mark.parametrize("decode", [True, False])
def test_an_image_in_two_splits_is_a_leak(cambridge, decode):
    shutil.copy(cambridge / NAME, cambridge / "seq4/frame00006.png")
    finding = only_fault(cambridge, decode)
    assert finding.check == "leakage"
    assert list(finding.frames) == ["seq4/frame00006.png"]
    assert NAME in finding.frames["seq4/frame00006.png"]


def test_an_image_stored_in_another_way_is_a_leak_too(cambridge):
    image = cv2.imread(str(cambridge / NAME))
    level = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    assert cv2.imwrite(str(cambridge / "seq4/frame00006.png"), image, level)
    assert (cambridge / NAME).read_bytes() != (cambridge / "seq4/frame00006.png").read_bytes()
    assert only_fault(cambridge).check == "leakage"


def test_a_frame_in_both_split_files_is_a_leak(seven_scenes):
    (seven_scenes / "TestSplit.txt").write_text("sequence3\nsequence2\n")
    finding = only_fault(seven_scenes, decode=False)
    assert finding.check == "leakage"
    assert len(finding.frames) == FRAMES


def test_one_image_at_two_places_is_a_fault(cambridge):
    shutil.copy(cambridge / NAME, cambridge / "seq3/frame00013.png")
    finding = only_fault(cambridge)
    assert (finding.check, finding.severity) == ("duplicates", "warning")
    assert list(finding.frames) == ["seq3/frame00013.png"]


def test_a_pose_that_is_stuck_is_a_fault(seven_scenes):
    folder = seven_scenes / "seq-12"
    for frame in (13, 16):
        shutil.copy(folder / "frame-000010.pose.txt", folder / f"frame-{frame:06d}.pose.txt")
    finding = only_fault(seven_scenes)
    assert finding.check == "duplicates"
    assert list(finding.frames) == [f"seq-12/frame-0000{n}.color.png" for n in (13, 16)]


def test_a_split_file_that_is_missing_is_told_and_the_other_split_checked(seven_scenes):
    (seven_scenes / "TestSplit.txt").unlink()
    (seven_scenes / "seq-02" / "frame-000010.color.png").write_bytes(b"")
    split, image = faults(seven_scenes)
    assert split.message.startswith("the test split cannot be read")
    assert list(image.frames) == ["seq-02/frame-000010.color.png"]


def test_frames_beyond_the_published_ones_are_told(tmp_path):
    folder = fakes.write_aerial(tmp_path, "tiny", frames=20)
    finding = only_fault(folder, decode=False)
    assert finding.check == "counts"
    assert "published are" in finding.message


def test_counts_that_nobody_published_are_not_called_so(tmp_path):
    folder = fakes.write_twelve_scenes(tmp_path, "office1/gates381", frames=FRAMES)
    findings = examine(recognise(folder), decode=False).findings
    (counts,) = (finding for finding in findings if finding.check == "counts")
    assert (counts.severity, counts.message) == ("ok", "12 train, 6 test frames in 3 sequences")


def test_what_is_excluded_already_is_no_fault(cambridge):
    edit_label(cambridge, NAME, lambda fields: fields[:-1])
    (cambridge / "seq1/frame00005.png").unlink()
    examination = examine(recognise(cambridge))
    listed = {"seq2/frame00009.png": "blurred", **to_exclude(examination)}
    assert set(listed) == {NAME, "seq1/frame00005.png", "seq2/frame00009.png"}
    write_exclude(cambridge / "exclude.txt", listed)
    after = examine(recognise(cambridge))
    assert after.is_sound
    assert to_exclude(after) == listed
    assert after.scene.counts == examination.scene.counts
    (note,) = (finding for finding in after.findings if finding.check == "exclude.txt")
    assert note.frames == listed


def test_a_stranger_in_the_list_is_told(cambridge):
    write_exclude(cambridge / "exclude.txt", {"seq9/frame00001.png": "blurred"})
    finding = only_fault(cambridge)
    assert (finding.check, list(finding.frames)) == ("exclude.txt", ["seq9/frame00001.png"])


def test_known_frames_of_the_card_are_told(cambridge):
    shop = cambridge.rename(cambridge.with_name("ShopFacade"))
    frame = "seq2/frame00006.png"
    assert faults(shop) == []
    (shop / "seq2/frame00036.png").write_bytes((shop / frame).read_bytes())
    (shop / frame).unlink()
    for path in (shop / "dataset_train.txt", shop / "reconstruction.nvm"):
        path.write_text(path.read_text().replace("seq2/frame00006", "seq2/frame00036"))
    finding = only_fault(shop)
    assert finding.check == "known frames"
    assert list(finding.frames) == ["seq2/frame00036.png"]


def test_a_manifest_that_is_broken_is_told(tmp_path):
    folder = fakes.write_aerial(tmp_path, frames=FRAMES)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["counts"]["train"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = faults(folder)
    assert found[0].check == "labels"
    assert "manifest.json says 13 train frames" in found[0].message
