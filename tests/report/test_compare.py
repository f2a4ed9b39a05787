from pathlib import Path

import numpy as np
import pytest
import torch

from hinted_posenet import results
from hinted_posenet.report.bootstrap import bootstrap_interval
from hinted_posenet.report.compare import comparison, insert_text
from hinted_posenet.report.figure import positions_figure
from hinted_posenet.report.runs import read_runs
from hinted_posenet.results import frames_of
from hinted_posenet.scoring import Answer
from hinted_posenet.types import InputError, Pose, View

SUMMER, WINTER = {"season": "summer"}, {"season": "winter"}
IDENTITY = {"name": "aerial", "scene": "toy", "ground_truth": "exact"}


def poses(offset_m: float, count: int = 10) -> Pose:
    t = torch.arange(count).float()[:, None] * torch.tensor([100.0, 10.0, 0.0])
    return Pose(t + torch.tensor([offset_m, 0.0, 0.0]), torch.tensor([[1.0, 0, 0, 0]] * count))


def write_run(folder: Path, name: str, seed: int, offset_m: float, **changes: object) -> Path:
    """A run whose network is off by ``offset_m`` everywhere; half of the frames are of an unseen season."""
    truth = poses(0.0)
    views = [
        View(
            f"{i:03d}.jpg", Path(), Pose(t, q), torch.eye(3), "flight", SUMMER if i < 5 else WINTER
        )
        for i, (t, q) in enumerate(zip(*truth, strict=True))
    ]
    answers = [
        Answer("constant pose", "control", poses(200.0)),
        Answer("retrieval", "control", poses(50.0)),
        Answer("pass 1", "network", poses(offset_m)),
    ]
    about = {
        "name": name,
        "data": IDENTITY,
        "split": "test",
        "seed": seed,
        "oracle": False,
        "start_hint": "NoHint",
        "map": None,
        **changes,
    }
    frames, train = frames_of(views), frames_of(views[:5])
    results.write_run(folder, about, frames, train, answers, truth, [(10.0, 5.0)])
    return folder


def test_seeds_are_folded_and_groups_told_apart(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / f"net{s}", "net", s, 10.0 * (s + 1)) for s in range(3)]
    table = comparison(read_runs(folders))
    net = [line.split() for line in table.splitlines() if line.strip().startswith("net")]
    assert [line[1] for line in net] == ["3"] * 3  # all, seen, unseen
    assert all(line[2:4] == ["20", "m"] for line in net)  # mean of 10, 20, 30
    assert net[0][-1] == "0.100"  # of the constant pose's 200 m
    assert "seasons seen in training (5 frames)" in table
    assert "unseen seasons (5 frames)" in table
    markdown = comparison(read_runs(folders), markdown=True)
    assert len({line.count("|") for line in markdown.splitlines()[2:]}) == 1


def test_groups_are_chosen_by_name(tmp_path: Path) -> None:
    runs = read_runs([write_run(tmp_path / "a", "net", 0, 1.0)])
    table = comparison(runs, ["unseen seasons", "all"])
    assert table.index("unseen seasons (5 frames)") < table.index("all (10 frames)")
    assert "seen in training" not in table
    with pytest.raises(InputError, match="unseen seasons"):
        comparison(runs, ["winter"])


def test_interval_covers_seeds_and_frames() -> None:
    generator = np.random.default_rng(0)
    same = np.repeat(generator.normal(10, 1, (1, 400)), 3, axis=0)
    low, high = bootstrap_interval(same)
    assert 9.7 < low < np.median(same) < high < 10.3
    shifted = same + np.array([[0.0], [5.0], [10.0]])
    assert bootstrap_interval(shifted)[1] - bootstrap_interval(shifted)[0] > 5 * (high - low)


def test_oracle_runs_are_stamped(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", "net", 0, 1.0, oracle=True)
    assert "net (ORACLE hint)" in comparison(read_runs([run]))


@pytest.mark.parametrize(
    "change",
    [
        {"data": {**IDENTITY, "ground_truth": "sfm"}},
        {"data": {**IDENTITY, "scene": "other"}},
        {"split": "val"},
    ],
)
def test_different_questions_are_not_compared(tmp_path: Path, change: dict[str, object]) -> None:
    first = write_run(tmp_path / "a", "net", 0, 1.0)
    second = write_run(tmp_path / "b", "other", 0, 1.0, **change)
    with pytest.raises(InputError, match="compare runs of one scene"):
        read_runs([first, second])


def test_one_seed_twice_is_refused(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, "net", 0, 1.0) for name in "ab"]
    with pytest.raises(InputError, match="second run of net with seed 0"):
        comparison(read_runs(runs))


def test_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        read_runs([tmp_path / "nowhere"])


def test_insert_replaces_only_the_marked_part(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n")
    insert_text(page, "x", "new")
    assert page.read_text() == "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n"
    with pytest.raises(InputError, match="begin y"):
        insert_text(page, "y", "new")


def test_figure_draws_every_method(tmp_path: Path) -> None:
    runs = read_runs([write_run(tmp_path / n, n, 0, 10.0) for n in ("one", "two", "three")])
    positions_figure(tmp_path / "figure.svg", runs)
    drawn = (tmp_path / "figure.svg").read_text()
    assert all(f"<!-- {title} -->" in drawn for title in ("retrieval", "one", "two", "three"))
