"""Priors of an import, and a reconstruction of any scale that they place on Earth."""

import math
from pathlib import Path

import fakes
import numpy as np
import pytest
import torch
import yaml
from layouts import assert_says
from poses import random_quaternions

from hinted_posenet.core.alignment import Similarity
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.formats import colmap, csv_frames
from hinted_posenet.data.formats.csv_frames import CsvFormat
from hinted_posenet.data.formats.export import export
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.import_images import Plan, import_images, open_source
from hinted_posenet.data.import_priors import ImportPriors, add_priors
from hinted_posenet.data.priors.load import PriorSource
from hinted_posenet.data.priors.place import PriorKeys

EARTH = Origin(11.5, 48.0, 520.0, "geoid")
PLACED = Similarity(  # from the model's world to the earth's
    torch.tensor(200.0).double(),
    random_quaternions(1, 7, torch.float64)[0],
    torch.tensor([30.0, -50.0, 80.0]).double(),
)
KEYS = PriorKeys(prior_sigma_m=(3.0, 6.0), altitude_above="geoid")


def read(folder: Path, split: str = "all") -> list[View]:
    return csv_frames.read_views(folder.parent, folder.name, split)


def write_gps(
    path: Path, views: list[View], noise_m: float = 0.0, wrong: tuple[str, ...] = ()
) -> Path:
    """Write where the cameras of a model are on Earth; those that are wrong are 2 km off."""
    rng = np.random.default_rng(0)
    rows = ["name,latitude,longitude,altitude"]
    for view in views:
        at = PLACED.points(view.T_world_cam.t) + torch.from_numpy(rng.normal(0, noise_m, 3))
        latitude, longitude, altitude = EARTH.to_geographic(at + 2000 * (view.name in wrong))
        rows.append(f"{view.name},{latitude:.9f},{longitude:.9f},{altitude:.4f}")
    path.write_text("\n".join(rows))
    return path


def on_earth(folder: Path, views: list[View]) -> list[Pose]:
    """The poses of a model in the world of an imported folder."""
    origin = scene_origin(folder)
    assert origin is not None
    places = [PLACED.pose(view.T_world_cam) for view in views]
    latitude, longitude, altitude = EARTH.to_geographic(torch.stack([p.t for p in places]))
    t = origin.to_world(latitude.numpy(), longitude.numpy(), altitude.numpy(), "geoid")
    return [pose._replace(t=at) for pose, at in zip(places, t, strict=True)]


def test_priors_in_the_metres_of_the_scene(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path / "source")
    file = tmp_path / "gps.csv"
    file.write_text("name,x,y,z,sigma_t_m\na/0.png,0.1,0.2,0.3,0.5\nz/9.png,0,0,0,1\n")
    priors = ImportPriors(PriorSource(file))
    summary = import_images(open_source(folder), tmp_path / "out", Plan(), priors=priors)
    assert "1 of 16 images have a prior" in summary and "15 images without a prior" in summary
    assert "1 priors without an image: " in summary and "gps.csv line 3" in summary
    (prior,) = (view.prior for view in read(tmp_path / "out") if view.prior is not None)
    assert prior.pose.t.tolist() == [0.1, 0.2, 0.3] and prior.covariance[0, 0] == 0.25
    manifest = yaml.safe_load((tmp_path / "out" / "manifest.yaml").read_text())
    stated = {"images": 1, "images_without": 15, "unused": 1}
    assert manifest["priors"] == {"source": str(file), **stated}


def test_far_priors_are_refused_or_ignored(tmp_path: Path) -> None:
    folder, out = fakes.write_csv(tmp_path / "source"), tmp_path / "out"
    file = tmp_path / "gps.csv"
    file.write_text("name,x,y,z,sigma_t_m\na/0.png,0,0,0,1\na/1.png,900,0,0,1\n")
    refuse = ImportPriors(PriorSource(file))
    assert_says(
        lambda: import_images(open_source(folder), out, Plan(), priors=refuse),
        *("a/1.png: its prior is 900 m from the scene", "far_priors=ignore"),
    )
    import_images(open_source(folder), out, Plan(), priors=refuse._replace(far="ignore"))
    assert sum(view.prior is not None for view in read(out)) == 1


