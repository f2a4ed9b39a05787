"""A table of frames as people write it: columns that may be missing, and mistakes told by line."""

from pathlib import Path

import fakes
import pytest
from layouts import assert_says

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import csv_frames

BY_HAND = (
    "name,fx,fy,cx,cy,width,height,"
    "T_world_cam_qw,T_world_cam_qx,T_world_cam_qy,T_world_cam_qz,"
    "T_world_cam_tx,T_world_cam_ty,T_world_cam_tz\n"
    "noon/1.jpg,500,500,320,240,640,480,1,0,0,0,2.5,0,-1\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fakes.write_csv(tmp_path, frames=2) / "frames.csv"


def read(path: Path, split: str = "all", faults: list[Fault] | None = None) -> list[View]:
    return csv_frames.read_views(path.parents[1], path.parent.name, split, faults=faults)


def test_splits_sequences_times_and_tags(path: Path) -> None:
    counts = {split: len(read(path, split)) for split in ("train", "val", "test", "all")}
    assert counts == {"train": 4, "val": 2, "test": 2, "all": 8}
    view = read(path, "test")[1]
    assert (view.name, view.sequence, view.time_s) == ("d/1.png", "d", 0.1)
    assert view.tags == {"weather": "rain"} and view.distortion == ()


def test_the_least_that_can_be_written_by_hand(path: Path) -> None:
    path.write_text(BY_HAND)
    (view,) = read(path)
    assert view.image == path.parent / "images" / "noon" / "1.jpg"
    assert view.T_world_cam.t.tolist() == [2.5, 0, -1]
    assert view.T_world_cam.q.tolist() == [1, 0, 0, 0]
    assert (view.sequence, view.time_s, view.size) == ("noon", None, (640, 480))
    with pytest.raises(InputError, match="has no column split; `hinted-posenet data import` makes"):
        read(path, "train")


def test_a_table_of_a_spreadsheet(path: Path) -> None:
    before = read(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert [view.name for view in read(path)] == [view.name for view in before]


def test_a_lens_and_its_empty_fields(path: Path) -> None:
    head, row = BY_HAND.splitlines()
    rows = [
        f"{row.replace('noon/1', str(i))},{lens}" for i, lens in enumerate(["0.1,", ",", "0,0"])
    ]
    path.write_text("\n".join([f"{head},k1,p2", *rows]))
    assert [view.distortion for view in read(path)] == [(0.1, 0, 0, 0, 0), (), ()]


def test_what_is_wrong_is_told_by_line(path: Path) -> None:
    good = path.read_text()
    first, second = good.splitlines()[1:3]

    def says(text: str, *words: str) -> None:
        path.write_text(text)
        assert_says(lambda: read(path), "frames.csv line", *words)

    says(good.replace("fx,", "focal,", 1), "line 1", "fx is missing", csv_frames.CARD)
    says(good.replace("tag_weather", "weather"), "line 1", "'weather' is not known")
    says(good.replace("time_s", "split", 1), "line 1", "twice")
    says(good.replace(",", ";"), "line 1", "name is missing", "comma")
    says(good.replace("T_world_cam_qz", "T_cam_world_qz"), "line 1", "T_world_cam_qz is missing")
    for new, words in {
        second.rsplit(",", 1)[0]: ("fields",),
        f"{second},more": ("fields",),
        first: ("a/0.png is already on line 2",),
        second.replace("train", "trian"): ("'trian'",),
        second.replace(second.split(",")[4], "nan"): ("finite",),
        second.replace(second.split(",")[4], "?"): ("expected numbers",),
        second.replace("52.5", "-52.5"): ("not positive",),
        second.replace(",64,48", ",64,48.5"): ("height: '48.5'",),
        second.replace("a/1.png", "../1.png"): ("'../1.png'", "leads out of the folder"),
        second.replace("a/1.png", ""): ("'' is no name",),
        second.replace("0.1", "noon", 1): ("expected numbers",),
    }.items():
        says(good.replace(second, new), "line 3", *words)


def test_frames_that_are_wrong_are_collected(path: Path) -> None:
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("52.5", "wide").replace("60.5", "wide")
    path.write_text("\n".join([*lines, lines[1]]))
    faults: list[Fault] = []
    assert len(read(path, faults=faults)) == 7
    assert [fault.name for fault in faults] == ["b/0.png", "a/0.png"]
    assert "line 4" in faults[0].message and "line 10" in faults[1].message
