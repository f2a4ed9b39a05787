"""Stated noise matches the errors, and sensors change no pose."""

import numpy as np
import pytest
import torch

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight, Gnss, Navigation, Odometry
from hinted_posenet.simulator.plan import LawnmowerPlan, OrbitPlan, RandomPlan
from hinted_posenet.simulator.world import World

CAMERA = Camera(16, 12, hfov_deg=60.0)
SENSORS = [Gnss(2, 4, 2, bias_sigma_m=1), Odometry(0.1, 0.2)]


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: type(sensor).__name__)
def test_stated_noise_matches_the_errors(small_world: World, sensor: Navigation) -> None:
    plan = LawnmowerPlan([40, 50], [-20, 20], 3)
    poses = plan.poses(small_world, CAMERA, 20, np.random.default_rng(0))
    t, r = [], []
    for seed in range(200):
        hints = sensor.priors(poses, np.arange(20.0), np.random.default_rng(seed))
        for pose, hint in zip(poses, hints, strict=True):
            t.append((hint.pose.t - pose.t) / hint.sigma_t_m)
            r.append(rotation_angle(hint.pose.q, pose.q) / hint.sigma_r_rad / 3**0.5)
    assert torch.stack(t).square().mean().sqrt().item() == pytest.approx(1, abs=0.08)
    assert torch.stack(r).square().mean().sqrt().item() == pytest.approx(1, abs=0.08)


def test_a_sensor_changes_no_pose_and_no_later_draw(small_world: World) -> None:
    plan = RandomPlan([50, 70], [-20, 20], 4)
    found = []
    for sensor in (None, SENSORS[0]):
        seed = np.random.SeedSequence(5)
        flight = Flight("train", ["summer"], 8, plan, navigation=sensor)
        stations = flight.stations(small_world, CAMERA, np.random.default_rng(seed))
        found.append((torch.stack([s.T_world_cam.t for s in stations]), seed.n_children_spawned))
    assert torch.equal(found[0][0], found[1][0]) and found[0][1] == found[1][1] == 0
    assert all(station.prior.sigma_t_m.isfinite() for station in stations)


def test_time_is_length_over_speed(small_world: World) -> None:
    plan = OrbitPlan(30, 60)
    flight = Flight("train", ["summer"], 12, plan, speed_m_s=10)
    stations = flight.stations(small_world, CAMERA, np.random.default_rng(0))
    chord_m = 2 * 30 * np.sin(np.pi / 12)
    assert np.allclose(np.diff([s.time_s for s in stations]), chord_m / 10)
    assert np.allclose([np.linalg.norm(s.velocity_m_s) for s in stations], 10)
