import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from report_runs import about_run, views_at

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tables import insert_text
from hinted_posenet.core.types import Pose
from hinted_posenet.data.poses import write_poses
from hinted_posenet.evaluation import write_run as results
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, difference
from hinted_posenet.evaluation.predictions import MethodAnswer
from hinted_posenet.evaluation.run_files import read_runs, read_scenes
from hinted_posenet.evaluation.score import score_file
from hinted_posenet.evaluation.write_run import frames_of
from hinted_posenet.reports.calibration_lines import calibration_lines
from hinted_posenet.reports.compare import (
    comparison,
    comparison_csv,
    comparison_of_scenes,
    table_rows,
)
from hinted_posenet.reports.positions_figure import positions_figure
from hinted_posenet.reports.published import average_scenes, published_for

SEASONS = [{"season": "summer"}] * 5 + [{"season": "winter"}] * 5
IDENTITY = about_run("")["data"]


def poses(offset_m: float, count: int = 10) -> Pose:
    t = torch.arange(count).float()[:, None] * torch.tensor([100.0, 10.0, 0.0])
    return Pose(t + torch.tensor([offset_m, 0.0, 0.0]), torch.tensor([[1.0, 0, 0, 0]] * count))


def write_run(
    folder: Path,
    name: str,
    seed: int,
    offset_m: float,
    retrieval_m: float = 50.0,
    hint_m: torch.Tensor | None = None,
    variance_m2: torch.Tensor | None = None,
    **changes: object,
) -> Path:
    """A run whose network is off by ``offset_m`` everywhere; half of the frames are of an unseen season."""
    truth = poses(0.0)
    views = views_at(truth, SEASONS)
    covariance = None if variance_m2 is None else variance_m2[:, None, None] * torch.eye(6)
    answers = [
        MethodAnswer("constant pose", "control", poses(200.0)),
        MethodAnswer("retrieval", "control", poses(retrieval_m)),
        MethodAnswer("pass 1", "network", poses(offset_m), covariance, step=1),
    ]
    if hint_m is not None:
        hint = truth._replace(t=truth.t + hint_m[:, None])
        answers.append(MethodAnswer("hint as the answer", "hint", hint))
    about = about_run(name, seed=seed, **changes)
    frames, train = frames_of(views), frames_of(views[:5])
    results.write_run(folder, about, frames, train, answers, truth, [(10.0, 5.0)])
    return folder


def test_seeds_are_folded_and_groups_told_apart(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / f"net{s}", "net", s, 10.0 * (s + 1)) for s in range(3)]
    table = comparison(read_runs(folders)).text()
    net = [line.split() for line in table.splitlines() if line.strip().startswith("net")]
    assert [line[1] for line in net] == ["3"] * 3  # all, seen, unseen
    assert all(line[2] == "20" for line in net)  # mean of 10, 20, 30
    assert "0.100" in net[0]  # of the constant pose's 200 m
    assert net[0][-2:] == ["33", "%"]  # within 10 m
    assert "seasons seen in training (5 frames)" in table
    assert "unseen seasons (5 frames)" in table
    markdown = comparison(read_runs(folders)).markdown()
    assert len({line.count("|") for line in markdown.splitlines()[2:]}) == 1


def test_claims_stand_beside_the_errors_of_who_states_them(tmp_path: Path) -> None:
    stated = {"variance_m2": torch.tensor([100.0] * 5 + [1.0] * 5)}
    runs = read_runs([write_run(tmp_path / f"{s}", "net", s, 10.0, **stated) for s in (0, 1)])
    table = comparison(runs).text().splitlines()
    assert "claimed 95 % holds" in table[2]
    net = [line for line in table if line.strip().startswith("net")]
    assert [("50 %" in net[0]), ("100 %  " in net[1]), ("  0 %" in net[2])] == [True] * 3
    written = csv.DictReader(comparison_csv(runs).splitlines())
    found = {(row["group"], row["method"]): row for row in written}
    assert found["unseen seasons", "net"]["coverage_95_position"] == "0"
    assert found["unseen seasons", "retrieval"]["coverage_95_position"] == ""
    header, net_alone = (
        line.split("  ") for line in calibration_lines(runs[0].results).split("\n")
    )
    assert [text.strip() for text in header if text.strip()] == [
        *("claimed 50/90/95 % holds", "all", "seasons seen in training", "unseen seasons"),
        "95th percentile, a fifth rejected",
    ]
    cells = ["step 1", "50/50/50 %", "100/100/100 %", "0/0/0 %", "1.00 of all"]
    assert [text.strip() for text in net_alone if text.strip()] == cells
    silent = read_runs([write_run(tmp_path / "silent", "net", 0, 10.0)])
    assert "claimed" not in comparison(silent).text()
    assert calibration_lines(silent[0].results) == ""


def test_groups_are_chosen_by_name(tmp_path: Path) -> None:
    runs = read_runs([write_run(tmp_path / "a", "net", 0, 1.0)])
    table = comparison(runs, ["unseen seasons", "all"]).text()
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
    assert "net (oracle)" in comparison(read_runs([run])).text()


