"""`hinted-posenet data stats` from an empty folder."""

import json
import subprocess
import sys
from pathlib import Path

import fakes


def stats(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hinted_posenet", "data", "stats", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_numbers_and_a_picture_of_every_scene(tmp_path: Path) -> None:
    fakes.write_seven_scenes(tmp_path / "data")
    folder = fakes.write_cambridge(tmp_path / "data")
    (folder / "exclude.txt").write_text("seq1/frame00005.png # blurred\n")
    result = stats(tmp_path, "data", "--out", "pictures")
    assert result.returncode == 0, result.stderr
    for line in ("redkitchen: 95 %", "KingsCollege: 95 %", "focal length 52.5 px", "constant pose"):
        assert line in result.stdout
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["KingsCollege-trajectories.png", "redkitchen-trajectories.png"]
    told = json.loads(stats(tmp_path, "data", "--json", "--no-picture").stdout)["scenes"]
    kings = next(scene for scene in told if scene["scene"] == "KingsCollege")
    assert kings["splits"]["train"]["frames"] == 23
    assert kings["excluded"] == {"seq1/frame00005.png": "blurred"}


def test_what_is_no_data_set_is_told_in_a_line(tmp_path: Path) -> None:
    result = stats(tmp_path, ".")
    assert result.returncode == 1 and result.stderr.startswith("error: .: no data set")
    assert result.stderr.count("\n") == 1
