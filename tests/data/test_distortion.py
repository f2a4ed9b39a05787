"""Lens distortion against COLMAP's own, and images of a fisheye made straight."""

import numpy as np
import pycolmap
import pytest
import torch

from hinted_posenet.data.cameras import parse_colmap_camera
from hinted_posenet.data.distortion import Fisheye, distorted, straightened
from hinted_posenet.data.images import undistorted

WIDTH, HEIGHT = 96, 72
LENSES = {
    "RADIAL": "60 48.5 36 -0.1 0.03",
    "FULL_OPENCV": "60 62 48.5 36 -0.01 0.03 0.004 -0.005 0.02 0.01 -0.02 0.003",
    "FISHEYE": "40 41 48 36",
    "SIMPLE_RADIAL_FISHEYE": "40 48.5 36 0.05",
    "OPENCV_FISHEYE": "40 41 48.5 36 0.05 -0.01 0.003 -0.001",
    "THIN_PRISM_FISHEYE": "40 41 48.5 36 0.05 -0.01 0.004 -0.005 0.003 -0.001 0.002 -0.003",
}


@pytest.mark.parametrize("model", LENSES)
def test_points_are_where_colmap_has_them(model: str) -> None:
    lens = parse_colmap_camera(model, LENSES[model].split(), "x")
    reach = 2.0 if isinstance(lens.distortion, Fisheye) else 0.5  # 63 degrees
    xy = np.random.default_rng(0).uniform(-reach, reach, (200, 2))
    xy[0] = 0
    K = lens.K.numpy()
    pixels = distorted(xy, lens.distortion) @ K[:2, :2].T + K[:2, 2]
    parameters = [float(number) for number in LENSES[model].split()]
    theirs = pycolmap.Camera(
        model=model, width=WIDTH, height=HEIGHT, params=parameters, camera_id=1
    )
    points = np.column_stack([xy, np.ones(len(xy))])
    assert np.abs(pixels - theirs.img_from_cam(points)).max() < 1e-9
    straight = straightened(pixels, K, lens.distortion)
    assert np.abs(straight - (xy @ K[:2, :2].T + K[:2, 2])).max() < 1e-3


@pytest.mark.parametrize("model", LENSES)
def test_a_dot_of_a_lens_is_where_a_pinhole_sees_it(model: str) -> None:
    lens = parse_colmap_camera(model, LENSES[model].split(), "x")
    K, xy = lens.K.numpy(), np.array([[0.45, -0.3]])
    (u, v), (x, y) = (
        (points @ K[:2, :2].T + K[:2, 2])[0] for points in (distorted(xy, lens.distortion), xy)
    )
    columns, rows = np.arange(WIDTH) + 0.5, np.arange(HEIGHT)[:, None] + 0.5
    dot = 200 * np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * 2.0**2))
    image = np.repeat(dot[..., None], 3, axis=2).round().astype(np.uint8)
    seen = undistorted(image, torch.from_numpy(K), lens.distortion)[..., 0].astype(float)
    seen = seen**4  # its peak, as a lens stretches the rest
    assert abs((seen * columns).sum() / seen.sum() - x) < 0.1
    assert abs((seen * rows).sum() / seen.sum() - y) < 0.1


def test_what_a_pinhole_cannot_see_is_not_a_number() -> None:
    K = np.array([[40.0, 0, 48], [0, 40, 36], [0, 0, 1]])
    pixels = np.array([[48.0, 36.0], [48 + 40 * 1.5, 36.0], [48 + 40 * 1.6, 36.0]])
    assert np.isfinite(straightened(pixels, K, Fisheye())[:, 0]).tolist() == [True, True, False]
    assert np.isnan(straightened(pixels[1:], K, Fisheye(k1=-2.0))).all()  # it has no inverse there
