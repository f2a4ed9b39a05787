from pathlib import Path

import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.match import Pairs, Targets, nearest_pairs, pair
from hinted_posenet.evaluation.pose_rows import PosesFile
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.evaluation.score import answers_of, failures

FRAMES = [f"seq-01/frame-{n:06d}.color.png" for n in range(4)]


def poses(tmp_path: Path, *names: str) -> PosesFile:
    """A file of poses whose x is the line."""
    lines = [f"{name} 1 0 0 0 {-n} 0 0" for n, name in enumerate(names, start=1)]
    (tmp_path / "p.txt").write_text("\n".join(lines))
    return read_poses_file(tmp_path / "p.txt", "text")


def trajectory(tmp_path: Path, *times: str) -> PosesFile:
    lines = [f"{time} {n} 0 0 0 0 0 1" for n, time in enumerate(times, start=1)]
    (tmp_path / "p.tum").write_text("\n".join(lines))
    return read_poses_file(tmp_path / "p.tum")


def lines_of(found: Pairs, count: int) -> list[int]:
    """The line that answers each frame; 0 for none."""
    lines = np.zeros(count, dtype=int)
    lines[found.frame] = found.answer + 1
    return list(lines)


def test_names_are_matched_as_they_are_without_a_note(tmp_path):
    found = pair(poses(tmp_path, *reversed(FRAMES)), Targets(FRAMES))
    assert lines_of(found, 4) == [4, 3, 2, 1] and found.notes == [] and found.coverage is None


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (".color.png", "", "without image suffixes"),
        (".color.png", ".jpg", "without image suffixes"),
        ("seq-01/", "seq-01-", "file names"),  # DSAC* and ACE
        ("seq-01/", "seq-01_", "file names"),
        ("seq-01/", "", "ends of their paths"),  # hloc
        ("seq-01/", "/data/redkitchen/seq-01/", "ends of their paths"),
        ("seq-01/", "test\\seq-01\\", "ends of their paths"),
    ],
)
def test_names_are_matched_as_other_software_writes_them(tmp_path, old, new, note):
    names = [name.replace(old, new) for name in reversed(FRAMES)]
    found = pair(poses(tmp_path, *names), Targets(FRAMES))
    assert lines_of(found, 4) == [4, 3, 2, 1]
    (told,) = found.notes
    assert note in told and names[0] in told and FRAMES[3] in told


def test_a_base_name_of_two_frames_is_refused_with_what_to_do(tmp_path):
    frames = [*FRAMES, "seq-02/frame-000000.color.png", "seq-02/frame-000007.color.png"]
    with pytest.raises(InputError, match=r"2 of them end so.*--prepend_camera_name"):
        pair(poses(tmp_path, "frame-000000.color.png", "frame-000007.color.png"), Targets(frames))


def test_a_frame_of_another_sequence_is_never_taken_for_one_of_the_same_name(tmp_path):
    with pytest.raises(InputError, match="none of the 4 frames, and neither is any other"):
        pair(
            poses(tmp_path, *(name.replace("seq-01", "seq-02") for name in FRAMES)), Targets(FRAMES)
        )


def test_missing_frames_have_no_answer_and_are_told(tmp_path):
    found = poses(tmp_path, FRAMES[2])
    pairs = pair(found, Targets(FRAMES))
    pose, _ = answers_of(found, pairs, len(FRAMES))
    assert pose.t[2, 0] == 1
    assert pose.t[[0, 1, 3]].isnan().all()
    (note,) = failures(found, pairs, FRAMES)
    assert note.startswith("3 of 4 frames have no pose (seq-01/frame-000000.color.png, ")
    assert note.endswith("they count as failures")


def test_unknown_frames_are_refused_by_line(tmp_path):
    with pytest.raises(InputError, match=r"p\.txt line 2: elsewhere\.png is none of the 4 frames"):
        pair(poses(tmp_path, FRAMES[0], "elsewhere.png"), Targets(FRAMES))
    with pytest.raises(InputError, match=r"neither is any.*names like seq-01/frame-000000"):
        pair(poses(tmp_path, "x", "y"), Targets(FRAMES))


def test_two_names_of_one_frame_are_refused(tmp_path):
    stem = FRAMES[0].removesuffix(".color.png")
    with pytest.raises(InputError, match=r"line 2: answers seq-01.*, as .*line 1 does"):
        pair(poses(tmp_path, f"{stem}.png", f"{stem}.jpg"), Targets(FRAMES))


