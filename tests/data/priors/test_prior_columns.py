"""Priors of a CSV file: every way to state a position, a rotation and how exact they are, and mistakes by line."""

import math
from pathlib import Path

import pytest
import torch
from layouts import assert_says

from hinted_posenet.core.geodesy import camera_rotation
from hinted_posenet.data.priors.columns import COVARIANCE
from hinted_posenet.data.priors.csv_table import read_csv
from hinted_posenet.data.priors.reading import Reading

INF = math.inf


def read(path: Path, *lines: str) -> list[Reading]:
    file = path / "priors.csv"
    file.write_text("\n".join(lines))
    return read_csv(file)


def sigmas(reading: Reading) -> list[float]:
    return reading.covariance.diagonal().sqrt().tolist()


def test_positions_in_the_world_and_on_earth(tmp_path: Path) -> None:
    (world,) = read(tmp_path, "name,x,y,z,sigma_t_m", "a.jpg,1,2.5,-3,4")
    assert (world.name, world.time_s, world.geographic, world.q) == ("a.jpg", None, False, None)
    assert world.position.tolist() == [1, 2.5, -3]
    assert sigmas(world) == [4, 4, 4, INF, INF, INF]
    assert world.where.endswith("priors.csv line 2")
    header = (
        "time_s, latitude, longitude, altitude, altitude_above, sigma_horizontal_m,sigma_vertical_m"
    )
    (earth,) = read(tmp_path, "\ufeff" + header, "12.5, 48.1,11.5,530,geoid,5,15")
    assert (earth.name, earth.time_s, earth.geographic) == (None, 12.5, True)
    assert earth.position.tolist() == [48.1, 11.5, 530] and earth.altitude_above == "geoid"
    assert sigmas(earth)[:3] == [5, 5, 15]


def test_empty_fields_are_not_known(tmp_path: Path) -> None:
    first, second, third = read(
        tmp_path,
        "name,x,y,z,sigma_x_m,sigma_y_m,sigma_z_m,heading_deg,pitch_deg,roll_deg,sigma_r_deg",
        "a,1,2,,3,4,5,,,,",
        "b,1,2,3,4,,5,90,,,2",
        "c,,,,,,,,-30,5,1",
        "d,,,,,,,,,,",
    )
    assert sigmas(first) == [3, 4, INF, INF, INF, INF]
    assert sigmas(second)[:5] == [4, INF, 5, INF, INF]
    assert sigmas(second)[5] == pytest.approx(math.radians(2))
    tilt = [math.radians(1)] * 2
    assert sigmas(third) == [INF, INF, INF, *map(pytest.approx, tilt), INF]
    assert third.q is not None and torch.allclose(third.q, camera_rotation(0, -30, 5))


def test_a_compass_knows_the_heading_alone(tmp_path: Path) -> None:
    """Without columns of pitch and roll, and with empty ones, whoever states the sigmas."""
    (short,) = read(tmp_path, "name,heading_deg,sigma_heading_deg", "a,90,3")
    (long,) = read(tmp_path, "name,heading_deg,pitch_deg,roll_deg", "a,90,,")
    (keyed,) = read(tmp_path, "name,heading_deg", "a,90")
    assert sigmas(short) == [INF, INF, INF, INF, INF, pytest.approx(math.radians(3))]
    for reading in (long, keyed):  # a key will say how exact the heading is, and nothing more
        assert sigmas(reading)[3:5] == [INF, INF] and math.isnan(sigmas(reading)[5])
        assert reading.q is not None and torch.allclose(reading.q, camera_rotation(90, 0, 0))


def test_what_the_file_does_not_say(tmp_path: Path) -> None:
    (reading,) = read(tmp_path, "name,x,y,z,qw,qx,qy,qz", "a,1,2,3,2,0,0,0")
    assert reading.covariance.isnan().sum() == 18 and reading.q is not None
    assert reading.q.tolist() == [1, 0, 0, 0]


def test_sigmas_of_angles_turn_with_the_camera(tmp_path: Path) -> None:
    header = "name,heading_deg,pitch_deg,roll_deg,sigma_heading_deg,sigma_pitch_deg,sigma_roll_deg"
    level, east, down, unknown = read(
        tmp_path, header, "a,0,0,0,10,2,1", "b,90,0,0,10,2,1", "c,0,-90,0,10,2,1", "d,,-90,0,10,1,2"
    )
    found = [[math.degrees(sigma) for sigma in sigmas(r)[3:]] for r in (level, east, down, unknown)]
    assert found[0] == pytest.approx([2, 1, 10])  # pitch turns about east, roll about north
    assert found[1] == pytest.approx([1, 2, 10])
    assert found[2] == pytest.approx(
        [2, 2, math.hypot(10, 1)]
    )  # roll is heading, nothing else tilts
    assert found[3] == pytest.approx([2, 2, INF])


def test_a_whole_covariance(tmp_path: Path) -> None:
    variance = {"xx": 4.0, "xy": 1.0, "yy": 9.0, "zz": 1.0, "rxrx": 0.1, "ryry": 0.1, "xrz": 0.2}
    header = ",".join(["name,x,y,z,qw,qx,qy,qz", *COVARIANCE])
    values = ",".join(str(variance.get(column.removeprefix("cov_"), "")) for column in COVARIANCE)
    (reading,) = read(tmp_path, header, f"a,1,2,3,1,0,0,0,{values}")
    assert reading.covariance[0].tolist() == [
        4,
        1,
        0,
        0,
        0,
        0,
    ]  # rz has no variance, so no covariance
    assert reading.covariance[1, 0] == 1 and reading.covariance[5, 5] == INF
    assert_says(
        lambda: read(tmp_path, header, f"a,1,2,3,1,0,0,0,{values}".replace("4.0", "0.01")),
        *("line 2", "not positive definite"),
    )


def test_columns_that_make_no_sense(tmp_path: Path) -> None:
    for header, *words in (
        ("name,x,y,z,sigma_t", "'sigma_t' is not known", "sigma_t_m", "docs/priors.md"),
        ("name,lat,lon", "'lat' is not known"),
        ("name,x,y,x", "x is there twice"),
        ("x,y,z", "a column name or time_s"),
        ("name,sigma_t_m", "latitude"),
        ("name,x,z", "y is missing beside x"),
        ("name,x,y,z,latitude,longitude", "x and latitude say the same in two ways"),
        ("name,x,y,z,sigma_t_m,sigma_x_m,sigma_y_m,sigma_z_m", "say the same in two ways"),
        (f"name,x,y,z,sigma_t_m,{','.join(COVARIANCE)}", "cov_xx and sigma_t_m"),
    ):
        assert_says(lambda header=header: read(tmp_path, header), "priors.csv line 1", *words)


def test_rows_that_make_no_sense(tmp_path: Path) -> None:
    world, earth = "name,x,y,z,sigma_t_m", "name,latitude,longitude"
    for header, row, *words in (
        (world, "a,1,2,3", "as many fields"),
        (world, "a,1,2,3,4,5", "as many fields"),
        (world, "a,1,two,3,4", "y is 'two'", "number"),
        (world, "a,1,2,3,0", "sigma_t_m is 0", "above 0"),
        (world, "a,1,2,3,-1", "sigma_t_m is -1"),
        (earth, "a,48,", "latitude and longitude"),
        ("name,qw,qx,qy,qz", "a,1,,0,0", "all of qw qx qy qz"),
        ("name,qw,qx,qy,qz", "a,0,0,0,0", "norm 0"),
    ):
        run = lambda header=header, row=row: read(tmp_path, header, row)  # noqa: E731
        assert_says(run, "priors.csv line 2", *words)
