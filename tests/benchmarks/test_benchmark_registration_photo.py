"""The benchmark of one photo: its command fills its table, and its views stay on the map."""

import sys

import pytest
import registration_photo
import torch
from maps import write_map

from hinted_posenet.core.geometry import rotate
from hinted_posenet.inference.map_localizer import open_map


@pytest.fixture
def photo(tmp_path):
    return write_map(tmp_path)[0]


def test_the_command_fills_its_table(photo, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- begin registration photo -->\n<!-- end registration photo -->\n")
    words = ["--map", photo, "--heights_m", 110, "--images", 2, "--insert", page]
    monkeypatch.setattr(sys, "argv", ["registration_photo", *map(str, words)])
    registration_photo.main()
    assert "110 m" in capsys.readouterr().out
    assert page.read_text().count("| 110 m | ") == 1


def test_cameras_look_down_and_see_the_map(photo, monkeypatch):
    monkeypatch.setattr(registration_photo, "GPS_M", 10.0)
    over_map, generator = open_map(photo), torch.Generator().manual_seed(0)
    for _ in range(20):
        pose = registration_photo.drawn_pose(over_map, 60.0, generator)
        assert pose.t[:2].abs().max() <= 120 - 0.7 * 60 - 30 and pose.t[2] == 60
        axis = rotate(pose.q, torch.tensor([0.0, 0.0, 1.0]).double())
        assert axis[2] < -torch.tensor(3.0).deg2rad().cos() + 1e-6
