"""Images that a moving camera's sensor makes."""

import numpy as np
import pytest
import torch

from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.core.types import no_prior
from hinted_posenet.simulator.camera import Camera, pose_at
from hinted_posenet.simulator.flight import Station
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.render import Frame
from hinted_posenet.simulator.shots import develop, image_motion_px_s

CAMERA = Camera(40, 30, hfov_deg=60.0)


def station(heading_deg: float, velocity_m_s: list[float], t: list[float]) -> Station:
    return Station(pose_at(t, heading_deg, 12, -6), 0.0, np.array(velocity_m_s), no_prior())


@pytest.mark.parametrize("heading_deg", [0.0, 40.0, -115.0])
def test_motion_is_how_far_a_point_ahead_moves(heading_deg: float) -> None:
    speed = [12.0, -5.0, 0.0]
    before = station(heading_deg, speed, [3.0, 4.0, 100.0])
    step_s = 1e-3
    moved = (before.T_world_cam.t + step_s * torch.tensor(speed)).tolist()
    ahead = rotate(before.T_world_cam.q, torch.tensor([0.0, 0.0, 80.0], dtype=torch.float64))
    point = before.T_world_cam.t + ahead

    def uv(at: Station) -> np.ndarray:
        t, q = invert(*at.T_world_cam)
        u, v, w = CAMERA.K @ (rotate(q, point) + t).numpy()
        return np.array([u / w, v / w])

    expected = (uv(station(heading_deg, speed, moved)) - uv(before)) / step_s
    assert image_motion_px_s(CAMERA, before, 80.0) == pytest.approx(expected, rel=1e-3)


def test_a_moving_camera_blurs_along_its_path_and_a_perfect_one_changes_nothing() -> None:
    stripes = np.zeros((30, 40, 3), np.uint8)
    stripes[::2] = 200
    frame = Frame(stripes, np.full((30, 40), 50.0, np.float32))
    fast = Camera(40, 30, hfov_deg=60.0, sensor=Sensor(exposure_s=0.25))
    north = Station(pose_at((0, 0, 0)), 0.0, np.array([0.0, 12.0, 0.0]), no_prior())
    generator = np.random.default_rng(0)
    assert np.array_equal(develop(CAMERA, north, frame, np.inf, generator), stripes)
    assert develop(fast, north, frame, np.inf, generator).std() < 0.5 * stripes.std()
    east = north._replace(velocity_m_s=np.array([12.0, 0.0, 0.0]))
    assert np.array_equal(develop(fast, east, frame, np.inf, generator), stripes)
    assert develop(CAMERA, north, frame, 40.0, generator).std() < 0.1 * stripes.std()
