"""The scripts that need no real data, each whole but small."""

import re
import shutil
from pathlib import Path

import pytest
from report_runs import write_runs

from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.reports.page.page import write_page

ROOT = Path(__file__).parents[2]


def test_scripts_hold_no_recipe():
    """What a published row was trained with stands in configs/experiment."""
    recipe = re.compile(r"(augmented_views|averaged_steps|batch_size|max_epochs|train_hint)=")
    for script in (ROOT / "scripts").glob("*.sh"):
        commands = [li for li in script.read_text().splitlines() if not li.startswith("#")]
        assert not recipe.search("\n".join(commands)), script.name


@pytest.mark.slow
def test_quickstart(checkout):
    short = {"SCENE": "tiny", "METHODS": "posenet hinted_residual hinted_memory"}
    first = checkout.run("quickstart", "trainer.max_epochs=1", **short)
    assert "hinted_residual from retrieval" in first
    assert checkout.size("runs/tiny.png") > 10_000 and checkout.size("runs/tiny.html") > 10_000
    again = checkout.run("quickstart", "trainer.max_epochs=1", **short | {"METHODS": "posenet"})
    assert "finished already" in again


@pytest.mark.slow
def test_study_of_areas(checkout):
    given = {"SEEDS": "0", "METHODS": "null_hint hinted_fusion"}
    given |= {"SCENES": "area_0.25km2 |area_1km2 |months", "VIEWS": "9"}
    checkout.run("study_aerial", "trainer.max_epochs=1", "augmented_views=0", **given)
    table = checkout.table("aerial", "docs/aerial.md")
    assert "hinted_fusion from retrieval / null_hint" in table and "time of the year" in table
    assert checkout.size("docs/images/aerial.jpg") > 10_000


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromedriver"), reason="chromium-driver is not installed")
def test_picture_of_a_report(checkout, tmp_path):
    page, picture = tmp_path / "report.html", tmp_path / "picture.jpg"
    write_page(page, read_runs(write_runs(tmp_path)))
    checkout.run("picture_report", str(page), str(picture), "hints", "600", "dark")
    assert 10_000 < picture.stat().st_size < 300_000
