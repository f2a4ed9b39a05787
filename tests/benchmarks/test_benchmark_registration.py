"""The registration benchmark on a few views of NAIP: every row is written and tabled, nothing is done twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEW = ["train=4", "val=2", "test_new_dates=2", "test_known_dates=1"]


@pytest.mark.slow
@pytest.mark.realdata
def test_table_of_a_few_views(real_data: Path, tmp_path: Path) -> None:
    own = {"HINTED_POSENET_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    own |= {"HINTED_POSENET_DATA": str(real_data), "OMP_NUM_THREADS": "1"}
    page = tmp_path / "page.md"
    page.write_text("<!-- begin registration -->\n<!-- end registration -->\n")

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=os.environ | own,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    flights = [f"flights.{few.replace('=', '.images=')}" for few in FEW]
    run("-m", "hinted_posenet", "simulate", "recipe=naip", "scene=few", "threads=1", *flights)
    photos = real_data / "aerial" / "naip_north_dakota"
    words = [str(ROOT / "benchmarks/registration.py"), "--photos", str(photos), "--scene", "few"]
    words += ["--seeds", "0", "--steps", "2", "--insert", str(page)]
    run(*words)
    table = page.read_text()
    for row in ("hint as the answer", "registration network", "gradient correlation", "SIFT"):
        assert f"| orthophotos of other dates | GPS 50 m (oracle) | {row} |" in table
    assert "| training images | retrieval | registration network |" in table
    runs = list((tmp_path / "runs").rglob("results.json"))
    assert len(runs) == 6
    then = [file.stat().st_mtime_ns for file in runs]
    run(*words)
    assert [file.stat().st_mtime_ns for file in runs] == then and page.read_text() == table
