"""Tables of a study from errors that are known, frame by frame."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.run_files import MethodPoses, Run
from hinted_posenet.reports.study_table import Study, read_study, study_tables

FRAMES = 20
POINT = {"fraction": 0.1, "hint": {"t_m": [1.0] * FRAMES}, "answer": {"t_m": [2.0] * FRAMES}}
CURVES = [{"half_extent_m": 10.0, "sweep": [POINT]}]


def run(errors_m: dict[str, float], grid: int = 3, rows: list[dict[str, Any]] | None = None) -> Run:
    """A run, each of whose rows is off by the same length in all frames."""
    config = {"backbone": {"name": "net"}, "pool": {"grid": grid}}
    results: dict[str, Any] = {"config": config, "frame_groups": [["all"]] * FRAMES}
    results |= {"inference_hint": {"name": "none"}, "rows": rows or [{}]}
    results |= {"groups": [{"name": "all", "season_group": "all"}], "resampling_unit": "frame"}
    ones, nowhere = np.ones(FRAMES), np.zeros((FRAMES, 3))
    rest = (nowhere, nowhere, np.zeros((FRAMES, 7)), np.ones((FRAMES, 6)))
    poses = {}
    for row, error_m in errors_m.items():
        nees = np.full(FRAMES, error_m**2 / 3) if row == "pass 1" else np.nan * ones
        role, step = ("network", 1) if row == "pass 1" else ("control", None)
        poses[row] = MethodPoses(
            row, role, step, False, [], error_m * ones, ones, *rest, nees, nees
        )
    return Run(Path(), results, poses)


def seeds(*pass_1_m: float, answer_m: tuple[float, ...] = (), grid: int = 3) -> list[Run]:
    """Runs that differ in their seed: each one's answers, and the answers of its hint if it had one."""
    retrieval_m = 50.0 if grid == 3 else 10.0
    runs = [{"pass 1": error_m, "retrieval": retrieval_m} for error_m in pass_1_m]
    for rows, error_m in zip(runs, answer_m, strict=False):
        rows["hint as the answer"] = error_m
    return [run(rows, grid) for rows in runs]


def lines(study: Study, title: str) -> dict[str, list[str]]:
    (table,) = (table for table in study_tables(study) if table.title.endswith(title))
    return {row[0]: row[1:] for row in table.rows}


NULL = {("null_hint", "none"): seeds(20, 20)}


def test_the_hint_as_the_answer_is_of_all_seeds():
    hinted = seeds(40, 40, answer_m=(100, 300))
    table = lines(Study(NULL | {("net", "network"): hinted}, {}), "frames)")
    assert table["hint as the answer"][1].startswith("200 [100, 300] m")


def test_controls_are_those_of_the_features_that_a_method_reads():
    runs = {("net", "retrieval"): seeds(40, 40, answer_m=(50, 50))}
    runs[("fine", "retrieval")] = seeds(5, 5, answer_m=(10, 10), grid=10)
    study = Study(NULL | runs, {})
    table = lines(study, "frames)")
    assert table["hint as the answer"][1].startswith("50 ")
    assert table["hint as the answer, features of fine"][1].startswith("10 ")
    assert table["retrieval, features of fine"][0].startswith("10 ")
    gains = lines(study, "gains")
    assert gains["net"][2] == "0.80 [0.80, 0.80]"
    assert gains["fine"][2] == "0.50 [0.50, 0.50]"


def test_gains_have_intervals_and_the_last_hint_counts_even_if_another_is_better():
    runs = {("net", "constant"): seeds(1, 1), ("net", "retrieval"): seeds(10, 30)}
    ratios, net = (lines(Study(NULL | runs, {}), "gains")[key] for key in ("ratios", "net"))
    assert net[ratios.index("retrieval: of null hint")] == "1.00 [0.50, 1.50]"
    assert net[ratios.index("last of them: of retrieval")] == "0.40 [0.20, 0.60]"


def test_a_method_under_oracles_alone_has_no_gain_but_a_stamped_sweep():
    study = Study(NULL | {("net", "nearest"): seeds(5, 5)}, {"net": CURVES})
    gains = lines(study, "gains")
    assert "(oracle)" in gains["ratios"][-2]
    assert gains["net"][:-1] == ["-", "-", "2.00"]
    assert float(gains["net"][-1]) == pytest.approx(2 * np.hypot(1, 20) / 20, abs=0.01)


def test_claims_of_seen_frames_stand_beside_those_of_unseen_ones():
    """Each run claims 1 m per axis; a NEES of 2.6 is the limit of the region that holds 95 %."""
    study = Study({("null_hint", "none"): seeds(0.5, 20), ("net", "constant"): seeds(1, 2)}, {})
    (table,) = study_tables(study, ["calibration"])
    assert table.title == "claimed 95 % of position holds: all"
    assert table.rows[1:] == [["null_hint", "50 %", "-"], ["net", "-", "100 %"]]


def test_recalls_of_several_modes_are_means_over_seeds_of_the_largest_threshold():
    def recalls(first: float, any_of_3: float) -> Run:
        row = {"group": "all", "recall_5m_2deg": 0.0, "recall_50m_10deg": first}
        return run({"pass 1": 1.0}, rows=[row | {"recall_50m_10deg_of_3_modes": any_of_3}])

    plain = run({"pass 1": 1.0}, rows=[{"group": "all", "recall_50m_10deg": 0.9}])
    runs = {("net", "none"): [recalls(0.2, 0.4), recalls(0.4, 0.8)], ("net", "network"): [plain]}
    (table,) = study_tables(Study(runs | {("null_hint", "none"): [plain]}, {}), ["modes"])
    assert table.title == "found by the first / by any of 3 modes"
    assert table.rows == [["≤ 50 m, 10°", "no hint", "network"], ["net, all", "30 / 60 %", "-"]]


def test_a_broken_results_file_is_named(tmp_path):
    (tmp_path / "results.json").write_text('{"rows": [')
    with pytest.raises(
        InputError, match=r"results\.json line 1: not valid JSON.*repeat the command"
    ):
        read_study([tmp_path])
