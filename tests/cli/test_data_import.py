"""`hinted-posenet data import` as a user gives it, and what the page on formats says of it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import fakes
import pytest
from tiny import TINY, config, results

from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import View
from hinted_posenet.data.formats import colmap, csv_frames
from hinted_posenet.training.run import read_scene

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()


@pytest.fixture
def typed(here):
    """What a line prints that is typed into a terminal."""

    def run(line: str, code: int = 0) -> str:
        done = here(*shlex.split(line)[1:])
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return run


def photos(folder: Path, *sequences: str) -> None:
    """A COLMAP model as COLMAP leaves it: no lists of names."""
    fakes.write_colmap(folder.parent, folder.name)
    for old, new in zip("abcd", sequences, strict=True):
        (folder / "images" / old).rename(folder / "images" / new)
        images = folder / "sparse" / "0" / "images.txt"
        images.write_text(images.read_text().replace(f" {old}/my image ", f" {new}/"))
        for image in (folder / "images" / new).iterdir():
            image.rename(image.with_name(image.name.removeprefix("my image ")))
    for split in ("train", "val", "test"):
        (folder / "sparse" / "0" / f"{split}.txt").unlink()


def gps(path: Path, views: list[View]) -> None:
    """Where the cameras of a model would be on Earth, at 100 m per unit."""
    rows = ["name,latitude,longitude,altitude"]
    for view in views:
        place = Origin(11.5, 48.0, 520.0).to_geographic(100 * view.T_world_cam.t)
        rows.append(",".join([view.name, *(f"{number:.9f}" for number in place)]))
    path.write_text("\n".join(rows))


def test_from_a_model_to_a_result(typed, tmp_path):
    photos(tmp_path / "my_scan", "dawn", "noon", "evening", "night")
    printed = typed("hinted-posenet data import my_scan out=imported/my_scan test=[noon]")
    assert "16 images: 8 train, 4 val, 4 test" in printed and "test: noon" in printed
    (command,) = re.findall(r"hinted-posenet train .*", printed)
    overrides = shlex.split(command)[2:]
    plain = config("train", *overrides)
    assert (plain["data"]["height"], plain["data"]["width"]) == (48, 64)
    scene = read_scene(plain)
    assert {view.sequence for view in scene.views["test"]} == {"noon"}
    assert {split: len(views) for split, views in scene.views.items()} == {
        "train": 8,
        "val": 4,
        "test": 4,
    }
    typed(f"{command} paths.cache=cache {' '.join(TINY)}")
    run = tmp_path / "runs" / "csv" / "my_scan" / "posenet" / "seed-0"
    assert results(run)["frames"] == {"train": 8, "val": 4, "test": 4}


def test_every_command_of_the_page_runs(typed, tmp_path):
    photos(tmp_path / "my_scan", "dawn", "noon", "evening", "night")
    fakes.write_aerial(tmp_path / "simulated" / "aerial", "village_four_seasons")
    gps(tmp_path / "gps.csv", colmap.read_views(tmp_path, "my_scan", "all"))
    lines = re.findall(r"^hinted-posenet .*$", PAGE, flags=re.MULTILINE)
    assert len([line for line in lines if " data import " in line]) >= 3
    for line in lines:
        if line.startswith("hinted-posenet train "):
            assert read_scene(config("train", *shlex.split(line)[2:])).views["test"]
        else:
            typed(line)
    assert len(csv_frames.read_views(tmp_path / "imported", "named", "test")) == 4
    assert all(view.prior for view in csv_frames.read_views(tmp_path / "imported", "earth", "all"))
    assert (tmp_path / "exported" / "quickstart" / "sparse" / "0" / "images.bin").is_file()


def test_the_table_of_the_page_is_imported(typed, tmp_path):
    (table,) = re.findall(r"```csv\n(.*?)```", PAGE, flags=re.DOTALL)
    folder = tmp_path / "by_hand"
    for name in ("0001", "0002"):
        fakes.draw(
            folder / "images" / "noon" / f"{name}.jpg", fakes.camera(0, 0), width=640, height=480
        )
    (folder / "frames.csv").write_text(table)
    typed("hinted-posenet data import by_hand out=made test_share=0.5 val_share=0")
    views = csv_frames.read_views(tmp_path, "made", "all")
    ahead = {view.name: view.T_world_cam.q for view in views}
    assert ahead["noon/0001.jpg"].tolist() == [1, 0, 0, 0]
    w, x, y, z = ahead["noon/0002.jpg"].tolist()  # where it looks: the third column of R
    axis = [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)]
    assert axis == pytest.approx([1, 0, 0], abs=1e-6)


MISTAKES = {
    "no such folder": ("data import nowhere out=made", "no such folder"),
    "not a data set": ("data import empty out=made", "no data set of a known layout"),
    "no such sequence": ("data import garden out=made test=[x]", "the sequences are a, b, c, d"),
    "shares": ("data import garden out=made test_share=1", "less than 1 together"),
    "a name that is taken": ("data import garden out=empty", "exists already"),
    "not an import": ("data import garden out=empty overwrite=true", "is not an export"),
    "an option it has not": (
        "data import garden out=made layout=csv reader={model:x}",
        "reader.model: data=csv has no such option",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_writes_nothing(typed, tmp_path, mistake):
    fakes.write_csv(tmp_path)
    (tmp_path / "empty").mkdir()
    line, words = MISTAKES[mistake]
    printed = typed(f"hinted-posenet {line}", code=1)
    errors = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and words in errors[0], printed
    assert "Traceback" not in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "garden"]


@pytest.mark.slow
def test_in_a_process_of_its_own(tmp_path):
    fakes.write_tum(tmp_path, "rgbd_walk", frames=8)
    command = [sys.executable, "-m", "hinted_posenet", "data", "import", "rgbd_walk"]
    command += ["out=made", "images=copy"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "32 images copied" in result.stdout
    assert "1 of 33 images (all) have no pose within 0.02 s" in result.stderr
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        *("frames.csv", "images", "manifest.yaml", "names.csv")
    ]
