"""The README's scripts in a copy of the checkout: the quick start whole but tiny, the tables with one epoch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from report_runs import write_runs

from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.reports.page.page import write_page

ROOT = Path(__file__).parents[1]
ENVIRONMENT = Path(sys.prefix)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files of the working tree, with this environment in place of a new one."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    copy = tmp_path / "checkout"
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
    (copy / ".venv").symlink_to(ENVIRONMENT)
    return copy


def run(checkout: Path, script: str, *arguments: str, **environment: str) -> str:
    own = {"HINTED_POSENET_CACHE": str(checkout / "cache"), "PYTHONPATH": str(checkout)}
    result = subprocess.run(
        ["bash", f"scripts/{script}.sh", *arguments],
        cwd=checkout,
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


def inserted(checkout: Path, marker: str, page: str = "README.md") -> str:
    text = (checkout / page).read_text()
    return text.partition(f"<!-- begin {marker} -->")[2].partition(f"<!-- end {marker} -->")[0]


in_own_environment = pytest.mark.skipif(
    not list(ENVIRONMENT.glob("installed-*")), reason="not in the .venv of scripts/setup.sh"
)


@pytest.mark.slow
@in_own_environment
def test_quickstart(checkout: Path) -> None:
    first = run(checkout, "quickstart", "trainer.max_epochs=1", SCENE="tiny")
    assert "hinted_residual from retrieval" in first
    assert (checkout / "runs/tiny.png").stat().st_size > 10_000
    again = run(checkout, "quickstart", "trainer.max_epochs=1", SCENE="tiny")
    assert again.count("finished already") == 5


@pytest.mark.slow
@pytest.mark.realdata
@in_own_environment
def test_study_of_hints(checkout: Path, real_data: Path) -> None:
    given = {"HINTED_POSENET_DATA": str(real_data), "SEEDS": "0", "SCENES": "redkitchen naip"}
    given |= {"METHODS": "posenet null_hint hinted_residual hinted_fusion"}
    small = ("trainer.max_epochs=1", "augmented_views=0")
    run(checkout, "study_hints", *small, **given)
    page = (checkout / "docs/hints-results.md").read_text()
    for scene in ("redkitchen", "naip"):
        assert "| hinted_fusion |" in inserted(checkout, scene)
        told = page.partition(f"<!-- begin {scene} -->")[2].partition("<!-- end")[0]
        assert told.count("| hinted_residual |") >= 4
        assert (checkout / f"docs/images/hints_{scene}.jpg").stat().st_size > 10_000
    cells = list((checkout / "runs").rglob("from-*/results.json"))
    then = {cell: cell.stat().st_mtime_ns for cell in cells}
    run(checkout, "study_hints", *small, **given)  # has nothing left to do but to draw
    assert {cell: cell.stat().st_mtime_ns for cell in cells} == then


@pytest.mark.slow
@in_own_environment
def test_study_of_areas(checkout: Path) -> None:
    given = {"SEEDS": "0", "METHODS": "posenet null_hint hinted_fusion"}
    given |= {"SCENES": "area_0.25km2 |area_1km2 |months", "VIEWS": "9"}
    run(checkout, "study_aerial", "trainer.max_epochs=1", "augmented_views=0", **given)
    page = (checkout / "docs/aerial.md").read_text()
    assert "hinted_fusion from retrieval / null_hint" in page
    assert "time of the year" in page
    assert (checkout / "docs/images/aerial.jpg").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.realdata
@in_own_environment
def test_pictures_of_the_data_page(checkout: Path, real_data: Path) -> None:
    pictures = [
        checkout / "docs/images" / name
        for name in ("orbit-convention.jpg", "ShopFacade-cameras.jpg")
    ]
    for picture in pictures:
        picture.unlink()
    told = run(checkout, "pictures_data", HINTED_POSENET_DATA=str(real_data))
    assert "of matched points fit the stated poses" in told
    assert "seq2/frame00036.png: 15.1 m off the frames beside it" in told
    assert all(20_000 < picture.stat().st_size < 500_000 for picture in pictures)


@pytest.mark.slow
@pytest.mark.realdata
@in_own_environment
def test_table_of_live_views(checkout: Path, real_data: Path) -> None:
    given = {"HINTED_POSENET_DATA": str(real_data), "SEEDS": "0", "METHODS": "null_hint"}
    run(checkout, "table_live", EPOCHS="1", TIMES="1", **given)
    table = inserted(checkout, "live", "docs/simulator.md")
    assert "| null_hint_files |" in table and "| null_hint_live |" in table


@pytest.mark.slow
@in_own_environment
@pytest.mark.skipif(not shutil.which("chromedriver"), reason="chromium-driver is not installed")
def test_picture_of_a_report(checkout: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "report.html", tmp_path / "picture.jpg"
    write_page(page, read_runs(write_runs(tmp_path)))
    run(checkout, "picture_report", str(page), str(picture), "hints", "600", "dark")
    assert 10_000 < picture.stat().st_size < 300_000
