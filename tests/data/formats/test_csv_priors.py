"""Priors in the table of a CSV data set, read and written."""

import math
from pathlib import Path

import fakes
import pytest
import torch
import yaml
from layouts import assert_says

from hinted_posenet.core.geodesy import Origin, camera_rotation
from hinted_posenet.core.types import Hint, Pose, View
from hinted_posenet.data.formats import csv_frames
from hinted_posenet.data.formats.csv_frames import CsvFormat
from hinted_posenet.data.formats.export import write_views
from hinted_posenet.data.formats.georeference import scene_origin


def add_columns(folder: Path, header: str, *fields: str) -> None:
    """Append columns to the table; rows beyond the given ones are empty."""
    path = folder / "frames.csv"
    first, *rows = path.read_text().splitlines()
    empty = "," * header.count(",")
    lines = [f"{row},{fields[i] if i < len(fields) else empty}" for i, row in enumerate(rows)]
    path.write_text("\n".join([f"{first},{header}", *lines]))


def read(folder: Path) -> list[View]:
    return csv_frames.read_views(folder.parent, folder.name, "all")


def test_priors_of_some_rows(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path, frames=1)
    add_columns(folder, "prior_x,prior_y,prior_z,prior_sigma_t_m", "1,2,,5", "1,2,3,4")
    first, second, third, _ = (view.prior for view in read(folder))
    assert first is not None and second is not None and third is None
    assert first.covariance.diagonal().tolist() == [25, 25, *[math.inf] * 4]
    assert second.pose.t.tolist() == [1, 2, 3] and second.pose.t.dtype == torch.float64


def test_priors_on_earth_need_the_place_of_the_scene(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path, frames=1)
    header = "prior_latitude,prior_longitude,prior_altitude,prior_altitude_above,prior_sigma_t_m"
    add_columns(folder, header, "48.001,11.5,530,geoid,5")
    assert_says(lambda: read(folder), "frames.csv line 2", "does not know its place on Earth")
    manifest = folder / "manifest.yaml"
    where = {"longitude_deg": 11.5, "latitude_deg": 48, "altitude_m": 520, "vertical": "geoid"}
    manifest.write_text(yaml.safe_dump({"georeference": where}))
    prior = read(folder)[0].prior
    assert prior is not None and prior.pose.t.tolist() == pytest.approx([0, 111.2, 10], abs=0.05)
    for wrong in ({"latitude_deg": 48}, {**where, "vertical": "sea"}, {**where, "altitude_m": "?"}):
        manifest.write_text(yaml.safe_dump({"georeference": wrong}))
        assert_says(lambda: read(folder), "manifest.yaml: georeference is", "longitude_deg")


def test_the_place_of_an_aerial_scene_and_of_others(tmp_path: Path) -> None:
    assert scene_origin(tmp_path) is None
    (tmp_path / "manifest.yaml").write_text("format: hinted_posenet csv\n")
    assert scene_origin(tmp_path) is None
    (tmp_path / "manifest.json").write_text('{"origin": {"longitude_deg": 11, "latitude_deg": 48}}')
    assert scene_origin(tmp_path) == Origin(11.0, 48.0)


def test_columns_that_say_too_little(tmp_path: Path) -> None:
    for i, (header, *words) in enumerate(
        (
            ("prior_x,prior_y,prior_z", "prior_x has no sigma", "prior_sigma_t_m"),
            ("prior_qw,prior_qx,prior_qy,prior_qz", "prior_qw has no sigma", "prior_sigma_r_deg"),
            ("prior_name", "prior_name is not known"),
            ("prior_sigma_tm", "did you mean prior_sigma_t_m?"),
            (
                "prior_latitude,prior_longitude,prior_altitude,prior_sigma_t_m",
                "prior_altitude_above",
            ),
        )
    ):
        folder = fakes.write_csv(tmp_path, scene=f"scene{i}", frames=1)
        add_columns(folder, header)
        assert_says(lambda folder=folder: read(folder), "frames.csv line 1", *words)


@pytest.mark.parametrize("correlated", [False, True])
def test_written_and_read_again(tmp_path: Path, correlated: bool) -> None:
    views = read(fakes.write_csv(tmp_path, frames=2))
    covariance = torch.tensor([4.0, 9.0, torch.inf, 0.01, 0.02, torch.inf]).double().diag_embed()
    if correlated:
        covariance[0, 1] = covariance[1, 0] = 1.5
        covariance[1, 3] = covariance[3, 1] = -0.1
    pose = Pose(torch.tensor([1.5, -2.0, 0.0]).double(), camera_rotation(30, -80, 2))
    priors = [Hint(pose, covariance), None, *[None] * 6]
    views = [view._replace(prior=prior) for view, prior in zip(views, priors, strict=True)]
    write_views({"train": views, "val": [], "test": []}, "garden", CsvFormat(), tmp_path / "out")
    first, second, *_ = (view.prior for view in read(tmp_path / "out"))
    assert first is not None and second is None
    assert torch.allclose(first.pose.t, pose.t) and torch.allclose(first.pose.q, pose.q)
    assert torch.allclose(first.covariance, covariance, rtol=1e-12)
    header = (tmp_path / "out" / "frames.csv").read_text().splitlines()[0]
    assert ("prior_cov_xx" in header) == correlated
