"""Priors in the world of a scene: placed, matched by name or time, and checked."""

import math
from pathlib import Path

import pytest
import torch
from layouts import assert_says

from hinted_posenet.core.geodesy import Origin, camera_rotation
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Hint
from hinted_posenet.data.priors.check import check_priors
from hinted_posenet.data.priors.load import PriorSource, load_priors
from hinted_posenet.data.priors.match import Matched
from hinted_posenet.data.priors.place import PriorKeys, prior_keys

MUNICH = Origin(11.5, 48.0, 520.0, "geoid")
NOTHING = PriorKeys()


def load(
    folder: Path,
    *lines: str,
    names: tuple[str, ...] = ("a.jpg",),
    keys: PriorKeys = NOTHING,
    origin: Origin | None = MUNICH,
    times_s: dict[str, float | None] | None = None,
    tolerance_s: float = 0.1,
) -> Matched:
    file = folder / "priors.csv"
    file.write_text("\n".join(lines))
    images = {name: folder / name for name in names}
    return load_priors(PriorSource(file, keys, tolerance_s), images, origin, times_s or {})


def first(matched: Matched) -> Hint:
    hint = matched.hints[0]
    assert hint is not None
    return hint


def test_a_place_on_earth_in_metres_of_the_scene(tmp_path: Path) -> None:
    header = "name,latitude,longitude,altitude,altitude_above,sigma_horizontal_m,sigma_vertical_m"
    hint = first(load(tmp_path, header, "a.jpg,48.001,11.5,530,geoid,5,15"))
    assert hint.pose.t.tolist() == pytest.approx([0, 111.2, 10], abs=0.05)
    assert hint.covariance.diagonal().tolist() == [25, 25, 225, math.inf, math.inf, math.inf]
    assert hint.pose.q.tolist() == [1, 0, 0, 0]
    assert_says(
        lambda: load(tmp_path, header, "a.jpg,48,11.5,530,geoid,5,15", origin=None),
        *("line 2", "does not know its place on Earth", "x, y, z"),
    )
    assert_says(
        lambda: load(tmp_path, header, "a.jpg,91,11.5,530,geoid,5,15"),
        "line 2",
        "latitude up to 91",
    )


def test_an_altitude_is_never_guessed(tmp_path: Path) -> None:
    header, row = "name,latitude,longitude,altitude,sigma_t_m", "a.jpg,48,11.5,530,5"

    def z(**keys: object) -> float:
        return float(first(load(tmp_path, header, row, keys=PriorKeys(**keys))).pose.t[2])  # type: ignore[arg-type]

    assert z(altitude_above="geoid") == 10
    assert z(altitude_above="scene") == 10
    assert z(altitude_above="takeoff", takeoff_altitude_m=7.0) == 537
    assert z(altitude_above="ground", ground_m=-2.0) == 528
    ignored = first(load(tmp_path, header, row, keys=PriorKeys(altitude_above="ignore")))
    assert ignored.covariance[2, 2] == math.inf and ignored.pose.t[2] == 0
    for keys, *words in (
        (NOTHING, "what its altitude is above", "altitude_above=", "ignore"),
        (PriorKeys(altitude_above="takeoff"), "takeoff_altitude_m"),
        (PriorKeys(altitude_above="ground"), "ground_m"),
    ):
        assert_says(lambda keys=keys: load(tmp_path, header, row, keys=keys), *words)
    stated = header + ",altitude_above"
    keys = PriorKeys(altitude_above="ellipsoid")
    assert_says(lambda: load(tmp_path, stated, row + ",geoid", keys=keys), "says otherwise")
    assert_says(lambda: load(tmp_path, stated, row + ",sea"), "'sea'", "ellipsoid, geoid")
    unknown = MUNICH._replace(vertical="unknown")
    assert_says(
        lambda: load(tmp_path, stated, row + ",geoid", origin=unknown), "z = 0 of the scene"
    )
    # no altitude needs no statement
    assert first(load(tmp_path, header, "a.jpg,48,11.5,,5")).covariance[2, 2] == math.inf


def test_sigmas_are_never_invented(tmp_path: Path) -> None:
    lines = ("name,x,y,z,heading_deg,pitch_deg,roll_deg", "a.jpg,1,2,3,90,0,0")
    assert_says(lambda: load(tmp_path, *lines), "line 2", "sigma_t_m", "prior_sigma_m=")
    keys = PriorKeys(prior_sigma_m=(5.0, 15.0))
    assert_says(lambda: load(tmp_path, *lines, keys=keys), "sigma_r_deg", "prior_sigma_r_deg")
    hint = first(load(tmp_path, *lines, keys=keys._replace(prior_sigma_r_deg=math.inf)))
    assert hint.covariance.diagonal().tolist() == [25, 25, 225, math.inf, math.inf, math.inf]
    assert torch.equal(hint.covariance, hint.covariance.diagonal().diag_embed())
    hint = first(load(tmp_path, *lines, keys=keys._replace(prior_sigma_r_deg=2.0)))
    assert hint.covariance[4, 4] == pytest.approx(math.radians(2) ** 2)
    assert rotation_angle(hint.pose.q, camera_rotation(90, 0, 0)) < 1e-9


