"""Priors of GPS receivers, trajectories, cameras and drones."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from layouts import assert_says
from PIL import ExifTags, Image

from hinted_posenet.core.geodesy import camera_rotation
from hinted_posenet.data.priors.photo_time import exif_time_s
from hinted_posenet.data.priors.read import read_priors

GPS = ExifTags.GPS
GPX = """<?xml version="1.0"?>
<gpx version="1.1" creator="receiver" xmlns="http://www.topografix.com/GPX/1/1">
<wpt lat="48.0" lon="11.5"><ele>530.5</ele><name>a.jpg</name></wpt>
<trk><trkseg><trkpt lat="48.1" lon="11.6"><time>2024-05-01T10:00:00.500Z</time></trkpt></trkseg></trk>
</gpx>"""
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:AbsoluteAltitude="+612.5"
drone-dji:RelativeAltitude="+80.20" drone-dji:GimbalYawDegree="-90.0" drone-dji:GimbalPitchDegree="-90.00"
drone-dji:GimbalRollDegree="+0.00" drone-dji:RtkStdLon="0.02" drone-dji:RtkStdLat="0.03">
<drone-dji:RtkStdHgt>0.05</drone-dji:RtkStdHgt></rdf:Description></rdf:RDF></x:xmpmeta>"""


def photo(
    path: Path, gps: dict[int, object], exif: dict[int, object] | None = None, xmp: str = ""
) -> Path:
    tags = Image.Exif()
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    tags.get_ifd(ExifTags.IFD.Exif).update(exif or {})
    options = {"xmp": xmp.encode()} if xmp else {}
    Image.new("RGB", (16, 12)).save(path, exif=tags, **options)
    return path


def place(**more: object) -> dict[int, object]:
    found: dict[int, object] = {
        GPS.GPSLatitudeRef: "S",
        GPS.GPSLatitude: (33.0, 51.0, 36.0),
        GPS.GPSLongitudeRef: "E",
        GPS.GPSLongitude: (151.0, 12.0, 0.0),
    }
    return found | {GPS[name]: value for name, value in more.items()}


def test_a_gps_receiver(tmp_path: Path) -> None:
    path = tmp_path / "track.GPX"
    path.write_text(GPX)
    named, timed = read_priors(path, {})
    assert (named.name, named.time_s, named.position.tolist()) == (
        "a.jpg",
        None,
        [48.0, 11.5, 530.5],
    )
    assert named.altitude_above is None and named.covariance[2, 2].isnan()
    at = datetime(2024, 5, 1, 10, 0, 0, 500000, tzinfo=UTC).timestamp()
    assert (timed.name, timed.time_s) == (None, at)
    assert timed.covariance[2, 2] == math.inf and timed.covariance[0, 0].isnan()
    assert timed.where.endswith("track.GPX point 2")
    path.write_text(GPX.replace("<name>a.jpg</name>", ""))
    assert_says(lambda: read_priors(path, {}), "point 1", "neither a name nor a time")
    path.write_text("<gpx")
    assert_says(lambda: read_priors(path, {}), "not a readable GPX file")


def test_a_trajectory(tmp_path: Path) -> None:
    path = tmp_path / "odometry.txt"
    path.write_text("# time tx ty tz qx qy qz qw\n10.5 1 2 3 0 0 0.6 0.8\n")
    (reading,) = read_priors(path, {})
    assert (reading.time_s, reading.position.tolist()) == (10.5, [1, 2, 3])
    assert reading.q is not None and reading.q.tolist() == pytest.approx([0.8, 0, 0, 0.6])
    path.write_text("10.5 1 2 3 0 0 0.6\n")
    assert_says(lambda: read_priors(path, {}), "line 1", "timestamp tx ty tz qx qy qz qw")


