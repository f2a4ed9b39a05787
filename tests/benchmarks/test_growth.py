from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from growth import main
from growth_figure import growth_figure, growth_table
from growth_fit import AXES, Curve, Point, fit_growth
from report_runs import about_run, views_at

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.evaluation import write_run as results
from hinted_posenet.evaluation.bootstrap import difference
from hinted_posenet.evaluation.predictions import MethodAnswer
from hinted_posenet.evaluation.run_files import read_scenes
from hinted_posenet.evaluation.write_run import frames_of

AREAS_KM2 = (0.25, 1.0, 4.0, 16.0)


def curve(errors_m: list[float]) -> Curve:
    found = zip(AREAS_KM2, errors_m, strict=True)
    return Curve("all", [Point(x, 100, {"net": np.full((1, 20), error)}) for x, error in found])


def write_run(
    folder: Path,
    scene: str,
    side_m: float,
    errors_m: dict[str, list[float]],
    name: str = "net",
    dates: Sequence[str] = ("2025-07-15",),
    flights: Sequence[str] = ("test",),
    **changes: object,
) -> Path:
    """A run over cameras all over a square; training saw the first frame's date alone."""
    spread = torch.linspace(-side_m / 2, side_m / 2, 12)
    places = torch.cartesian_prod(spread, spread, torch.tensor([300.0]))
    truth = Pose(places, torch.tensor([[1.0, 0.0, 0.0, 0.0]] * len(places)))
    views = views_at(truth, [{"date": date} for date in dates], flights)
    answers = []
    for method, errors in errors_m.items():
        east_m = torch.tensor(errors).repeat(len(places))[: len(places), None] * torch.eye(3)[0]
        role, step = ("network", 1) if method == "pass 1" else ("control", None)
        pose = truth._replace(t=places + east_m)
        answers.append(MethodAnswer(method, role, pose, step=step))
    data = {"name": "aerial", "scene": scene, "ground_truth": "exact"}
    about = about_run(name, data=data, frames={"train": 1200}, **changes)
    results.write_run(folder, about, frames_of(views), frames_of(views[:1]), answers, truth, [])
    return folder


def line(table: str, title: str) -> str:
    """What stands behind the title of a line."""
    (found,) = [row for row in table.splitlines() if row.strip().startswith(f"{title}  ")]
    return found.strip().removeprefix(title).strip()


def test_an_exact_power_law_is_recovered() -> None:
    growth = fit_growth(curve([7.0 * x**0.7 for x in AREAS_KM2]).points, "net")
    assert growth is not None
    assert growth[:2] == pytest.approx((7.0, 0.7))
    assert (growth.low, growth.high) == pytest.approx((0.7, 0.7), abs=1e-6)


def test_the_interval_holds_the_true_exponent_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        noise = np.exp(generator.normal(0, 0.2, len(AREAS_KM2)))
        growth = fit_growth(curve((np.sqrt(AREAS_KM2) * noise).tolist()).points, "net")
        assert growth is not None
        held += growth.low <= 0.5 <= growth.high
    assert 0.92 <= held / 400 <= 0.98


def test_two_points_are_no_growth() -> None:
    assert fit_growth(curve([1.0, 2.0, 3.0, 4.0]).points[:2], "net") is None


def test_a_ratio_pairs_the_frames() -> None:
    errors = np.exp(np.random.default_rng(0).normal(0, 2, (1, 60)))
    assert difference(3 * errors, errors)[:3] == pytest.approx((3, 3, 3))


def test_area_is_measured_and_fitted(tmp_path: Path) -> None:
    folders = []
    for side_m in (500, 1000, 2000, 4000):
        scene = f"world_{side_m}"
        for name in ("null_hint", "net"):
            errors = {"constant pose": [side_m], "retrieval": [50.0]}
            errors["pass 1"] = [side_m / 10 if name == "null_hint" else side_m / 20]
            folders.append(write_run(tmp_path / scene / name, scene, side_m, errors, name))
    curves = AXES["area"].curves(read_scenes(folders[::-1]))
    table = growth_table(AXES["area"], curves)
    areas = [point.x for point in curves[0].points]  # 12 x 12 points of a square are a bit more
    assert areas == pytest.approx([1.18 * x for x in AREAS_KM2], rel=0.01)
    assert line(table, "constant pose").startswith("500 [500, 500]")
    assert line(table, "net").endswith("0.50 [0.50, 0.50]")
    assert line(table, "net / null_hint").startswith("0.50 [0.50, 0.50]")


