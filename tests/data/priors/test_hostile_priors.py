"""Priors that are broken, absurd or meant to do harm: each is refused in one line."""

from pathlib import Path

import fakes
import pytest
import torch
from layouts import assert_says
from PIL import ExifTags, Image

from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.data.formats import aerial, csv_frames
from hinted_posenet.data.priors.check import check_priors
from hinted_posenet.data.priors.photo_time import exif_time_s
from hinted_posenet.data.priors.place import PriorKeys, place
from hinted_posenet.data.priors.read import read_priors

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
GPX = '<gpx version="1.1" creator="x"><wpt lat="48" lon="11"><name>&b;</name></wpt></gpx>'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gps.csv", "name,x,y,z\né,1,2,3\n".encode("latin-1"), "line 2: not UTF-8 text"),
        ("gps.csv", b'name,x,y,z\n"a,1,2,3\n', "line 2: no CSV"),
        ("gps.csv", b"name,x,y,z\n" + b"a" * 200_000, "field larger than field limit"),
        ("gps.csv", b"name,x,y,z\na,1,2\n", "as many fields as the header"),
        ("gps.csv", "name,x,y,z\na,²,2,3\n".encode(), "x is '²', expected a number"),
        ("gps.csv", b"time_s,x,y,z\nnan,1,2,3\n", "time_s is nan"),
        ("gps.gpx", BOMB.encode() + GPX.encode(), "declares types of its own"),
        ("gps.gpx", GPX.encode("utf-8")[:-8], "not a readable GPX file"),
        ("gps.gpx", b"\xff\xfe\xff", "not UTF-16 text"),
        ("gps.tum", b"1 2 3 4 0 0 0 1 9\n", "expected 8 fields"),
        ("gps.tum", b"1 2 3 4 0 0 0 0\n", "norm 0"),
    ],
)
def test_files_that_are_no_priors(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert_says(lambda: read_priors(tmp_path / name, {}), name, message)


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "gps.csv").mkdir()
    assert_says(lambda: read_priors(tmp_path / "gps.csv", {}), "no such file")


def test_a_trajectory_with_commas(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1.5,1,2,3,0,0,0,1\n")
    (reading,) = read_priors(tmp_path / "a.txt", {})
    assert (reading.time_s, reading.position.tolist()) == (1.5, [1, 2, 3])


def test_a_place_outside_of_any_world(tmp_path: Path) -> None:
    (tmp_path / "gps.csv").write_text("name,x,y,z,sigma_t_m\na,1e30,2,3,1e30\n")
    (prior,) = place(read_priors(tmp_path / "gps.csv", {}), PriorKeys(), None)
    center = torch.zeros(3, dtype=torch.float64)
    more = f"more than {COORDINATE_M:g} m from the world's origin"
    assert_says(lambda: check_priors(["a"], [prior.hint], center, 10.0), "a: its prior", more)
    assert check_priors(["a"], [prior.hint], center, 10.0, "ignore") == [None]


@pytest.mark.parametrize("number", ["nan", "1e30"])
def test_priors_in_frames_csv(tmp_path: Path, number: str) -> None:
    path = fakes.write_csv(tmp_path, frames=1) / "frames.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text(
        "\n".join(
            [
                f"{header},prior_x,prior_y,prior_z,prior_sigma_t_m",
                *(f"{row},{number},2,3,4" for row in rows),
            ]
        )
    )
    assert_says(
        lambda: csv_frames.read_views(tmp_path, "garden", "train"),
        "frames.csv line 2",
        "its prior is",
    )


def test_priors_of_aerial_scenes(tmp_path: Path) -> None:
    path = fakes.write_aerial(tmp_path, frames=1, priors=True) / "frames.csv"
    header, first, *rows = path.read_text().splitlines()
    fields = first.split(",")
    fields[header.split(",").index("prior_T_cam_world_tx")] = "1e30"
    path.write_text("\n".join([header, ",".join(fields), *rows]))
    assert_says(
        lambda: aerial.read_views(tmp_path, "prairie", "train"), "frames.csv line 2", "its prior is"
    )


def test_an_offset_that_is_no_time_zone(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 10:00:00"
    Image.new("RGB", (16, 12)).save(tmp_path / "a.jpg", exif=tags)
    assert_says(lambda: exif_time_s(tmp_path / "a.jpg", 100.0), "utc_offset_h=100")
