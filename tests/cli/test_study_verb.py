"""A small study through its command line: what it leaves, what it prints, and that it resumes."""

import json
import sys
from pathlib import Path

import pytest
from tiny import Workspace, results, undrawn

from hinted_posenet.cli.verb import run_verb
from hinted_posenet.reports.study_figure import study_figure
from hinted_posenet.reports.study_table import read_study, study_tables, sweep_medians

METHODS = ["null_hint", "hinted_fusion", "hinted_residual", "posenet"]
HINTS = ["none", "constant", "retrieval", "nearest", "sensor-0.1m", "network"]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


def run(place: Workspace, *words: str, methods: list[str] = METHODS) -> None:
    listed = ",".join(f"'{method}'" for method in methods)
    given = [*place.train_overrides(), f"methods=[{listed}]", "sensors_m=[0.1]", *words]
    with pytest.MonkeyPatch.context() as patch, undrawn():
        patch.setattr(sys, "argv", ["study"])
        run_verb("study", given)


@pytest.fixture(scope="module")
def page(place) -> Path:
    """A page that a study wrote its tables into."""
    page = place.folder / "page.md"
    run(place, f"out={page}", f"figure={place.folder / 'study.png'}")
    return page


def folder(place: Workspace, method: str) -> Path:
    (found,) = (place.folder / "runs").rglob(f"{method}/seed-0")
    return found


@pytest.mark.slow
def test_every_hinted_method_is_scored_under_every_hint(place, page):
    for method in ("hinted_fusion", "hinted_residual"):
        inside = {file.parent.name for file in folder(place, method).glob("from-*/results.json")}
        assert inside == {f"from-{hint}" for hint in HINTS}
    for method in ("posenet", "null_hint"):
        assert not list(folder(place, method).glob("from-*"))


@pytest.mark.slow
def test_oracles_are_stamped_and_the_controls_stand_beside(place, page):
    run = folder(place, "hinted_fusion")
    stamped = {h for h in HINTS if results(run / f"from-{h}")["oracle"]}
    assert stamped == {"nearest", "sensor-0.1m"}
    rows = {row["method"] for row in results(run / "from-retrieval")["rows"]}
    assert {"k-NN", "kernel regression", "hint as the answer", "shuffled image"} <= rows


@pytest.mark.slow
def test_the_page_has_errors_another_image_and_gains(page):
    text = page.read_text()
    lines = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
    assert {"hint as the answer", "retrieval", "null_hint", "hinted_residual"} <= lines
    assert "GPS 10 cm (oracle)" in text
    assert "with another image" in text and "gains" in text
    null = next(line for line in text.splitlines() if line.startswith("| null_hint | 1.00 "))
    assert "| - |" in null


@pytest.mark.slow
def test_curves_are_of_all_frames_and_as_vague_as_they_say(place, page):
    curves = json.loads((folder(place, "hinted_residual") / "curves.json").read_text())
    assert curves["oracle"]
    assert len(curves["contraction"]["retrieval"]["refinement_steps"]) == 20
    assert all(
        len(passed["t_m"]) == 4 for passed in curves["contraction"]["none"]["refinement_steps"]
    )
    found = read_study([folder(place, "hinted_residual")])
    hint_m = sweep_medians(found.curves["hinted_residual"], found.groups()["all"], "hint")
    assert hint_m.tolist() == sorted(hint_m)
    assert curves["sweep"][-1]["fraction"] == 1


@pytest.mark.slow
def test_a_finished_study_computes_nothing_and_a_cut_one_the_missing_cell(place, page, monkeypatch):
    def no_training(config):
        raise AssertionError("trained again")

    monkeypatch.setattr("hinted_posenet.training.study.train", no_training)
    cell = folder(place, "hinted_fusion") / "from-retrieval" / "results.json"
    written = cell.read_text()
    cell.unlink()
    others = {f: f.stat().st_mtime_ns for f in (place.folder / "runs").rglob("results.json")}
    run(place)
    assert json.loads(cell.read_text())["rows"] == json.loads(written)["rows"]
    assert all(f.stat().st_mtime_ns == then for f, then in others.items())


@pytest.mark.slow
def test_a_study_without_the_control_shows_no_gains(place, page):
    tables = study_tables(read_study([folder(place, "hinted_fusion")]))
    assert not any("gains" in table.title for table in tables)


@pytest.mark.slow
def test_the_figure_draws_every_hinted_method(place, page):
    found = read_study([folder(place, m) for m in ("null_hint", "hinted_fusion")])
    study_figure(place.folder / "curves.svg", found)
    drawn = (place.folder / "curves.svg").read_text()
    assert "hinted fusion" in drawn and "ideal fusion" in drawn
    assert (place.folder / "study.png").stat().st_size > 10_000


def test_a_small_study_has_its_cells_and_its_page(tmp_path):
    place = Workspace(tmp_path)
    page = tmp_path / "page.md"
    words = ["hints=[none,retrieval]", "trainer.max_epochs=1", f"out={page}"]
    run(place, *words, methods=["hinted_fusion"])
    found = folder(place, "hinted_fusion")
    cells = [file.parent for file in found.glob("from-*/results.json")]
    oracles = {cell.name: results(cell)["oracle"] for cell in cells}
    assert oracles == {"from-none": False, "from-retrieval": False, "from-sensor-0.1m": True}
    assert "GPS 10 cm (oracle)" in page.read_text()


def test_an_unknown_hint_names_the_choices(place, capsys):
    with pytest.raises(SystemExit):
        run(place, "hints=[magic]")
    assert "choose among none, constant" in capsys.readouterr().err


def test_an_unknown_method_names_the_choices(place, capsys):
    with pytest.raises(SystemExit):
        run(place, methods=["posenet", "magic"])
    assert "choose one of atloc, " in capsys.readouterr().err
