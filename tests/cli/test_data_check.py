"""hinted-posenet data check: exit codes, what is printed, what is written."""

import json
from functools import partial
from pathlib import Path

import cv2
import fakes
import pytest

from hinted_posenet.data.formats.cambridge import read_views
from hinted_posenet.data.splits import split_views


@pytest.fixture
def check(here):
    return partial(here, "data", "check")


@pytest.fixture
def scene(tmp_path) -> Path:
    return fakes.write_cambridge(tmp_path / "data", frames=6)


def test_a_sound_scene_passes_and_is_drawn(check, scene, tmp_path):
    done = check(scene)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sound, with" in done.stdout
    assert "written: KingsCollege-cameras.png" in done.stdout
    assert cv2.imread(str(tmp_path / "KingsCollege-cameras.png")).shape[1] > 800
    assert sorted(path.name for path in tmp_path.iterdir()) == ["KingsCollege-cameras.png", "data"]


def test_a_bad_frame_fails_until_it_is_excluded(check, scene, tmp_path):
    name = "seq3/frame00008.png"
    (scene / name).write_bytes(b"")
    done = check(scene, "picture=false", "quick=true", "write_exclude=true")
    assert done.returncode == 1
    assert "ERROR   images" in done.stdout
    assert f"{name}: cannot be decoded" in done.stdout
    assert f"written: {scene / 'exclude.txt'}" in done.stdout

    done = check(scene, "picture=false", "quick=true")
    assert done.returncode == 0
    assert "1 frame excluded already" in done.stdout
    splits = split_views(read_views, scene.parent, scene.name)
    assert list(splits.excluded) == [name]
    assert name not in {view.name for views in splits.views.values() for view in views}


def test_a_list_elsewhere_keeps_what_is_in_it(check, scene, tmp_path):
    (scene / "seq3/frame00008.png").unlink()
    (tmp_path / "mine.txt").write_text("seq1/frame00005.png # blurred\n")
    check(scene, "picture=false", "write_exclude=mine.txt")
    lines = (tmp_path / "mine.txt").read_text().splitlines()[1:]
    assert sorted(lines) == ["seq1/frame00005.png # blurred", "seq3/frame00008.png # missing"]
    assert not (scene / "exclude.txt").exists()


def test_machines_get_one_object(check, scene, tmp_path):
    (scene / "seq3/frame00008.png").unlink()
    fakes.write_seven_scenes(scene.parent, frames=6)
    done = check(scene.parent, "json=true", "out=pictures")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["sound"] is False
    assert [(s["scene"], s["layout"], s["sound"]) for s in told["scenes"]] == [
        ("KingsCollege", "cambridge", False),
        ("redkitchen", "seven_scenes", True),
    ]
    assert told["scenes"][0]["frames"] == {"train": 36, "test": 6}
    (fault,) = (f for f in told["scenes"][0]["findings"] if f["severity"] == "error")
    assert fault["check"] == "images"
    assert fault["frames"] == {"seq3/frame00008.png": "missing"}
    assert fault["fix"]
    assert told["scenes"][0]["convention"]["pairs"] == 0
    assert told["written"] == [
        "pictures/KingsCollege-cameras.png",
        "pictures/redkitchen-cameras.png",
    ]
    assert all((tmp_path / path).is_file() for path in told["written"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], 1, "error: nothing: no such folder"),
        (["."], 1, "error: .: no data set of a known layout"),
        ([], 2, "PATH"),
        ([".", "pairs=-1"], 2, "error: pairs=-1: expected 0 or more"),
    ],
)
def test_nothing_to_check_is_told_in_one_line(check, arguments, code, message):
    done = check(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_one_list_for_several_scenes_is_refused(check, scene):
    fakes.write_seven_scenes(scene.parent, frames=2)
    done = check(scene.parent, "write_exclude=all.txt")
    assert done.returncode == 1
    assert "a file for one scene" in done.stderr
