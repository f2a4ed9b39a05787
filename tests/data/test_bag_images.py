"""Images of bags: encodings, cameras and their conventions, laziness, damaged messages."""

import tracemalloc
from itertools import islice

import cv2
import numpy as np
import pytest
from bags import KINDS, Messages, Recorded, write_bag
from hostile import one_line

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.bag_images import bag_images
from hinted_posenet.data.distortion import Fisheye

BEGAN_S = 1.7e9
WIDTH, HEIGHT = 32, 24
K = [[30.0, 0, 15.5], [0, 31.0, 11.5], [0, 0, 1]]


def picture(seed: int = 0) -> np.ndarray:
    """A smooth colour image, so that JPEG and Bayer patterns change it little."""
    x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    return np.dstack([200 * x + 20, 200 * y + 20, 80 + 10 * seed + 0 * x]).astype(np.uint8)


def close(found: np.ndarray, expected: np.ndarray, by: float) -> bool:
    return float(np.abs(found[2:-2, 2:-2].astype(float) - expected[2:-2, 2:-2]).mean()) < by


@pytest.mark.parametrize("name", KINDS)
def test_images_and_cameras_of_each_kind_of_bag(tmp_path, name):
    make = Messages(name)
    recorded = []
    for i in range(3):
        stamp_s = BEGAN_S + i / 10
        info = make.camera_info(stamp_s, K, (WIDTH, HEIGHT), distortion=[0.1, 0, 0, 0, 0.02])
        image = make.image(stamp_s, picture(i), "rgb8", "camera_optical")
        recorded.append(Recorded("/cam/image_raw", stamp_s + 0.02, image))
        recorded.append(Recorded("/cam/camera_info", stamp_s + 0.021, info))
    found = list(bag_images(write_bag(tmp_path / name, recorded)))
    assert [image.stamp_s for image in found] == pytest.approx([BEGAN_S + i / 10 for i in range(3)])
    for i, image in enumerate(found):
        assert np.array_equal(image.pixels, picture(i))
        assert image.frame_id == "camera_optical"
        assert image.camera is not None and image.camera.lens is not None
        # ROS has the center of the top-left pixel at (0, 0)
        assert image.camera.lens.K.tolist() == [[30, 0, 16], [0, 31, 12], [0, 0, 1]]
        assert image.camera.lens.distortion == (0.1, 0.0, 0.0, 0.0, 0.02)
        assert image.camera.size == (WIDTH, HEIGHT)


