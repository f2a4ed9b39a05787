"""Over a map: an image is found where it was taken, and what cannot be answered is refused in one line."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from maps import K, down, photo_of, write_map
from PIL import Image

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference.map_localizer import WORKING_PX, MapLocalizer, open_map, working_image
from hinted_posenet.models.registration.ground_registration import GroundRegistration
from hinted_posenet.simulator.world.map_files import MapFiles


@pytest.fixture(scope="module")
def over_map(tmp_path_factory: pytest.TempPathFactory) -> MapLocalizer:
    """An untrained network: its windows align photos of the same day without any learning."""
    folder = tmp_path_factory.mktemp("map")
    photo, dem = write_map(folder, height_m=200.0)
    torch.manual_seed(0)
    files = MapFiles(photo, dem, "ellipsoid")
    return MapLocalizer(files, GroundRegistration().eval(), torch.device("cpu"))


def prior(pose: Pose, off_m: tuple[float, float, float] = (0, 0, 0), sigma_m: float = 3.0) -> Hint:
    t = pose.t + torch.tensor(off_m, dtype=torch.float64)
    return Hint.from_pose(Pose(t, pose.q), [sigma_m, 2.0], [1.0, 2.0])


def test_an_image_is_found_where_it_was_taken(over_map: MapLocalizer) -> None:
    truth = down(15.0, -20.0, 300.0, heading_deg=40.0)
    found = over_map.locate(photo_of(truth, 200.0), K, prior(truth, (2.0, -1.5, 1.0)))
    assert (found.pose.t - truth.t)[:2].norm() < 0.5
    assert found.heading_deg == pytest.approx(40, abs=1)
    assert found.status == "ok"
    assert found.image is not None  # which knows nothing of the prior
    assert (found.image.pose.t - truth.t)[:2].norm() < 1.5
    assert (found.image.variance > found.covariance.diagonal()).all()
    latitude, longitude, altitude = found.latitude_longitude_altitude or (0, 0, 0)
    assert latitude == pytest.approx(47 - 20 / 111_170, abs=1e-5)
    assert longitude == pytest.approx(8 + 15 / 76_050, abs=1e-5)
    assert altitude == pytest.approx(300, abs=2)


def test_the_image_may_be_larger_and_distorted(over_map: MapLocalizer) -> None:
    truth = down(0.0, 10.0, 300.0)
    seen = cv2.resize(photo_of(truth, 200.0), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    lens = Lens(intrinsics(*(5 * part for part in K)), ())
    distorted = Lens(lens.K, (0.1, 0.0, 0.0, 0.0, 0.0))
    grid = np.stack(np.meshgrid(np.arange(480.0), np.arange(360.0)), axis=-1).reshape(-1, 1, 2)
    camera = lens.K.numpy().copy()
    camera[:2, 2] -= 0.5
    places = cv2.undistortPoints(grid, camera, np.array(distorted.distortion), P=camera)
    x, y = places.reshape(360, 480, 2).astype(np.float32).transpose(2, 0, 1)
    bent = cv2.remap(seen, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    found = over_map.locate(bent, QueryCamera(distorted), prior(truth, (2.0, 1.0, 0.0)))
    assert (found.pose.t - truth.t)[:2].norm() < 0.5


def test_the_camera_follows_the_working_size() -> None:
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    small, camera = working_image(pixels, QueryCamera(None, 3200.0), "image")
    assert small.shape == (3, 3 * WORKING_PX // 4, WORKING_PX)
    assert camera[0].tolist() == pytest.approx([3200 * WORKING_PX / 4000, 0, WORKING_PX / 2])


def test_the_focal_length_of_a_file_is_taken(over_map: MapLocalizer, tmp_path: Path) -> None:
    truth = down(15.0, -20.0, 300.0)
    image = Image.fromarray(photo_of(truth, 200.0))
    tags = image.getexif()
    # 35 mm film has a diagonal of 43.27 mm, this image one of 120 pixels
    tags.get_ifd(0x8769)[0xA405] = round(K[0] / 120 * 43.27)
    image.save(tmp_path / "photo.jpg", exif=tags, quality=95)
    found = over_map.locate(tmp_path / "photo.jpg", hint=prior(truth, (2.0, 1.0, 0.0)))
    assert (found.pose.t - truth.t)[:2].norm() < 0.5
    image.save(tmp_path / "plain.png")
    with pytest.raises(InputError, match=r"plain.png: its camera is not known.*K=.*focal_px"):
        over_map.locate(tmp_path / "plain.png", hint=prior(truth))


def test_a_prior_that_leaves_the_map_is_refused(over_map: MapLocalizer) -> None:
    image = photo_of(down(0.0, 0.0, 300.0), 200.0)
    with pytest.raises(
        InputError, match=r"shows ground 1880 m outside the map; give a map of that"
    ):
        over_map.locate(image, K, prior(down(2000.0, 0.0, 300.0)))
    with pytest.raises(InputError, match="the ground there 200 m; check altitude_above"):
        over_map.locate(image, K, prior(down(0.0, 0.0, 100.0)))
    with pytest.raises(InputError, match="no prior of the position"):
        over_map.locate(image, K)


def test_an_image_of_another_place_is_uncertain(over_map: MapLocalizer) -> None:
    other = photo_of(down(0.0, 0.0, 300.0), 200.0, seed=5)
    found = over_map.locate(other, K, prior(down(0.0, 0.0, 300.0)))
    assert (found.status, found.fits_map) == ("uncertain", False)
    assert found.pose.t.tolist() == [0, 0, 300], "the prior is all that is known"
    fog = np.full((72, 96, 3), 90, np.uint8)
    assert over_map.locate(fog, K, prior(down(0.0, 0.0, 300.0))).status == "uncertain"


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    photo, _ = write_map(tmp_path)
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"weights=.*a.pt: weights of another network; choose"):
        open_map(photo, weights=tmp_path / "a.pt")
    (tmp_path / "b.pt").write_text("no weights")
    with pytest.raises(InputError, match=r"b.pt: not readable .*; weights: choose released"):
        open_map(photo, weights=tmp_path / "b.pt")
