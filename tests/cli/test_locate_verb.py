"""locate: from photos, a map and priors to places on Earth, and what is said of those without an answer."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from maps import ORIGIN, K, down, photo_of, write_map
from PIL import Image

from hinted_posenet.core.types import Pose
from hinted_posenet.models.registration.ground_registration import GroundRegistration

TRUTH = {"a.jpg": down(15.0, -20.0, 300.0, 40.0), "b.jpg": down(-10.0, 20.0, 310.0, 200.0)}
CAMERA = f"K=[{','.join(map(str, K))}]"
COLUMNS = "name,latitude,longitude,altitude,altitude_above,heading_deg"
SIGMAS = ["prior_sigma_m=[3,2]", "prior_sigma_r_deg=2", "tilt_sigma_deg=1"]


def prior_line(name: str, pose: Pose, off_m: tuple[float, float] = (2.0, -1.0)) -> str:
    t = pose.t + torch.tensor([*off_m, 0.0])
    latitude, longitude, altitude = (part.item() for part in ORIGIN.to_geographic(t))
    heading = {"a.jpg": 40, "b.jpg": 200}[name]
    return f"{name},{latitude:.8f},{longitude:.8f},{altitude},ellipsoid,{heading}"


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A folder with a map, two photos and their priors, and the command for it."""
    write_map(tmp_path, height_m=200.0)
    (tmp_path / "photos").mkdir()
    for name, pose in TRUTH.items():
        Image.fromarray(photo_of(pose, 200.0)).save(tmp_path / "photos" / name, quality=95)
    lines = [COLUMNS, *(prior_line(name, pose) for name, pose in TRUTH.items())]
    (tmp_path / "gps.csv").write_text("\n".join(lines) + "\n")
    torch.manual_seed(0)
    torch.save(GroundRegistration().state_dict(), tmp_path / "w.pt")
    given = ["map=ortho_20240710.tif", "dem=dem.tif", "dem_above=ellipsoid", "weights=w.pt"]
    return ["photos", *given, "priors=gps.csv", CAMERA, "threads=1", *SIGMAS]


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def test_photos_get_their_places_on_earth(here, tmp_path: Path, words: list[str]) -> None:
    done = here("locate", *words, "preview=preview.png")
    assert done.returncode == 0, done.stderr
    for line in (
        "map: 240 x 240 m at 1 m a pixel, 1 date: 2024-07-10",
        "2 of 2 images have a prior",
        "2 priors have no pitch and roll: the camera is taken to look straight down, to 1 degrees",
        "2 images: 2 ok",
    ):
        assert line in done.stdout
    for name, row in rows(tmp_path / "poses.csv").items():
        latitude, longitude, altitude = ORIGIN.to_geographic(TRUTH[name].t)
        assert float(row["latitude_deg"]) == pytest.approx(latitude.item(), abs=5e-6)
        assert float(row["longitude_deg"]) == pytest.approx(longitude.item(), abs=8e-6)
        assert float(row["altitude_m"]) == pytest.approx(altitude.item(), abs=2)
        assert float(row["heading_deg"]) == pytest.approx({"a": 40, "b": 200}[name[0]], abs=1)
    assert min(cv2.imread(str(tmp_path / "preview.png")).shape[:2]) > 500


def test_places_go_to_other_software(here, tmp_path: Path, words: list[str]) -> None:
    assert here("locate", *words, "out=poses.geojson").returncode == 0
    found = json.loads((tmp_path / "poses.geojson").read_text())["features"]
    assert {one["properties"]["name"] for one in found} == {"a.jpg", "b.jpg"}


def test_height_above_ground_counts_from_the_dem(here, tmp_path: Path, words: list[str]) -> None:
    text = (tmp_path / "gps.csv").read_text().replace(",300.0,ellipsoid", ",100.0,ground")
    (tmp_path / "gps.csv").write_text(text.replace(",310.0,ellipsoid", ",110.0,ground"))
    done = here("locate", *words)
    assert done.returncode == 0, done.stderr
    assert float(rows(tmp_path / "poses.csv")["a.jpg"]["altitude_m"]) == pytest.approx(300, abs=2)


def test_an_image_without_a_prior_does_not_stop_others(
    here, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "gps.csv").write_text(f"{COLUMNS}\n{prior_line('a.jpg', TRUTH['a.jpg'])}\n")
    done = here("locate", *words)
    assert done.returncode == 0
    assert "1 images without a prior: b.jpg" in done.stdout
    found = rows(tmp_path / "poses.csv")
    assert found["a.jpg"]["status"] == "ok"
    assert found["b.jpg"]["status"].startswith("no prior of the position")


def test_gps_in_the_images_is_the_default(here, tmp_path: Path, words: list[str]) -> None:
    from PIL.ExifTags import GPS, IFD

    for name, pose in TRUTH.items():
        latitude, longitude, altitude = (part.item() for part in ORIGIN.to_geographic(pose.t))
        image = Image.fromarray(photo_of(pose, 200.0))
        exif = image.getexif()
        gps = exif.get_ifd(IFD.GPSInfo)
        gps |= {GPS.GPSLatitude: (latitude, 0, 0), GPS.GPSLongitude: (longitude, 0, 0)}
        gps |= {GPS.GPSAltitude: altitude, GPS.GPSImgDirection: {"a": 40, "b": 200}[name[0]]}
        exif._ifds[IFD.GPSInfo] = gps
        image.save(tmp_path / "photos" / name, exif=exif, quality=95)
    given = [word for word in words if not word.startswith("priors=")]
    done = here("locate", *given, "altitude_above=ellipsoid")
    assert done.returncode == 0, done.stderr
    assert "priors: GPS and attitude in the images, since priors=FILE is not given" in done.stdout
    assert "2 images: 2 ok" in done.stdout


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("map=absent.tif", "absent.tif: no such file or folder; set map to"),
        ("map=photos/a.jpg", "a.jpg: GeoTIFF without georeference; run: rio edit-info"),
        ("map=dem.tif", "dem.tif: one band of float32 looks like heights"),
        ("dem_above=sea", "dem_above=sea: expected one of ellipsoid, geoid"),
        ("K=null", "a.jpg: its camera is not known, and its EXIF states no focal length"),
        ("weights=gps.csv", "gps.csv: not readable (no file of torch.save)"),
        ("altitude_above=geoid", "altitude is above ellipsoid, and altitude_above=geoid says"),
        ("priors=absent.csv", "absent.csv"),
    ],
)
def test_mistakes_are_told_in_one_line(here, words: list[str], word: str, told: str) -> None:
    key = word.partition("=")[0]
    given = [other for other in words if other.partition("=")[0] != key]
    done = here("locate", *given, word)
    assert done.returncode != 0
    assert told in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_altitudes_over_a_map_of_unknown_datum(here, words: list[str]) -> None:
    given = [word for word in words if not word.startswith("dem_above")]
    done = here("locate", *given)
    assert done.returncode != 0
    assert "state it (of a map, dem_above=geoid or ellipsoid)" in done.stderr


def test_a_map_of_two_dates_is_stated(here, tmp_path: Path, words: list[str]) -> None:
    other = np.full((3, 240, 240), 90, np.uint8)
    from maps import write

    write(tmp_path / "plain.tif", other)
    dates = "map={2024-07-10: ortho_20240710.tif, 2020-01-01: plain.tif}"
    done = here("locate", *[dates if word.startswith("map=") else word for word in words])
    assert done.returncode == 0, done.stderr
    assert "2 dates: 2020-01-01, 2024-07-10" in done.stdout