def test_what_training_did_not_see_is_a_curve_of_its_own(tmp_path: Path) -> None:
    errors = {"constant pose": [500.0], "retrieval": [50.0], "pass 1": [10.0, 90.0]}
    folder = write_run(tmp_path / "a", "a", 500, errors, dates=["2025-07-15", "2025-01-15"])
    curves = AXES["area"].curves(read_scenes([folder]))
    found = {c.title: np.unique(c.points[0].errors_m["net"].round(3)).tolist() for c in curves}
    assert found == {"dates seen in training": [10.0], "unseen dates": [90.0]}


def test_months_count_around_the_year(tmp_path: Path) -> None:
    dates = ["2025-11-15", "2013-11-15", "2026-02-15", "2025-08-25"]
    errors = {"constant pose": [500.0], "retrieval": [50.0], "pass 1": [1.0, 2.0, 3.0, 4.0]}
    folder = write_run(tmp_path / "a", "a", 500, errors, dates=dates)
    (found,) = AXES["months"].curves(read_scenes([folder]))
    medians = {point.x: set(point.errors_m["net"].ravel()) for point in found.points}
    assert medians == {0.0: {1.0, 2.0}, 3.0: {3.0}, 2.7: {4.0}}


def test_altitude_is_in_the_name_of_the_flight(tmp_path: Path) -> None:
    errors = {"constant pose": [500.0], "retrieval": [50.0], "pass 1": [20.0, 60.0]}
    flights = ["test_200m", "test_600m"]
    folder = write_run(tmp_path / "a", "a", 500, errors, flights=flights)
    (found,) = AXES["altitude"].curves(read_scenes([folder]))
    assert [(point.x, point.errors_m["net"].max().round(3)) for point in found.points] == [
        (200.0, 20.0),
        (600.0, 60.0),
    ]
    with pytest.raises(InputError, match="test_300m"):
        AXES["altitude"].curves(read_scenes([write_run(tmp_path / "b", "b", 500, errors)]))


def test_controls_without_a_hint_come_from_runs_without_an_oracle(tmp_path: Path) -> None:
    """Beside an oracle hint, retrieval has seen it, too."""
    plain = {"constant pose": [500.0], "retrieval": [50.0], "pass 1": [20.0]}
    told = plain | {"retrieval": [5.0], "hint as the answer": [30.0], "pass 1": [15.0]}
    hint = {"name": "oracle", "sigma_t_m": 30.0, "sigma_r_deg": None}
    oracle = write_run(tmp_path / "o", "a", 500, told, "net", inference_hint=hint, oracle=True)
    non_oracle = write_run(tmp_path / "h", "a", 500, plain, "net")
    table = growth_table(AXES["area"], AXES["area"].curves(read_scenes([oracle, non_oracle])))
    assert line(table, "retrieval").startswith("50 [")
    assert line(table, "retrieval from the hint (oracle)").startswith("5 [")
    hinted = "net from a sensor of 30 m (oracle)"
    assert line(table, hinted).startswith("15 [")
    assert line(table, f"{hinted} / hint as the answer (oracle)") == "0.50 [0.50, 0.50]"
    with pytest.raises(InputError, match="oracle"):
        AXES["area"].curves(read_scenes([oracle]))


def test_command_writes_page_and_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = {"constant pose": [500.0], "retrieval": [50.0], "pass 1": [20.0, 30.0]}
    areas = [str(write_run(tmp_path / str(s), str(s), s, errors)) for s in (500, 1000, 2000)]
    months = write_run(tmp_path / "m", "m", 500, errors, dates=["2025-07-15", "2025-01-15"])
    page, picture = tmp_path / "page.md", tmp_path / "figure.png"
    page.write_text("<!-- begin aerial -->\n<!-- end aerial -->\n")
    words = ["--area", *areas, "--density", "--months", str(months), "--insert", str(page)]
    monkeypatch.setattr("sys.argv", ["growth.py", *words, "--figure", str(picture)])
    main()
    assert "time of the year" in page.read_text()
    assert picture.stat().st_size > 10_000
    monkeypatch.setattr("sys.argv", ["growth.py"])
    with pytest.raises(SystemExit):
        main()
    assert "--area" in capsys.readouterr().err


def test_figure_names_every_line(tmp_path: Path) -> None:
    errors = {"constant pose": [500.0], "retrieval": [50.0], "pass 1": [20.0]}
    folders = [write_run(tmp_path / str(m), str(m), m, errors) for m in (500, 1000, 2000)]
    curves = AXES["area"].curves(read_scenes(folders))
    growth_figure(tmp_path / "figure.svg", {AXES["area"]: curves})
    drawn = (tmp_path / "figure.svg").read_text()
    assert all(f"<!-- {row}" in drawn for row in ("constant pose", "retrieval", "net"))
