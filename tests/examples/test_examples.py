"""The examples as a user runs them, shortened: each in an empty folder that several share."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient

from hinted_posenet.models.registration.ground_registration import GroundRegistration

EXAMPLES = Path(__file__).parents[2] / "examples"
SHORT = ["trainer.max_epochs=2", "augmented_views=1", "accelerator=cpu", "threads=1"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    """The current folder; my_parts may be named in configs."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HINTED_POSENET_EXTENSIONS", "my_parts")
        patch.setenv("PYTHONPATH", str(EXAMPLES), prepend=":")
        yield folder


def printed(capsys) -> str:
    return capsys.readouterr().out


def results(run: Path) -> dict:
    return json.loads((run / "results.json").read_text())


def medians(run: Path) -> dict[str, float]:
    rows = [row for row in results(run)["rows"] if row["group"] == "all"]
    return {row["method"]: row["median_t_m"] for row in rows}


@pytest.mark.parametrize(
    ("name", "methods"),
    [
        (
            "add_a_head",
            ["posenet", "null_hint", "hinted_residual from prior", "weighted from prior"],
        ),
        ("add_a_hint_source", ["null_hint", "cell from cell", "gnss from prior"]),
        ("add_a_backbone", ["imagenet", "random", "small"]),
    ],
)
def test_own_parts_are_compared_with_their_controls(folder, capsys, name, methods):
    importlib.import_module(name).main(SHORT)
    table = printed(capsys)
    for method in ["constant pose", "retrieval", *methods]:
        assert f"\n  {method}  " in table, method


def test_a_data_set_of_ones_own_trains_as_the_one_it_was_made_of(folder, capsys):
    importlib.import_module("add_a_data_set").main(SHORT)
    assert "the log's poses are" in printed(capsys)
    village, logged = (
        medians(Path(f"runs/{name}/small_village/posenet/seed-0"))
        for name in ("aerial", "drone_log")
    )
    assert logged["pass 1"] == pytest.approx(village["pass 1"], rel=1e-4)
    assert logged["constant pose"] == pytest.approx(village["constant pose"], rel=1e-6)


def test_a_wrong_line_of_the_log_is_named(folder, tmp_path):
    from my_parts.data_set import COLUMNS, read_views

    from hinted_posenet.core.errors import InputError

    scene = tmp_path / "flight"
    scene.mkdir()
    (scene / "camera.json").write_text('{"width": 8, "height": 6, "focal_px": 7.0}\n')
    row = "a.jpg,train,f,0,1,2,3,0,-90,north\n"
    (scene / "log.csv").write_text(f"{','.join(COLUMNS)}\n{row}")
    with pytest.raises(InputError, match=r"log\.csv line 2: expected numbers"):
        read_views(tmp_path, "flight", "train")
    faults = []
    assert read_views(tmp_path, "flight", "train", faults=faults) == []
    assert [fault.name for fault in faults] == ["a.jpg"]
    (scene / "log.csv").write_text("image,split\n")
    with pytest.raises(InputError, match="line 1: no column flight"):
        read_views(tmp_path, "flight", "train")


def test_the_study_draws_its_figure(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("SEEDS", "0")
    done = subprocess.run(
        ["bash", EXAMPLES / "hint_study.sh", *SHORT, "trainer.max_epochs=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hinted_residual" in done.stdout
    assert "(oracle)" in done.stdout
    assert (folder / "runs" / "hint_study.jpg").is_file()


@pytest.mark.realdata
def test_the_drone_is_located_over_real_orthophotos(folder, real_data, monkeypatch, capsys):
    monkeypatch.setenv("HINTED_POSENET_DATA", str(real_data))
    monkeypatch.setattr(sys, "argv", ["drone", "--images", "12", "--epochs", "2"])
    importlib.import_module("drone_over_orthophotos").main()
    assert "hinted_memory from prior" in printed(capsys)
    assert (folder / "runs" / "drone.jpg").is_file()
    assert "A drone over orthophotos" in (folder / "runs" / "drone.html").read_text()
    run = Path("runs/aerial/drone/hinted_memory/seed-0")
    assert results(run)["inference_hint"] == {"name": "prior"}


def test_the_drone_without_photos_is_told_where_there_are_some(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["drone", "--orthophotos", "nowhere"])
    with pytest.raises(SystemExit):
        importlib.import_module("drone_over_orthophotos").main()
    assert capsys.readouterr().err.startswith("error: nowhere: no such folder; give --orthophotos")


def test_the_notebook_runs_through(folder):
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("trainer.max_epochs=15", "trainer.max_epochs=2")
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 3


def test_the_stored_notebook_is_whole_and_small():
    file = EXAMPLES / "tour.ipynb"
    assert file.stat().st_size < 1.5e6
    code = [c for c in nbformat.read(file, as_version=4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 3


def test_photos_are_located_over_the_sample(folder, capsys):
    """With an untrained network, since this is about the sample: photos, priors, map and heights fit together."""
    torch.save(GroundRegistration().state_dict(), folder / "w.pt")
    example = importlib.import_module("locate_over_map")
    example.locate(example.FOLDER, folder / "w.pt")
    lines = printed(capsys).splitlines()
    assert [line[:6] for line in lines] == ["a.jpg:", "b.jpg:", "c.jpg:"]
    assert all("altitude 1" in line or "altitude 2" in line for line in lines)
    files = [path for path in example.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000


def test_the_sample_is_made_again(folder):
    example = importlib.import_module("locate_over_map")
    example.make(folder / "sample")
    made = {path.name for path in (folder / "sample").rglob("*") if path.is_file()}
    assert made == {path.name for path in example.FOLDER.rglob("*") if path.is_file()}
    for name in ("truth.csv", "priors.csv"):
        assert (folder / "sample" / name).read_text() == (example.FOLDER / name).read_text()