def test_a_phone(tmp_path: Path) -> None:
    tags = place(GPSAltitude=20.0, GPSAltitudeRef=b"\x01", GPSHPositioningError=4.5)
    tags |= {GPS.GPSImgDirectionRef: "T", GPS.GPSImgDirection: 90.0}
    image = photo(tmp_path / "a.jpg", tags)
    (reading,) = read_priors("exif", {"a.jpg": image, "b.jpg": photo(tmp_path / "b.jpg", {})})
    assert reading.position.tolist() == pytest.approx([-33.86, 151.2, -20.0])
    assert (reading.name, reading.where, reading.altitude_above) == ("a.jpg", str(image), None)
    assert reading.q is not None and torch.allclose(reading.q, camera_rotation(90, 0, 0))
    variance = reading.covariance.diagonal()
    assert variance[:2].sqrt().tolist() == pytest.approx([4.5, 4.5])
    assert variance.isnan().tolist() == [False, False, True, False, False, True]
    assert variance.isinf().tolist() == [False, False, False, True, True, False]


def test_an_altitude_that_says_what_it_is_above(tmp_path: Path) -> None:
    for reference, height, above in ((0, 20, None), (2, 20, "geoid"), (3, -20, "geoid")):
        tags = place(GPSAltitude=20.0, GPSAltitudeRef=bytes([reference]))
        (reading,) = read_priors("exif", {"a": photo(tmp_path / "a.jpg", tags)})
        assert (float(reading.position[2]), reading.altitude_above) == (height, above)


def test_a_magnetic_heading_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tags = place(GPSImgDirectionRef="M", GPSImgDirection=90.0)
    (reading,) = read_priors("exif", {"a": photo(tmp_path / "a.jpg", tags)})
    assert reading.q is None and "1 images state a magnetic heading" in caplog.text


def test_a_drone(tmp_path: Path) -> None:
    images = {"d.jpg": photo(tmp_path / "d.jpg", place(), xmp=XMP)}
    (reading,) = read_priors("exif", images)
    assert (float(reading.position[2]), reading.altitude_above) == (612.5, None)
    assert reading.q is not None and torch.allclose(reading.q, camera_rotation(-90, -90, 0))
    assert reading.covariance.diagonal()[:3].sqrt().tolist() == pytest.approx([0.02, 0.03, 0.05])
    assert reading.covariance.diagonal()[3:].isnan().all()
    (reading,) = read_priors("exif", images, altitude_above="takeoff")
    assert (float(reading.position[2]), reading.altitude_above) == (80.2, "takeoff")
    phone = {"p.jpg": photo(tmp_path / "p.jpg", place(GPSAltitude=20.0))}
    assert_says(lambda: read_priors("exif", phone, "takeoff"), "altitude_above=takeoff", "DJI")
    assert_says(lambda: read_priors("exif", images, "ground"), "no altitude above the ground")
    bomb = '<!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>'
    image = photo(tmp_path / "e.jpg", place(), xmp=bomb)
    assert_says(lambda: read_priors("exif", {"e.jpg": image}), "XMP cannot be read")


def test_when_a_photo_was_taken(tmp_path: Path) -> None:
    tags: dict[int, object] = {ExifTags.Base.DateTimeOriginal: "2024:05:01 12:00:00", 0x9291: "25"}
    image = photo(tmp_path / "a.jpg", {}, tags)
    taken = datetime(2024, 5, 1, 10, 0, 0, 250000, tzinfo=UTC).timestamp()
    assert_says(lambda: exif_time_s(image), "without its offset from UTC", "utc_offset_h")
    assert exif_time_s(image, 2.0) == taken
    tags[ExifTags.Base.OffsetTimeOriginal] = "+03:00"
    assert exif_time_s(photo(tmp_path / "a.jpg", {}, tags), 2.0) == taken - 3600
    assert exif_time_s(photo(tmp_path / "b.jpg", {})) is None


def test_files_that_hold_no_priors(tmp_path: Path) -> None:
    assert_says(
        lambda: read_priors("exif", {"a": photo(tmp_path / "a.jpg", {})}), "none of the images"
    )
    assert_says(lambda: read_priors(tmp_path / "a.kml", {}), "expected a file .csv .gpx")
    assert_says(lambda: read_priors(tmp_path / "a.csv", {}), "no such file")
    (tmp_path / "a.csv").write_text("name,x,y,z,sigma_t_m\n")
    assert_says(lambda: read_priors(tmp_path / "a.csv", {}), "holds no prior")