@pytest.mark.parametrize(
    ("start", "shown"), [("cell", 1), ("prior", 1), ("retrieval", 0), ("constant", 0)]
)
def test_a_hint_that_is_no_control_yet_stands_as_an_answer(
    tmp_path: Path, start: str, shown: int
) -> None:
    run = write_run(
        tmp_path, "net", 0, 10.0, hint_m=torch.full((10,), 30.0), inference_hint={"name": start}
    )
    titles = [row.title for row in table_rows(read_runs([run]))]
    assert sum(title.endswith(": the hint as the answer") for title in titles) == shown


def test_intervals_are_wider_where_whole_sequences_err_together() -> None:
    generator = np.random.default_rng(0)
    sequences = [name for name in "abcd" for _ in range(100)]
    errors = np.repeat([[1.0, 2.0, 3.0, 4.0]], 100, axis=1) + generator.normal(0, 0.1, (1, 400))
    errors = np.sort(errors)
    by_frame, by_sequence = (bootstrap_interval(errors, s) for s in (None, sequences))
    assert by_sequence[0] < by_frame[0] < by_frame[1] < by_sequence[1]
    assert bootstrap_interval(errors, ["a"] * 400) == by_frame  # one sequence: its frames


def test_a_difference_is_tested_on_the_same_frames() -> None:
    generator = np.random.default_rng(0)
    reference = generator.lognormal(0, 1, (1, 300))
    better, same = 0.9 * reference, reference * generator.lognormal(0, 0.3, (1, 300))
    found = difference(better, reference)
    assert found.ratio == pytest.approx(0.9)
    low, high = bootstrap_interval(better)
    # pairing takes out the frames' own spread
    assert found.high - found.low < 0.5 * (high - low)
    assert difference(same, reference).p > 0.05
    assert found.p <= 0.002


def test_lost_frames_make_intervals_infinite_and_not_nan() -> None:
    errors = np.ones((1, 10))
    errors[:, :6] = np.inf
    assert bootstrap_interval(errors)[1] == np.inf
    assert np.isnan(difference(errors, errors).ratio)


def test_a_reference_gives_ratio_and_p(tmp_path: Path) -> None:
    runs = read_runs([write_run(tmp_path / n, n, 0, off) for n, off in (("a", 10.0), ("b", 20.0))])
    table = comparison(runs, reference="a").text()
    assert "position of a [95 %]" in table.splitlines()[2]
    line = next(line for line in table.splitlines() if line.startswith("  b"))
    assert line.split()[-3:] == ["2.00]", "<", "0.002"]
    with pytest.raises(InputError, match="reference=c: choose among constant pose, nearest"):
        comparison(runs, reference="c")


def test_latex_and_csv(tmp_path: Path) -> None:
    runs = read_runs([write_run(tmp_path / "a", "net_1", 0, 10.0)])
    latex = comparison(runs).latex()
    assert r"net\_1 & 1 & 10 [10, 10] m" in latex
    assert latex.count(r"\midrule") == 3 and r"\bottomrule" in latex
    assert "°" not in latex and "≤" not in latex
    rows = list(csv.DictReader(comparison_csv(runs).splitlines()))
    net = next(row for row in rows if row["method"] == "net_1")
    assert float(net["median_t_m"]) == float(net["rmse_t_m"]) == pytest.approx(10)
    assert (net["group"], net["frames"], net["oracle"]) == ("all", "10", "False")
    assert {"median_t_m_low", "p90_r_deg", "auc_10m", "recall_10m_5deg"} <= net.keys()


def test_retrieval_has_a_line_for_each_kind_of_features_and_is_stamped(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / n, n, 0, 10.0) for n in ("one", "two")]
    folders.append(write_run(tmp_path / "gps", "gps", 0, 10.0, retrieval_m=60.0))
    folders.append(write_run(tmp_path / "o", "o", 0, 10.0, retrieval_m=5.0, oracle=True))
    titles = [row.title for row in table_rows(read_runs(folders))]
    assert [title for title in titles if title.startswith("retrieval")] == [
        "retrieval",
        "retrieval, features of gps",
        "retrieval with the hint (oracle)",
    ]


def test_groups_that_depend_on_the_hint_are_refused(tmp_path: Path) -> None:
    first, second = (
        write_run(tmp_path / n, n, 0, 1.0, hint_m=torch.linspace(0, 1, 10).roll(shift))
        for n, shift in (("a", 0), ("b", 5))
    )
    group = next(g for g in read_runs([first])[0].results["frame_groups"][0] if "hint error" in g)
    assert "hint error up to" in comparison(read_runs([first]), [group]).text()
    with pytest.raises(InputError, match=r"b has other frames in it than .*a"):
        comparison(read_runs([first, second]), [group])


SEVEN = {"name": "seven_scenes", "ground_truth": "raw"}