def test_times_are_matched_to_the_nearest_frame_and_the_coverage_is_told(tmp_path):
    names = ["rgb/1.000.png", "rgb/2.000.png", "3.0", "4.5"]
    found = pair(trajectory(tmp_path, "2.004", "1.0", "2.5", "3.01"), Targets(names))
    assert lines_of(found, 4) == [2, 1, 4, 0]
    assert found.coverage is not None
    assert found.coverage["pairs"] == 3 and found.coverage["covered_s"] == 2
    assert found.coverage["largest_difference_s"] == pytest.approx(0.01)
    (note,) = found.notes
    assert (
        "3 of 4 poses have a true one within 0.01 s" in note
        and "2.0 s of the truth's 3.5 s (57%)" in note
    )


def test_of_two_answers_the_nearer_is_the_frames(tmp_path):
    found = pair(trajectory(tmp_path, "1.005", "1.001", "7"), Targets(["1.0", "2.0"]))
    assert lines_of(found, 2) == [2, 0]


def test_names_that_are_times_are_matched_with_a_trajectory(tmp_path):
    found = pair(
        poses(tmp_path, "cam0/1.505.png", "cam0/2.495.png"),
        Targets(["a"] * 3, np.array([1.5, 2, 2.5])),
    )
    assert lines_of(found, 3) == [1, 0, 2]


def test_clocks_that_differ_and_names_without_time_are_one_line(tmp_path):
    with pytest.raises(
        InputError, match=r"within 0.01 s .* poses are of 1.0 to 2.0 s, frames of 7.0 to"
    ):
        pair(trajectory(tmp_path, "1.0", "2.0"), Targets(["7.0", "8.0"]))
    with pytest.raises(InputError, match="a trajectory has times, but there are names like seq-01"):
        pair(trajectory(tmp_path, "1.0"), Targets(FRAMES))
    with pytest.raises(InputError, match=r"the truth is a trajectory, .* names like seq-01"):
        pair(poses(tmp_path, *FRAMES), Targets(["1"] * 4, np.arange(4.0)))


def test_lines_of_matrices_are_matched_one_by_one(tmp_path):
    (tmp_path / "kitti.txt").write_text("1 0 0 5 0 1 0 6 0 0 1 7\n" * 4)
    found = read_poses_file(tmp_path / "kitti.txt")
    assert lines_of(pair(found, Targets(FRAMES)), 4) == [1, 2, 3, 4]
    with pytest.raises(InputError, match=r"4 poses for 3 frames.*write lines of nan"):
        pair(found, Targets(FRAMES[:3]))
    timed = trajectory(tmp_path, "0", "0.1", "0.2", "0.3")
    assert lines_of(pair(timed, Targets(found.names, by_line=True)), 4) == [1, 2, 3, 4]


def test_nearest_pairs_are_those_of_a_search_over_all():
    generator = np.random.default_rng(0)
    for a_count, b_count in ((1, 1), (5, 200), (200, 5), (60, 60)):
        a_s, b_s = (np.round(generator.random(count), 3) for count in (a_count, b_count))
        a, b = nearest_pairs(a_s, b_s, 0.02)
        gaps = np.abs(a_s[:, None] - b_s)
        assert len(set(a)) == len(a) and len(set(b)) == len(b)
        assert (np.diff(b_s[b] if a_count > b_count else a_s[a]) >= 0).all()
        assert (gaps[a, b] == gaps.min(axis=0)[b]).all() or (
            gaps[a, b] == gaps.min(axis=1)[a]
        ).all()
        fewer = gaps.min(axis=int(a_count <= b_count)) <= 0.02
        assert len(a) <= fewer.sum() and (len(a) > 0) == fewer.any()


def test_nan_answers_are_told_with_their_line(tmp_path):
    (tmp_path / "p.txt").write_text(
        f"{FRAMES[0]} nan nan nan nan nan nan nan\n{FRAMES[1]} 1 0 0 0 0 0 0\n"
    )
    found = read_poses_file(tmp_path / "p.txt")
    pairs = pair(found, Targets(FRAMES[:2]))
    pose, _ = answers_of(found, pairs, 2)
    note = failures(found, pairs, FRAMES[:2])[0]
    assert "1 poses are NaN" in note and "line 1" in note
    assert torch.isnan(pose.t[:, 0]).tolist() == [True, False]
