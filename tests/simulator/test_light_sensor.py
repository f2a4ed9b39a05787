import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.light.sensor import AIRLIGHT_RGB, Sensor, line_kernel
from hinted_posenet.simulator.render import Frame

STILL = (0.0, 0.0)


def make_frame() -> Frame:
    rgb = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return Frame(rgb, np.full((60, 80), 300.0, np.float32))


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_zero_settings_and_clear_air_change_nothing():
    frame = make_frame()
    image = Sensor().develop(*frame, float("inf"), (400.0, 90.0), rng())
    np.testing.assert_array_equal(image, frame.rgb)


def test_frame_is_untouched_and_the_same_generator_gives_the_same_bytes():
    frame = make_frame()
    rgb, depth = frame.rgb.copy(), frame.depth_m.copy()
    sensor = Sensor(0.3, 0.05, 0.01, 0.02, 0.01)
    first, second = (sensor.develop(*frame, 9000.0, (300.0, 100.0), rng()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(frame.rgb, rgb)
    np.testing.assert_array_equal(frame.depth_m, depth)


def test_haze_leaves_two_percent_of_the_contrast_at_the_visibility():
    frame = Frame(np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 1000.0, np.float32))
    image = Sensor().develop(*frame, 1000.0, STILL, rng())
    np.testing.assert_allclose(image, np.broadcast_to(0.98 * AIRLIGHT_RGB, (4, 4, 3)), atol=1)


@pytest.mark.parametrize("motion", [(8.0, 0.0), (0.0, -5.0), (3.7, 6.1), (-9.2, 2.4)])
def test_blur_runs_along_the_motion_and_shifts_nothing(motion):
    kernel = line_kernel(*motion)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)
    assert kernel.sum() == pytest.approx(1.0)
    offset = np.arange(len(kernel)) - len(kernel) // 2
    spread = np.array([(kernel * offset**2).sum(), (kernel * offset[:, None] ** 2).sum()])
    # a line of length L has variance L^2 / 12; sampling on pixels adds less than one
    np.testing.assert_allclose(spread, np.square(motion) / 12, atol=0.9)
    spot = np.zeros((41, 41, 3), np.uint8)
    spot[18:23, 18:23] = 250
    frame = Frame(spot, np.ones((41, 41), np.float32))
    image = Sensor(exposure_s=0.01).develop(
        *frame, float("inf"), tuple(100 * m for m in motion), rng()
    )
    row, col = np.nonzero(image[..., 0] > 5)
    assert (row.mean(), col.mean()) == pytest.approx((20, 20), abs=0.02)


def test_exposure_alone_does_not_change_the_noise():
    frame = Frame(np.full((50, 50, 3), 100, np.uint8), np.ones((50, 50), np.float32))
    noisy = Sensor(noise_sigma=0.02).develop(*frame, float("inf"), STILL, rng())
    assert noisy.std() == pytest.approx(5.1, rel=0.05)
    brighter = Sensor(noise_sigma=0.02, exposure_sigma_ev=0.5).develop(
        *frame, float("inf"), STILL, rng()
    )
    assert abs(brighter.mean() - noisy.mean()) > 5
    assert brighter.std() == pytest.approx(noisy.std(), rel=0.05)


def test_negative_setting_names_its_key():
    with pytest.raises(InputError, match=r"sensor\.noise_sigma"):
        Sensor(noise_sigma=-1.0)
