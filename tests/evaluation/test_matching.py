from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.poses_file import PosesFile, read_poses_file
from hinted_posenet.evaluation.score import match

FRAMES = [f"seq-01/frame-{n:06d}.color.png" for n in range(4)]


def poses(tmp_path: Path, *names: str) -> PosesFile:
    """A file of poses whose x is the line."""
    lines = [f"{name} 1 0 0 0 {-n} 0 0" for n, name in enumerate(names, start=1)]
    (tmp_path / "p.txt").write_text("\n".join(lines))
    return read_poses_file(tmp_path / "p.txt", "text")


@pytest.mark.parametrize("suffix", [".color.png", "", ".jpg"])
def test_names_are_matched_with_or_without_their_suffix(tmp_path, suffix):
    names = [name.replace(".color.png", suffix) for name in reversed(FRAMES)]
    pose, _, notes = match(poses(tmp_path, *names), FRAMES)
    assert pose.t[:, 0].tolist() == [4, 3, 2, 1]
    assert notes == []


def test_missing_frames_have_no_answer_and_are_told(tmp_path):
    pose, _, notes = match(poses(tmp_path, FRAMES[2]), FRAMES)
    assert pose.t[2, 0] == 1
    assert pose.t[[0, 1, 3]].isnan().all()
    (note,) = notes
    assert note.startswith("3 of 4 frames have no pose (seq-01/frame-000000.color.png, ")
    assert note.endswith("they count as failures")


def test_unknown_frames_are_refused_by_line(tmp_path):
    with pytest.raises(InputError, match=r"p\.txt line 2: elsewhere\.png is none of the 4 frames"):
        match(poses(tmp_path, FRAMES[0], "elsewhere.png"), FRAMES)
    with pytest.raises(InputError, match=r"neither is any other.*names like seq-01/frame-000000"):
        match(poses(tmp_path, "x", "y"), FRAMES)


def test_two_names_of_one_frame_are_refused(tmp_path):
    stem = FRAMES[0].removesuffix(".color.png")
    with pytest.raises(InputError, match=r"line 2: answers seq-01.*, as .*line 1 does"):
        match(poses(tmp_path, f"{stem}.png", f"{stem}.jpg"), FRAMES)


def test_times_are_matched_to_the_nearest_frame(tmp_path):
    (tmp_path / "p.tum").write_text("2.004 7 0 0 0 0 0 1\n1.0 5 0 0 0 0 0 1\n")
    pose, _, _ = match(
        read_poses_file(tmp_path / "p.tum"), ["rgb/1.000.png", "rgb/2.000.png", "3.0"]
    )
    assert pose.t[:2, 0].tolist() == [5, 7]
    assert pose.t[2].isnan().all()


@pytest.mark.parametrize(
    ("line", "message"),
    [("2.5 0 0 0 0 0 0 1", "line 2: 2.5 is none"), ("1.005 0 0 0 0 0 0 1", "line 2: answers 1.0")],
)
def test_times_off_or_twice_are_refused(tmp_path, line, message):
    (tmp_path / "p.tum").write_text(f"1.0 5 0 0 0 0 0 1\n{line}\n")
    with pytest.raises(InputError, match=message):
        match(read_poses_file(tmp_path / "p.tum"), ["1.0", "2.0"])


def test_times_need_frames_that_are_named_after_them(tmp_path):
    (tmp_path / "p.tum").write_text("1.0 5 0 0 0 0 0 1\n")
    with pytest.raises(InputError, match="a TUM trajectory has times, but frames have names like"):
        match(read_poses_file(tmp_path / "p.tum"), FRAMES)


def test_nan_answers_are_told_with_their_line(tmp_path):
    (tmp_path / "p.txt").write_text(
        f"{FRAMES[0]} nan nan nan nan nan nan nan\n{FRAMES[1]} 1 0 0 0 0 0 0\n"
    )
    pose, _, notes = match(read_poses_file(tmp_path / "p.txt"), FRAMES[:2])
    assert "1 poses are NaN" in notes[0] and "line 1" in notes[0]
    assert torch.isnan(pose.t[:, 0]).tolist() == [True, False]