def mosaic(order: str) -> np.ndarray:
    """What a sensor behind a Bayer filter sees; ``order`` is its first two rows of two."""
    seen = np.empty((HEIGHT, WIDTH), np.uint8)
    for place, colour in enumerate(order):
        rows, columns = slice(place // 2, None, 2), slice(place % 2, None, 2)
        seen[rows, columns] = picture()[rows, columns, "rgb".index(colour)]
    return seen


def uyvy() -> np.ndarray:
    y, u, v = cv2.split(cv2.cvtColor(picture(), cv2.COLOR_RGB2YUV))
    # full range becomes video range, which yuv422 has
    y, u, v = 16 + y * 219.0 / 255, 128 + (u - 128.0) * 1.0, 128 + (v - 128.0) * 1.0
    packed = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    packed[..., 1] = y
    packed[:, 0::2, 0], packed[:, 1::2, 0] = u[:, 0::2], v[:, 0::2]
    return packed


@pytest.mark.parametrize(
    ("encoding", "stored", "by"),
    [
        ("bgr8", picture()[..., ::-1], 0.1),
        ("bgra8", np.dstack([picture()[..., ::-1], 0 * picture()[..., 0]]), 0.1),
        *((f"bayer_{order}8", mosaic(order), 3) for order in ("rggb", "bggr", "gbrg", "grbg")),
        ("yuv422", uyvy(), 15),
        ("yuyv", uyvy()[..., ::-1], 15),
    ],
)
def test_encodings_become_rgb(tmp_path, encoding, stored, by):
    recorded = Recorded("/cam", BEGAN_S, Messages().image(BEGAN_S, stored, encoding, "cam"))
    (found,) = bag_images(write_bag(tmp_path / "sqlite", [recorded]))
    assert close(found.pixels, picture(), by)
    assert not close(found.pixels, picture()[..., ::-1], by)


def test_rows_may_be_padded(tmp_path):
    make = Messages()
    image = make.image(BEGAN_S, np.pad(picture(), ((0, 0), (0, 5), (0, 0))), "rgb8", "cam")
    image.width = WIDTH
    (found,) = bag_images(write_bag(tmp_path / "sqlite", [Recorded("/cam", BEGAN_S, image)]))
    assert np.array_equal(found.pixels, picture())


@pytest.mark.parametrize(("kind", "suffix"), [("jpeg", ".jpg"), ("rgb8; png compressed", ".png")])
def test_compressed_images_have_the_camera_of_their_raw_topic(tmp_path, kind, suffix):
    make = Messages()
    content = cv2.imencode(suffix, picture()[..., ::-1])[1].tobytes()
    info = make.camera_info(BEGAN_S, K, (WIDTH, HEIGHT))
    recorded = [
        Recorded(
            "/cam/image_raw/compressed", BEGAN_S, make.compressed(BEGAN_S, content, kind, "c")
        ),
        Recorded("/cam/camera_info", BEGAN_S, info),
    ]
    (found,) = bag_images(write_bag(tmp_path / "mcap", recorded))
    assert close(found.pixels, picture(), 4)
    assert found.camera is not None


def camera_of(folder, topic: str = "/cam/image_raw", **changes):
    make = Messages()
    info = make.camera_info(BEGAN_S, changes.pop("K", K), (WIDTH, HEIGHT), **changes)
    recorded = [
        Recorded(topic, BEGAN_S, make.image(BEGAN_S, picture(), "rgb8", "cam")),
        Recorded("/cam/camera_info", BEGAN_S, info),
    ]
    (found,) = bag_images(write_bag(folder / "sqlite", recorded))
    return found.camera


def test_a_fisheye_is_one(tmp_path):
    camera = camera_of(tmp_path, model="equidistant", distortion=[0.1, 0.2, 0.3, 0.4])
    assert camera.lens.distortion == Fisheye(0.1, 0.2, 0.3, 0.4)


def test_a_rectified_image_has_the_projection_matrix_and_no_distortion(tmp_path):
    P = np.array([[20.0, 0, 14.5, 0], [0, 20.0, 10.5, 0], [0, 0, 1, 0]])
    camera = camera_of(tmp_path, "/cam/image_rect_color", distortion=[0.3] * 5, p=P.reshape(12))
    assert camera.lens.K[:2].tolist() == [[20, 0, 15], [0, 20, 11]]
    assert camera.lens.distortion == ()


def test_binning_and_a_region_of_the_sensor_change_the_camera(tmp_path):
    region = Messages().make(
        "sensor_msgs/msg/RegionOfInterest",
        **{"x_offset": 8, "y_offset": 4, "height": 16, "width": 20, "do_rectify": False},
    )
    camera = camera_of(tmp_path, binning_x=2, binning_y=2, roi=region)
    assert camera.size == (10, 8)
    assert camera.lens.K[:2].tolist() == [[15, 0, 4], [0, 15.5, 4]]


def test_a_camera_that_nobody_calibrated_is_not_known(tmp_path):
    assert camera_of(tmp_path, K=np.zeros((3, 3))) is None


def test_a_camera_of_another_model_is_refused(tmp_path):
    assert "/cam/camera_info message 1: distortion_model 'mei'" in one_line(
        lambda: camera_of(tmp_path, model="mei")
    )


def test_a_camera_that_changes_holds_from_then_on(tmp_path):
    make = Messages()
    recorded = []
    for i, focal_px in enumerate((30.0, 30.0, 40.0)):
        recorded.append(
            Recorded(
                "/camera_info",
                BEGAN_S + i,
                make.camera_info(BEGAN_S, np.diag([focal_px, 30, 1]), (64, 48)),
            )
        )
        image = make.image(BEGAN_S + i, picture(), "rgb8", "cam")
        recorded.append(Recorded("/image", BEGAN_S + i, image))
    found = bag_images(write_bag(tmp_path / "sqlite", recorded))
    focal_px = [float(image.camera.lens.K[0, 0]) for image in found]
    assert focal_px == [30, 30, 40]


def test_images_are_read_when_they_are_asked_for(tmp_path):
    make = Messages()
    recorded = [
        Recorded("/image", BEGAN_S + i, make.image(BEGAN_S + i, picture(), "rgb8", "cam"))
        for i in range(5)
    ]
    recorded[3].value.encoding = "32FC1"
    images = bag_images(write_bag(tmp_path / "mcap", recorded))
    assert len(list(islice(images, 3))) == 3
    broken, last = images
    assert isinstance(broken.pixels, InputError)  # a frame without pixels is still a frame
    assert "/image message 4: encoding '32FC1', expected one of rgb8" in str(broken.pixels)
    assert np.array_equal(last.pixels, picture())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": np.zeros(10, np.uint8)}, "10 bytes, expected 2304 of 32 x 24 pixels"),
        ({"step": 3}, "in rows of 3 bytes is no rgb8 image"),
        ({"width": 2**31, "step": 2**32 - 1}, "2147483648 x 24 pixels in rows"),
        ({"width": 0}, "0 x 24 pixels"),
    ],
)
def test_an_image_whose_numbers_do_not_fit_is_named(tmp_path, change, said):
    image = Messages().image(BEGAN_S, picture(), "rgb8", "cam")
    for name, value in change.items():
        setattr(image, name, value)
    (found,) = bag_images(write_bag(tmp_path / "sqlite", [Recorded("/cam", BEGAN_S, image)]))
    assert said in str(found.pixels)


def test_a_compressed_image_that_is_none_is_named(tmp_path):
    value = Messages().compressed(BEGAN_S, b"\xff\xd8 no image", "jpeg", "cam")
    (found,) = bag_images(write_bag(tmp_path / "sqlite", [Recorded("/cam", BEGAN_S, value)]))
    assert "/cam message 1: not a readable image" in str(found.pixels)


def test_a_bag_with_two_cameras_asks_for_one(tmp_path):
    make = Messages()
    recorded = [
        Recorded(topic, BEGAN_S, make.image(BEGAN_S, picture(), "rgb8", "cam"))
        for topic in ("/left", "/right")
    ]
    path = write_bag(tmp_path / "sqlite", recorded)
    assert "2 topics have images: /left, /right; choose one by image_topic" in one_line(
        lambda: list(bag_images(path))
    )
    assert len(list(bag_images(path, "/right"))) == 1


@pytest.mark.parametrize("name", KINDS)
def test_a_large_bag_is_not_loaded(tmp_path, name):
    make = Messages(name)
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    recorded = (
        Recorded("/cam", BEGAN_S + i, make.image(BEGAN_S + i, pixels, "rgb8", "cam"))
        for i in range(40)
    )
    path = write_bag(tmp_path / name, list(recorded))
    tracemalloc.start()
    try:
        assert sum(1 for _ in bag_images(path)) == 40
        peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert peak_mb < 12  # a few images of 0.9 MB; the bag has 37 MB
