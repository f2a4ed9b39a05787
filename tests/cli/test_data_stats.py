"""`hinted-posenet data stats` from an empty folder."""

import json
from pathlib import Path

import fakes


def test_numbers_and_a_picture_of_every_scene(here, tmp_path: Path) -> None:
    fakes.write_seven_scenes(tmp_path / "data")
    folder = fakes.write_cambridge(tmp_path / "data")
    (folder / "exclude.txt").write_text("seq1/frame00005.png # blurred\n")
    result = here("data", "stats", "data", "out=pictures")
    assert result.returncode == 0, result.stderr
    for line in ("redkitchen: 95 %", "KingsCollege: 95 %", "focal length 52.5 px", "constant pose"):
        assert line in result.stdout
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["KingsCollege-trajectories.png", "redkitchen-trajectories.png"]
    told = json.loads(here("data", "stats", "data", "json=true", "picture=false").stdout)["scenes"]
    kings = next(scene for scene in told if scene["scene"] == "KingsCollege")
    assert kings["splits"]["train"]["frames"] == 23
    assert kings["excluded"] == {"seq1/frame00005.png": "blurred"}


def test_what_is_no_data_set_is_told_in_a_line(here) -> None:
    result = here("data", "stats", ".")
    assert result.returncode == 1 and result.stderr.startswith("error: .: no data set")
    assert result.stderr.count("\n") == 1
