"""The documentation as a site: it builds without a warning, holds every page, and needs no network."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from test_rooms import ROOMS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    built = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def targets(page: Path, attribute: str = "href") -> list[str]:
    return re.findall(rf'<\w[^>]*\b{attribute}="([^"]+)"', page.read_text())


@pytest.mark.slow
def test_every_page_is_in_the_navigation(site: Path) -> None:
    menu = set(targets(site / "index.html"))
    docs = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    pages = [p.with_suffix(".html").as_posix() for p in docs if p.parent.name != "templates"]
    pages += [f"{path.stem.lower()}.html" for path in ROOT.glob("*.md")]
    pages += [f"datasets/{path.parent.name}/index.html" for path in ROOT.glob("datasets/*/*.md")]
    assert {page for page in pages if page not in menu and page != "index.html"} == set()


@pytest.mark.slow
def test_every_link_leads_somewhere(site: Path) -> None:
    names = {page: set(targets(page, "id")) for page in site.rglob("*.html")}
    for page in names:
        if page.name == "404.html":
            continue  # is served from any address
        for link in targets(page) + targets(page, "src"):
            address, name = urldefrag(link)
            if urlsplit(link).scheme:
                continue
            there = (page.parent / unquote(address)).resolve() if address else page
            assert there.is_file(), f"{page.name}: {link}"
            if name and not name.startswith("__"):
                assert unquote(name) in names[there], f"{page.name}: {link}"


@pytest.mark.slow
def test_nothing_is_loaded_from_the_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = targets(page, "src") + re.findall(r'<link[^>]*href="([^"]+)"', page.read_text())
        assert [target for target in loaded if urlsplit(target).netloc] == [], page.name


@pytest.mark.slow
def test_every_module_of_the_reference_is_there(site: Path) -> None:
    listed = re.findall(
        r"^::: (\S+)", "\n".join(p.read_text() for p in (ROOT / "docs/api").glob("*.md")), re.M
    )
    shown = {name for page in (site / "api").glob("*.html") for name in targets(page, "id")}
    assert {name.split(".")[1] for name in listed} == {*ROOMS} - {"show", "cli"}
    assert set(listed) <= shown
    # of packages that are shown whole, and fields described by the comments beside them
    assert {
        "hinted_posenet.models.heads.pose_regression.PoseRegressionHead",
        "hinted_posenet.core.types.Pose",
    } <= shown
    assert "unit quaternion, (w, x, y, z)" in (site / "api/core.html").read_text()


def test_the_readme_has_the_table_that_its_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "docs/tools/readme_table.py"))
    readme, results = (ROOT / "README.md").read_text(), (ROOT / "docs/results.md").read_text()
    assert script["with_table"](readme, results) == readme, "run docs/tools/readme_table.py"


def test_figures_are_as_their_script_draws_them() -> None:
    script = runpy.run_path(str(ROOT / "docs/tools/figures.py"))
    for name, lines in script["FIGURES"].items():
        boxes = script["boxes_of"](lines)
        again = script["drawn"](boxes)
        assert (ROOT / "docs/images" / name).read_text() == again, "run docs/tools/figures.py"
        for box in boxes:
            files = (ROOT / "hinted_posenet" / box.file, ROOT / box.file)
            assert any(file.exists() for file in files), box.file