def test_a_reconstruction_becomes_metric_and_faces_north(tmp_path: Path) -> None:
    folder, out = fakes.write_colmap(tmp_path / "source"), tmp_path / "out"
    views = colmap.read_views(folder.parent, folder.name, "all")
    wrong = ("a/my image 1.png", "c/my image 2.png")
    source = PriorSource(write_gps(tmp_path / "gps.csv", views, 0.5, wrong), KEYS)
    priors = ImportPriors(source, georeference=True, far="ignore")
    summary = import_images(open_source(folder), out, Plan(), priors=priors)
    assert "2 positions do not fit: a/my image 1.png, c/my image 2.png" in summary
    found = {view.name: view for view in read(out)}
    for view, expected in zip(views, on_earth(out, views), strict=True):
        pose = found[view.name].T_world_cam
        assert (pose.t - expected.t).norm() < 1.5
        assert math.degrees(rotation_angle(pose.q, expected.q)) < 1.0
    assert found[wrong[0]].prior is None  # 2 km from a scene of 120 m
    prior = found["a/my image 0.png"].prior
    assert prior is not None and prior.variance.tolist() == pytest.approx(
        [9, 9, 36, *[math.inf] * 3]
    )
    assert (prior.pose.t - found["a/my image 0.png"].T_world_cam.t).norm() < 3
    stated = yaml.safe_load((out / "manifest.yaml").read_text())["transformation"]
    assert stated["scale"] == pytest.approx(200, rel=0.02) and stated["cameras"] == 14
    assert stated["outliers"] == list(wrong) and 0.2 < stated["median_residual_m"] < 1.5
    origin = scene_origin(out)
    assert origin is not None and origin.vertical == "geoid"
    # the place on Earth goes on to what is made of the import
    export(csv_frames.read_views, tmp_path, "out", CsvFormat(), tmp_path / "again")
    assert scene_origin(tmp_path / "again") == origin
    import_images(open_source(out), tmp_path / "resplit", Plan())
    assert scene_origin(tmp_path / "resplit") == origin
    assert {v.name for v in read(tmp_path / "resplit") if v.prior} == {
        v.name for v in read(out) if v.prior
    }


def test_heights_above_take_off_are_the_new_z(tmp_path: Path) -> None:
    folder, out = fakes.write_colmap(tmp_path / "source"), tmp_path / "out"
    views = colmap.read_views(folder.parent, folder.name, "all")
    keys = KEYS._replace(altitude_above="takeoff")
    source = PriorSource(write_gps(tmp_path / "gps.csv", views), keys)
    priors = ImportPriors(source, georeference=True)
    import_images(open_source(folder), out, Plan(), priors=priors)
    expected = 520 + float(PLACED.points(views[0].T_world_cam.t)[2])
    (z,) = (float(v.T_world_cam.t[2]) for v in read(out) if v.name == views[0].name)
    assert z == pytest.approx(expected, abs=0.01)
    origin = scene_origin(out)
    assert origin is not None and (origin.altitude_m, origin.vertical) == (0.0, "unknown")


def test_what_does_not_determine_a_place(tmp_path: Path) -> None:
    folder, out = fakes.write_colmap(tmp_path / "source"), tmp_path / "out"
    views = colmap.read_views(folder.parent, folder.name, "all")

    def says(views: list[View], *words: str, **keys: object) -> None:
        file = write_gps(tmp_path / "gps.csv", views, 0.5)
        source = PriorSource(file, KEYS._replace(**keys))  # type: ignore[arg-type]
        priors = ImportPriors(source, georeference=True)
        run = lambda: import_images(open_source(folder), out, Plan(), priors=priors)  # noqa: E731
        assert_says(run, "georeference=true", *words)

    says(views[:3], "3 images have a whole position, expected 4")
    says(views, "latitude, longitude and altitude together", altitude_above="ignore")
    line = [
        view._replace(
            T_world_cam=view.T_world_cam._replace(t=torch.tensor([i, 2 * i, 0.0]).double())
        )
        for i, view in enumerate(views)
    ]
    for noise_m in (0.0, 1.0):
        source = PriorSource(write_gps(tmp_path / "gps.csv", line, noise_m), KEYS)
        asked = ImportPriors(source, georeference=True)
        assert_says(lambda asked=asked: add_priors({"all": line}, folder, asked), "about the line")