def scenes(tmp_path: Path, counts: dict[str, int], **data: str) -> list[Path]:
    return [
        write_run(
            tmp_path / scene,
            "net",
            0,
            0.1 * number,
            data={**SEVEN, "scene": scene, **data},
            frames={"test": count},
        )
        for number, (scene, count) in enumerate(counts.items(), start=1)
    ]


def test_published_medians_stand_beside_results_on_the_same_frames_only(tmp_path: Path) -> None:
    runs = read_runs(scenes(tmp_path, {"redkitchen": 5000}))
    table = comparison(runs, published=published_for(runs))
    text = table.text()
    assert "published, not measured here" in text
    assert "MapNet" in text and "23.0 cm" in text and "LSTM" not in text  # it has an average only
    assert any("DFNet" in note and "radiance field" in note for note in table.notes)
    few = read_runs(scenes(tmp_path / "few", {"redkitchen": 100}))
    with pytest.raises(InputError, match=r"of 5000 test frames of redkitchen, .* has 100"):
        published_for(few)
    other = read_runs(scenes(tmp_path / "sfm", {"redkitchen": 5000}, ground_truth="sfm"))
    with pytest.raises(InputError, match="raw ground truth and the test split"):
        published_for(other)


def test_scenes_become_columns_with_their_average(tmp_path: Path) -> None:
    every = {"chess": 2000, "fire": 2000, "heads": 1000, "office": 4000, "pumpkin": 2000}
    folders = scenes(tmp_path, {**every, "redkitchen": 5000, "stairs": 1000})
    found = read_scenes(folders)
    papers = published_for([run for runs in found for run in runs])
    lines = comparison_of_scenes(found, papers, average_scenes("seven_scenes")).text().splitlines()
    net = next(line for line in lines if line.startswith("  net"))
    assert "10.0 cm" in net and net.endswith("40.0 cm, 0.0°")
    assert next(line for line in lines if line.startswith("  iAPR")).endswith("17.0 cm, 6.7°")
    some = comparison_of_scenes(found[:2], papers, average_scenes("seven_scenes")).text()
    assert "iAPR" not in some and "AtLoc" in some  # no average of the same scenes
    mixed = read_scenes([folders[0], *scenes(tmp_path / "x", {"fire": 2000}, ground_truth="sfm")])
    with pytest.raises(InputError, match="ground_truth is sfm"):
        comparison_of_scenes(mixed)


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


def test_files_of_an_older_version_are_named_with_what_renews_them(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", "net", 0, 1.0)
    text = (run / "poses.csv").read_text()
    (run / "poses.csv").write_text(text.replace("neighbour", "other", 1))
    with pytest.raises(InputError, match=r"poses\.csv: of an older version; delete .*a and repeat"):
        read_runs([run])
    (run / "localizer.ckpt").touch()
    with pytest.raises(
        InputError, match=r"`hinted-posenet evaluate checkpoint=.*a out=.*a overwrite=true`"
    ):
        read_runs([run])
    (run / "poses.csv").write_text(text)
    results = (run / "results.json").read_text()
    (run / "results.json").write_text(results.replace("resampling_unit", "other"))
    with pytest.raises(InputError, match=r"results\.json: of an older version; renew it with"):
        read_runs([run])
    (run / "results.json").write_text(results)
    (run / "frames.csv").unlink()
    with pytest.raises(
        InputError, match=r"frames\.csv: missing; renew it with `hinted-posenet evaluate"
    ):
        read_runs([run])[0].read_frames()


@pytest.mark.parametrize("name", ["poses.csv", "frames.csv"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.95])
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, name: str, share: float) -> None:
    run = write_run(tmp_path / "a", "net", 0, 1.0)
    text = (run / name).read_text()
    lines = text.splitlines(keepends=True)
    # of frames.csv the scored ones come first; of training ones, a missing line cannot be told
    kept = int(share * (len(lines) if name == "poses.csv" else 10))
    (run / name).write_text("".join(lines[:kept]) + lines[kept][:20])
    fault = "(: truncated or changed|: of an older version| line .*: expected as many fields.*)"
    with pytest.raises(InputError, match=f"{name}{fault}; delete"):
        read_runs([run])[0].read_frames()


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


def test_figure_of_poses_that_were_scored_alone(tmp_path: Path) -> None:
    """Without retrieval, and without a map."""
    q = torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).expand(5, 4)
    t = torch.arange(15, dtype=torch.float64).reshape(5, 3)
    for name, pose in (("truth", Pose(t, q)), ("slam", Pose(t + 1, q))):
        write_poses(tmp_path / f"{name}.txt", [f"{n}.png" for n in range(5)], pose)
    run = score_file(tmp_path / "slam.txt", tmp_path / "truth.txt", out=tmp_path / "out")
    positions_figure(tmp_path / "figure.svg", read_runs([run]))
    assert "<!-- slam -->" in (tmp_path / "figure.svg").read_text()