def test_keys_of_a_command_line() -> None:
    assert prior_keys(None, None, None, None, None) == NOTHING
    keys = prior_keys([3, 6], "ignore", "takeoff", 2.0, None)
    assert keys == PriorKeys((3, 6), math.inf, "takeoff", 2.0, None)
    for wrong, *words in (
        (([3], None, None), "prior_sigma_m=[3]", "[horizontal,vertical]"),
        (([3, 0], None, None), "above 0"),
        ((None, 0.0, None), "prior_sigma_r_deg=0", "ignore"),
        ((None, None, "geiod"), "did you mean geoid?"),
    ):
        assert_says(lambda wrong=wrong: prior_keys(*wrong, None, None), *words)


def test_names_and_what_is_left_over(tmp_path: Path) -> None:
    header = "name,x,y,z,sigma_t_m"
    rows = ["day/a.jpg,1,0,0,1", "b.jpg,2,0,0,1", "c.jpg,3,0,0,1", "d.jpg,4,0,0,1", "e.jpg,5,0,0,1"]
    names = ("day/a.jpg", "night/b.jpg", "day/c.jpg", "night/c.jpg", "e.jpg", "f.jpg")
    matched = load(tmp_path, header, *rows, names=names)
    x = [None if hint is None else float(hint.pose.t[0]) for hint in matched.hints]
    assert x == [1, 2, None, None, 5, None]  # c.jpg may be either
    assert matched.without == ["day/c.jpg", "night/c.jpg", "f.jpg"]
    assert [where.rpartition(" ")[2] for where in matched.unused] == ["4", "5"]
    lines = matched.lines()
    assert lines[0] == "3 of 6 images have a prior"
    assert lines[1] == "3 images without a prior: day/c.jpg, night/c.jpg, f.jpg"
    assert_says(
        lambda: load(tmp_path, header, *rows, names=("x.jpg", "y.jpg")),
        *("none of the 2 images, such as x.jpg", "names or times must agree"),
    )
    twice = [header, rows[0], rows[0]]
    assert_says(lambda: load(tmp_path, *twice), "line 3", "has a prior already at", "line 2")


def test_times_within_a_tolerance(tmp_path: Path) -> None:
    lines = (
        "time_s,x,y,z,sigma_t_m,heading_deg,pitch_deg,roll_deg,sigma_r_deg",
        "10.0,0,0,0,1,350,0,0,1",
        "10.1,1,0,0,3,10,0,0,1",
        "20.0,9,0,0,1,0,0,0,1",
    )
    times = {"before": 9.95, "between": 10.025, "exact": 10.1, "late": 20.2, "never": None}
    matched = load(tmp_path, *lines, names=tuple(times), times_s=times)
    before, between, exact, late, never = matched.hints
    assert before is not None and before.pose.t[0] == 0
    assert between is not None and float(between.pose.t[0]) == pytest.approx(0.25)
    assert between.covariance[0, 0] == pytest.approx(0.75 * 1 + 0.25 * 9)
    assert rotation_angle(between.pose.q, camera_rotation(355, 0, 0)) < 1e-6
    assert exact is not None and exact.pose.t[0] == 1
    assert late is None and never is None and matched.without == ["late", "never"]
    assert len(matched.unused) == 1
    assert_says(lambda: load(tmp_path, *lines, names=("a",)), "found by time", "a column name")


def test_priors_that_cannot_be_right(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        "near,1,0,0,1",
        "far,5000,0,0,1",
        "broken,nan,0,0,1",
        "vague,5000,0,0,1000",
        "flat,1,2,,1",
    ]
    names = tuple(row.partition(",")[0] for row in rows)
    matched = load(tmp_path, "name,x,y,z,sigma_t_m", *rows, names=names)
    center = torch.zeros(3)
    kept = check_priors(names, matched.hints, center, 100.0, "ignore")
    assert [hint is not None for hint in kept] == [True, False, False, True, True]
    assert "far: its prior is 5000 m from the scene" in caplog.text
    assert "broken: its prior is not a finite pose" in caplog.text
    assert_says(
        lambda: check_priors(names, matched.hints, center, 100.0),
        "far: its prior",
        "far_priors=ignore",
    )
