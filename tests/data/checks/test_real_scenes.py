"""The published data: known faults are found, and nobody else is flagged."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hinted_posenet.data.checks.checked_scene import FAULTS
from hinted_posenet.data.checks.examine import examine, to_exclude
from hinted_posenet.data.formats.recognise import recognise

pytestmark = pytest.mark.realdata

KNOWN = {
    "GreatCourt": {"seq5/frame00297.png"},  # 3.36 million km away, so that its label is no label
    "KingsCollege": set(),
    "ShopFacade": {"seq2/frame00036.png", "seq2/frame00043.png"},
}


@pytest.mark.parametrize("scene", KNOWN)
def test_wrong_labels_of_cambridge_are_found_by_themselves(real_data, scene):
    examination = examine(recognise(real_data / "cambridge_labels" / scene))
    flagged = {
        check: {name for f in examination.findings if f.check == check for name in f.frames}
        for check in ("labels", "positions", "flips")
    }
    far, near = (KNOWN[scene], set()) if scene == "GreatCourt" else (set(), KNOWN[scene])
    assert flagged == {"labels": far, "positions": near, "flips": near}
    assert set(to_exclude(examination)) == KNOWN[scene]
    # without images a scene is not sound, but that is all that there is to say
    others = [f for f in examination.findings if f.severity in FAULTS and not f.frames]
    assert [finding.check for finding in others] == ["labels", "images"]


def test_redkitchen_passes(real_data):
    examination = examine(recognise(real_data / "seven_scenes" / "redkitchen"))
    assert examination.is_sound
    assert to_exclude(examination) == {}
    severity = {finding.check: finding.severity for finding in examination.findings}
    assert severity["focal length"] == severity["neighbours"] == "ok"
    convention = examination.findings[-1]
    assert (convention.check, convention.severity) == ("convention", "ok")
    # the colour camera repeats images while the tracker goes on
    assert "43 frames with the image of another" in next(
        f.message for f in examination.findings if f.check == "duplicates"
    )


def test_redkitchen_with_inverted_poses_is_told(real_data, tmp_path):
    source = real_data / "seven_scenes" / "redkitchen"
    folder = tmp_path / "redkitchen"
    for sequence in ("seq-02", "seq-05", "seq-08"):
        for path in (source / sequence).iterdir():
            target = folder / sequence / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.name.endswith(".pose.txt"):
                np.savetxt(target, np.linalg.inv(np.loadtxt(path)))
            else:
                shutil.copy(path, target)
    write_splits(folder, "sequence2\nsequence5\n", "sequence8\n")
    examination = examine(recognise(folder), decode=False)  # no pose can be judged by itself
    (fault,) = (f for f in examination.findings if f.severity in FAULTS)
    assert fault.check == "convention"
    assert fault.message.startswith("the inverse fits better")


def shifted(T: np.ndarray) -> np.ndarray:
    """Half a metre aside."""
    T[:3, 3] += [0.3, -0.3, 0.26]
    return T


def turned(T: np.ndarray) -> np.ndarray:
    """10 degrees about the optical axis and 6 to the side."""
    roll, yaw = np.radians([10, 6])
    about_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    about_y = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    T[:3, :3] = T[:3, :3] @ np.array(about_z) @ np.array(about_y)
    return T


def test_single_wrong_poses_and_a_wrong_focal_length_of_redkitchen_are_told(real_data, tmp_path):
    source, folder = real_data / "seven_scenes" / "redkitchen", tmp_path / "redkitchen"
    for sequence in ("seq-01", "seq-02"):
        shutil.copytree(source / sequence, folder / sequence)
    write_splits(folder, "sequence1\n", "sequence2\n")
    elsewhere = np.loadtxt(source / "seq-06" / "frame-000000.pose.txt")
    wrong = {
        "seq-01/frame-000012": shifted,
        "seq-01/frame-000030": turned,
        "seq-02/frame-000020": lambda T: elsewhere,
    }
    for name, change in wrong.items():
        path = folder / f"{name}.pose.txt"
        path.chmod(0o644)
        np.savetxt(path, change(np.loadtxt(path)))
    (folder / "camera-intrinsics.txt").write_text("630 0 320\n0 630 240\n0 0 1\n")
    examination = examine(recognise(folder), decode=False, pairs=1000)
    told = {finding.check: finding for finding in examination.findings}
    assert told["focal length"].severity == "warning"
    assert "stated focal length 630 px, matches say 5" in told["focal length"].message
    assert set(told["neighbours"].frames) == {f"{name}.color.jpg" for name in wrong}
    assert told["neighbours"].frames.keys() <= to_exclude(examination).keys()


def write_splits(folder: Path, train: str, test: str) -> None:
    (folder / "TrainSplit.txt").write_text(train)
    (folder / "TestSplit.txt").write_text(test)
