"""Damaged files of a run end in one line that names the file; what is accepted can be shown."""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hostile import examples, mutated, mutations, one_line, survives
from hypothesis import HealthCheck, given, settings
from report_runs import pictures, write_run

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_json
from hinted_posenet.evaluation.results_file import read_curves, read_results
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.evaluation.truth import read_truth
from hinted_posenet.reports.compare import comparison, comparison_csv
from hinted_posenet.reports.page.page import render
from hinted_posenet.reports.summary import print_result
from hinted_posenet.reports.trajectory_lines import trajectory_lines
from hinted_posenet.show.run_picture import read_run_poses

EXAMPLES, SLOW_EXAMPLES, SHOWN = examples(60), examples(200), 100
COUNT = 12
FILES = ("results.json", "poses.csv", "frames.csv")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    config = {"data": {"recall_m_deg": [[5, 2], [20, 5]]}}
    images = pictures(root / "images", 2)
    return write_run(root / "seed-0", "net", count=COUNT, images=images, config=config)


@pytest.fixture
def sound(run: Path) -> Iterator[Path]:
    """The run, whose files are whole again afterwards."""
    before = {name: (run / name).read_bytes() for name in FILES}
    yield run
    for name, content in before.items():
        (run / name).write_bytes(content)


def read(run: Path) -> None:
    """Read all of a run, as truth too, and print it."""
    (found,) = read_runs([run])
    read_run_poses(found)
    read_truth(run, "test", None)
    results = read_results(run / "results.json")
    with redirect_stdout(io.StringIO()):
        print_result(results, verbose=False)
        print_result(results, verbose=True)
        trajectory_lines(results)


def show(run: Path) -> None:
    """Make every table and the page."""
    read(run)
    runs = read_runs([run])
    comparison(runs).text()
    comparison_csv(runs)
    render(runs)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_one_line(sound: Path, name: str) -> None:
    content = (sound / name).read_bytes()
    for seed in range(EXAMPLES):
        (sound / name).write_bytes(mutated(content, Random(seed)))
        survives(partial(read, sound))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_damaged_files(sound: Path, name: str) -> None:
    @settings(max_examples=SLOW_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(content=mutations((sound / name).read_bytes()))
    def run(content: bytes) -> None:
        (sound / name).write_bytes(content)
        survives(partial(read, sound))

    run()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_what_is_accepted_can_be_shown(sound: Path, name: str) -> None:
    content = (sound / name).read_bytes()
    for seed in range(SHOWN):
        (sound / name).write_bytes(mutated(content, Random(seed)))
        with suppress(InputError):
            show(sound)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_named(sound: Path, name: str) -> None:
    (sound / name).unlink()
    (sound / name).mkdir()
    assert name in one_line(partial(read, sound))
    (sound / name).rmdir()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"role": "network"', '"role": "control"'),
        ('"seed": 0', '"seed": "0"'),
        ('"seed": 0', '"seed": 1e400'),
        ('"step": 1', '"step": 0'),
        ('"median_t_m": ', '"other": '),
        ('"frames": 12', '"frames": 13'),
        ('"group": "all"', '"group": "none"'),
        ('"recall_5m_2deg"', '"recall_xm_ydeg"'),
        ('"oracle": false', '"oracle": NaN'),
        ('"coverage_90_position"', '"coverage_91_position"'),
        ('"name": "net"', '"name": []'),
        ('"bounds_m": [', '"bounds_m": [[],'),
    ],
)
def test_results_that_do_not_go_together_are_refused(sound: Path, old: str, new: str) -> None:
    text = (sound / "results.json").read_text()
    assert old in text
    (sound / "results.json").write_text(text.replace(old, new))
    assert "results.json" in one_line(partial(read, sound))


def test_damaged_curves_are_one_line(tmp_path: Path) -> None:
    errors = {"t_m": [1.0, float("inf")], "r_deg": [2.0, 3.0]}
    steps = {"start": errors, "refinement_steps": [errors, errors]}
    sweep = [{"fraction": 0.1, "hint": errors, "answer": errors}]
    curves = {"half_extent_m": 3.0, "sweep": sweep, "contraction": {"retrieval": steps}}
    file = tmp_path / "curves.json"
    write_json(file, curves)
    assert read_curves(file, 2) == curves
    content = file.read_bytes()
    for seed in range(EXAMPLES):
        file.write_bytes(mutated(content, Random(seed)))
        survives(partial(read_curves, file, 2))
    write_json(file, curves)
    assert "errors of 2 frames, not 3" in one_line(partial(read_curves, file, 3))
