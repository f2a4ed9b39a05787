"""The focal length that an image states: which tag is believed, and in pixels of the image as it is."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hinted_posenet.data.exif_camera import exif_camera

EXIF_IFD, FOCAL, FILM, WIDTH, PLANE_X, PLANE_UNIT = 0x8769, 0x920A, 0xA405, 0xA002, 0xA20E, 0xA210
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
    b'drone-dji:CalibratedFocalLength="371.5"/></rdf:RDF></x:xmpmeta>'
)


def stated(path: Path, tags: dict[int, Any], **options: Any) -> float | None:
    image = Image.new("RGB", (400, 300))
    exif = image.getexif()
    for tag, value in tags.items():
        exif.get_ifd(EXIF_IFD)[tag] = value
    image.save(path, exif=exif, **options)
    camera = exif_camera(path)
    return None if camera is None else camera.focal_px


def test_film_counts_by_its_diagonal(tmp_path: Path) -> None:
    focal_px = stated(tmp_path / "a.jpg", {FILM: 24})
    assert focal_px == pytest.approx(24 / 43.2666 * 500, rel=1e-4)


@pytest.mark.parametrize(("unit", "per_unit"), [(2, 2540.0), (3, 1000.0), (4, 100.0)])
def test_the_sensor_is_more_exact(tmp_path: Path, unit: int, per_unit: float) -> None:
    tags = {FILM: 24, FOCAL: 4.0, PLANE_X: per_unit, PLANE_UNIT: unit}
    assert stated(tmp_path / "a.jpg", tags) == pytest.approx(400)
    scaled = tags | {WIDTH: 800}  # the image was halved after it was taken
    assert stated(tmp_path / "b.jpg", scaled) == pytest.approx(200)


def test_a_calibration_of_dji_is_the_most_exact(tmp_path: Path) -> None:
    tags = {FILM: 24, FOCAL: 4.0, PLANE_X: 2540.0}
    assert stated(tmp_path / "a.jpg", tags, xmp=XMP) == pytest.approx(371.5)


@pytest.mark.parametrize("tags", [{}, {FILM: 0}, {FILM: 60000}, {FOCAL: 4.0}])
def test_no_focal_length_is_none(tmp_path: Path, tags: dict[int, Any]) -> None:
    assert stated(tmp_path / "a.jpg", tags) is None


def test_a_video_states_none(tmp_path: Path) -> None:
    assert exif_camera(tmp_path / "flight.mp4") is None
