"""What a terminal shows of a result is short, and names what was trained."""

import copy
import json

import pytest
from report_runs import write_runs

from hinted_posenet.evaluation.results_file import read_results
from hinted_posenet.reports.summary import print_result, summary


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    runs = write_runs(tmp_path_factory.mktemp("runs"))
    return [read_results(run / "results.json") for run in runs]


def test_a_result_has_at_most_twelve_lines(results, capsys):
    for one in results:
        print_result(one, verbose=False)
        shown = capsys.readouterr().out
        assert len(shown.splitlines()) <= 11  # and one that says what was written
        assert max(map(len, shown.splitlines())) <= 120
        assert "verbose=true" in shown
        print_result(one, verbose=True)
        assert len(capsys.readouterr().out) > 2 * len(shown)


def test_a_network_is_called_by_its_name_and_no_line_is_there_twice(results):
    one = copy.deepcopy(results[0])
    lines = summary(one).splitlines()
    names = [line.split("  ")[0] for line in lines[2:]]
    assert any(name.startswith(one["name"]) for name in names)
    assert len(set(names)) == len(names)
    retrieval = [row for row in one["rows"] if row["method"] == "retrieval"]
    one["rows"] += [{**row, "method": "hint as the answer", "role": "hint"} for row in retrieval]
    assert any(
        line.startswith("retrieval = hint as the answer") for line in summary(one).splitlines()
    )
    assert len(summary(one).splitlines()) == len(lines)


def test_a_network_that_is_worse_than_retrieval_is_told_so(results):
    one = copy.deepcopy(results[0])
    for row in one["rows"]:
        if row["method"] == "retrieval":
            row["median_t_m"] = 1e9
    assert "note:" not in summary(one)
    for row in one["rows"]:
        if row["method"] == "retrieval":
            row["median_t_m"] = 0.0
    assert "note: retrieval" in summary(one)


def test_seen_and_unseen_stand_beside_all_frames(results):
    one = json.loads(json.dumps(results[0]))
    header = summary(one).splitlines()[2]
    groups = [group for group in one["groups"] if group["season_group"] in ("seen", "unseen")]
    assert len(groups) == 2
    for group in groups:
        assert group["name"].removesuffix(" in training") in header
    assert "claimed 95 % holds" in header and "95 % within" in header
