"""The report page without a browser: the numbers behind its plots, what it holds, and how large it is."""

import base64
import gzip
import json
import re
import time
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from report_runs import pictures, write_run, write_runs

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.calibration import claims_held
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.reports.page.calibration import (
    calibration_figure,
    rejection_figure,
    seen_and_unseen,
)
from hinted_posenet.reports.page.curves import POSITION, log_ticks, read_lines
from hinted_posenet.reports.page.page import render, write_page
from hinted_posenet.reports.page.pictures import picks
from hinted_posenet.reports.page.plots import binned_medians, histogram, recall_curve, step_figure
from hinted_posenet.reports.page.summary import summary_lines, summary_rows


def packed(page: str, name: str) -> str:
    text = re.search(rf'id="{name}">([^<]+)<', page)
    assert text
    return gzip.decompress(base64.b64decode(text[1])).decode()


def data_of(page: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(packed(page, "data"))
    return content


class Links(HTMLParser):
    """Values of attributes that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


# ---- numbers


def test_recall_curve_counts_what_is_within() -> None:
    x, y = recall_curve(np.array([[3.0, 1.0], [np.inf, 2.0]]))
    assert x.tolist() == [1, 2, 3]
    assert y.tolist() == [0.25, 0.5, 0.75]


def test_histogram_keeps_what_lies_beyond_its_edges() -> None:
    shares = histogram(np.array([0.1, 1.5, 2.5, 2.6, np.inf]), np.array([1.0, 2.0, 3.0]))
    assert shares.tolist() == [0.4, 0.6]


def test_bins_have_equal_counts_and_medians() -> None:
    x = np.arange(100.0)[::-1]
    x_of_bin, y_of_bin, pairs = binned_medians(np.append(x, np.nan), np.append(2 * x, 1.0), 4)
    assert x_of_bin.tolist() == [12, 37, 62, 87]
    assert y_of_bin.tolist() == [24, 74, 124, 174]
    assert pairs == 25


def test_ticks_are_round_and_short() -> None:
    assert log_ticks(0.012, 300) == [0.1, 1, 10, 100]
    assert log_ticks(0.9, 9) == [1, 2, 5]
    assert [POSITION.tick(x) for x in (0.05, 2, 1000, 20_000)] == ["5 cm", "2 m", "1 km", "20 km"]


def test_picks_are_apart() -> None:
    error = np.arange(200.0)
    found = picks(error)
    assert found["best"] == [0, 4, 8, 12]
    assert found["worst"] == [199, 195, 191, 187]
    assert found["median"][0] == 100
    assert all(abs(a - b) >= 4 for rows in found.values() for a in rows for b in rows if a != b)


# ---- the page


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def page(folders: list[Path]) -> str:
    return render(read_runs(folders))


def test_seeds_are_folded_and_sensors_told_apart(folders: list[Path]) -> None:
    lines = {line.title: line for line in read_lines(read_runs(folders))}
    assert list(lines) == [
        "constant pose",
        "retrieval",
        "nearest camera (oracle)",
        "null",
        "residual from retrieval",
        "residual from a sensor of 5 m (oracle)",
        "residual from a sensor of 50 m (oracle)",
    ]
    assert lines["residual from retrieval"].errors("error_t_m").shape == (2, 60)
    residual = [line for title, line in lines.items() if title.startswith("residual")]
    assert len({line.colour for line in residual}) == 1
    assert len({line.dash for line in residual}) == 3
    with pytest.raises(InputError, match="second run of null with seed 0"):
        read_lines(read_runs([folders[0], folders[0]]))


def test_table_has_medians_intervals_and_recalls(folders: list[Path]) -> None:
    lines = summary_lines(read_lines(read_runs(folders)))
    rows = {row.line.title: row for row in summary_rows(lines, np.ones(60, dtype=bool))}
    line = rows["residual from retrieval, step 2"].line
    cells = rows["residual from retrieval, step 2"].cells
    t_m, r_deg = line.errors("error_t_m"), line.errors("error_r_deg")
    assert cells[0].value == pytest.approx(np.median(t_m, axis=1).mean())
    assert cells[0].text == f"{cells[0].value:.0f} m"
    assert cells[3].value == pytest.approx(claims_held(line.errors("nees_position")))
    assert cells[5].value == pytest.approx(np.mean((t_m <= 20) & (r_deg <= 5)))
    assert cells[-1].text == "2"  # seeds
    assert "residual from a sensor of 5 m (oracle): the hint as the answer" in rows


def test_a_study_s_curves_go_on_where_the_passes_end(folders: list[Path], tmp_path: Path) -> None:
    def last_step() -> int:
        figure = step_figure(read_lines(read_runs([run]))[-1:], POSITION)
        assert figure
        return int(max(figure["data"][0]["x"]))

    run = write_run(tmp_path / "run", "net")
    assert last_step() == 2
    step = {"t_m": [1.0] * 60, "r_deg": [1.0] * 60}
    steps = {"retrieval": {"start": step, "refinement_steps": [step] * 20}}
    sweep = [{"hint": step, "answer": step}]
    curves = {"half_extent_m": 10.0, "sweep": sweep, "contraction": steps}
    (run / "curves.json").write_text(json.dumps(curves))
    assert last_step() == 20


def test_page_loads_nothing(page: str) -> None:
    links = Links()
    links.feed(page)
    assert links.found
    assert all(link.startswith(("#", "data:")) for link in links.found)
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\((?!data:)", page)


def test_figures_are_valid_and_named_after_their_place(page: str) -> None:
    figures = data_of(page)["figures"]
    assert len(figures) == 16
    for name, groups in figures.items():
        assert f'id="{name}"' in page
        for figure in groups.values():
            go.Figure(figure)  # refuses what plotly does not know
    assert set(figures["recall-position"]) == {"all", "seasons seen in training", "unseen seasons"}
    below = figures["hint-position"][""]["data"]
    assert below[0]["x"] == below[0]["y"]  # y = x


def test_calibration_is_drawn_of_seen_frames_and_of_unseen_ones(folders: list[Path]) -> None:
    """The network is off by twice of what it says where the season is unseen."""
    runs = read_runs(folders)
    lines, groups = read_lines(runs), seen_and_unseen(runs[0])
    assert groups == {"seen": "seasons seen in training", "unseen": "unseen seasons"}
    for group, low, high in zip(groups.values(), (0.85, 0.25), (1.01, 0.7), strict=True):
        figure = calibration_figure(lines, POSITION, group, runs[0].in_group(group))
        assert figure and len(figure["data"]) == 1 + 4  # beside the line of what is claimed
        held = {curve["meta"][0]: curve["y"][38] for curve in figure["data"][1:]}
        assert all(low < share < high for share in held.values()), held
    alone = {"groups": [{"name": "all", "season_group": "all"}]}
    assert seen_and_unseen(runs[0]._replace(results=alone)) == {"all": "all"}


def test_rejecting_doubtful_frames_leaves_smaller_errors(folders: list[Path]) -> None:
    line = read_lines(read_runs(folders))[4]
    figure = rejection_figure([line], np.ones(60, dtype=bool), "p95")
    y = figure["data"][0]["y"]
    assert y[9] < 0.8 * y[-1]
    assert y[-1] == pytest.approx(np.quantile(line.errors("error_t_m"), 0.95, axis=1).mean())


def test_picked_frames_have_pictures_with_their_neighbours(page: str) -> None:
    data = data_of(page)
    for line in data["lines"]:
        if line["non_oracle"]:
            for row in chain.from_iterable(line["picks"].values()):
                name, near = (data["frames"][key][row] for key in ("name", "neighbour"))
                assert data["pictures"]["query"][name].startswith("data:image/webp;base64,")
                assert data["pictures"]["train"][near].startswith("data:image/webp;base64,")


def test_oracle_is_stamped_and_names_are_escaped(page: str, tmp_path: Path) -> None:
    assert page.count("oracle</abbr>") > 10
    assert "Some hints of residual were made from the labels" in page
    odd = render(read_runs([write_run(tmp_path / "odd", "<b>net</b>")]), title="a <i>title</i>")
    assert "<b>net</b>" not in odd and "<i>title" not in odd
    assert "&lt;b&gt;net&lt;/b&gt;" in odd


def test_images_that_have_moved_are_told_of(tmp_path: Path) -> None:
    page = render(read_runs([write_run(tmp_path / "run", "net")]))
    data = data_of(page)
    assert set(data["pictures"]["query"].values()) == {None}
    assert data["figures"]["map"][""]["layout"]["images"] == []


@pytest.mark.slow
def test_2000_frames_of_6_runs_are_below_5_mb(tmp_path: Path) -> None:
    images = pictures(tmp_path / "images", 12)
    runs = read_runs(
        [
            write_run(tmp_path / name, name, 0, 5.0 + 3 * number, count=2000, images=images)
            for number, name in enumerate("abcdef")
        ]
    )
    started = time.perf_counter()
    write_page(tmp_path / "report.html", runs)
    assert time.perf_counter() - started < 30  # 4 s on a free core
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    assert [path.name for path in tmp_path.glob("*report*")] == ["report.html"]


def test_verb(here: Any, folders: list[Path], tmp_path: Path) -> None:
    done = here("report", *folders, "title=Toy")
    assert done.stdout == "written: report.html\n", done.stderr
    assert "<h1>Toy</h1>" in (tmp_path / "report.html").read_text()
    pdf = here("report", folders[0], "out=a.pdf")
    assert pdf.stderr == "error: out=a.pdf: expected one of .html; rename it\n"
