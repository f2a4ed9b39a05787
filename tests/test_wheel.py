"""The wheel that the source archive makes, installed into a fresh environment and used from an empty folder."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """A folder with the source archive, and the wheel that was made from it."""
    output = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", output, ROOT],
        check=True,
        capture_output=True,
    )
    return output


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    (path,) = dist.glob("*.whl")
    return path


def test_the_source_archive_is_what_git_holds(dist):
    (path,) = dist.glob("*.tar.gz")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if not member.isdir()}
    recipes = {f"configs/recipe/{p.name}" for p in (ROOT / "datasets/aerial/recipe").iterdir()}
    files = {name for name in listed if (ROOT / name).is_file()}
    assert names == files | recipes | {"PKG-INFO"}


@pytest.fixture(scope="module")
def command(wheel, tmp_path_factory) -> Path:
    """hinted-posenet of a fresh environment that borrows the dependencies of this one."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = ["install", "--no-deps", "--no-index", "--quiet", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = [python, "-c", "import hinted_posenet; print(hinted_posenet.__path__[0])"]
    found = subprocess.run(where, check=True, capture_output=True, text=True, cwd=folder)
    assert Path(found.stdout.strip()) == site / "hinted_posenet"
    return folder / "bin" / "hinted-posenet"


def test_holds_every_module_config_and_card_and_nothing_else(wheel):
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    modules = {path.relative_to(ROOT) for path in (ROOT / "hinted_posenet").rglob("*.py")}
    configs = {
        Path("hinted_posenet") / path.relative_to(ROOT)
        for path in (ROOT / "configs").rglob("*.yaml")
    }
    # configs/recipe is a link to the released recipes
    recipes = (ROOT / "datasets" / "aerial" / "recipe").glob("*.yaml")
    configs |= {Path("hinted_posenet/configs/recipe") / path.name for path in recipes}
    cards = {
        Path("hinted_posenet") / path.relative_to(ROOT)
        for path in (ROOT / "datasets").rglob("*")
        if path.is_file()
    }
    page = {f"hinted_posenet/reports/page/page.{kind}" for kind in ("html.j2", "css", "js")}
    served = ROOT / "hinted_posenet" / "inference" / "service_page"
    page |= {str(path.relative_to(ROOT)) for path in served.iterdir()}
    expected = {str(path) for path in modules | configs | cards} | page
    expected |= {"hinted_posenet/py.typed", "hinted_posenet/simulator/light/keyframes.csv"}
    expected |= {"hinted_posenet/models/registration/weights/any_place.pt"}
    assert names == expected


def test_tells_its_version(command, wheel, tmp_path):
    told = subprocess.run([command, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout == f"hinted_posenet {wheel.name.split('-')[1]}\n"


def test_finds_its_cards_from_an_empty_folder(command, tmp_path):
    listed = subprocess.run(
        [command, "data", "fetch", "list=true"], cwd=tmp_path, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr
    assert "KingsCollege" in listed.stdout
    assert "apt1/kitchen" in listed.stdout
    assert list(tmp_path.iterdir()) == []


def test_finds_its_configs_from_an_empty_folder(command, tmp_path):
    shown = subprocess.run(
        [command, "train", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    assert "seven_scenes" in shown.stdout
    arguments = [command, "train", "data=seven_scenes", "trainer.max_epoch=3"]
    wrong = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: unknown key trainer.max_epoch; keys of trainer: ")
    assert "did you mean trainer.max_epochs?" in wrong.stderr
    assert list(tmp_path.iterdir()) == []
    unknown = [command, "simulate", "recipe=unknown"]
    wrong = subprocess.run(unknown, cwd=tmp_path, capture_output=True, text=True)
    for path in (ROOT / "datasets" / "aerial" / "recipe").glob("*.yaml"):
        assert path.stem in wrong.stderr.partition("choose one of ")[2]
