import numpy as np
import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.plan import LawnmowerPlan, Plan, RandomPlan
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import World

CAMERA = Camera(16, 12, hfov_deg=60.0)
PLANS = [RandomPlan([50, 70], [-20, 20], 4), LawnmowerPlan([40, 50], [-20, 20], 3, jitter_m=2)]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: type(plan).__name__)
def test_plans_stay_inside_and_within_their_ranges(small_world: World, plan: Plan) -> None:
    poses = plan.poses(small_world, CAMERA, 60, np.random.default_rng(0))
    assert len(poses) == 60
    renderer = Renderer(small_world, CAMERA, threads=1)
    low, high = (50, 70) if plan is PLANS[0] else (40, 50)
    up = torch.tensor([0.0, -1.0, 0.0], dtype=torch.float64)
    for pose in poses:
        renderer.render(pose, small_world.captures[0])  # raises where a ray leaves the world
        x, y, z = pose.t.tolist()
        assert low - 1e-6 <= z - small_world.terrain_at(x, y) <= high + 1e-6
        east, north, _ = rotate(pose.q, up).tolist()
        assert abs(np.degrees(np.arctan2(east, north))) < 21


def test_a_world_too_small_for_the_footprint_is_refused(small_world: World) -> None:
    for plan in (RandomPlan([900, 900], [0, 0], 0), LawnmowerPlan([900, 900], [0, 0], 0)):
        with pytest.raises(InputError, match="altitude_m"):
            plan.poses(small_world, CAMERA, 5, np.random.default_rng(0))


def test_neighbouring_survey_images_overlap_as_asked(small_world: World) -> None:
    plan = LawnmowerPlan([40, 40], [0, 0], 0, forward_overlap=0.75, jitter_m=0)
    poses = plan.poses(small_world, CAMERA, 4, np.random.default_rng(0))
    step_m = float((poses[1].t - poses[0].t)[1])
    footprint_m = 40 * CAMERA.height / CAMERA.focal_px
    assert 0 < step_m <= 0.25 * footprint_m + 1e-9


def test_bad_values_name_their_key(small_world: World) -> None:
    with pytest.raises(InputError, match="heading_deg"):
        RandomPlan([1, 2], [20, -20], 0)
    with pytest.raises(InputError, match="side_overlap"):
        LawnmowerPlan([1, 2], [0, 0], 0, side_overlap=1.0)
    with pytest.raises(InputError, match="split"):
        Flight("dev", ["summer"], 1, PLANS[0])
    with pytest.raises(InputError, match=r"monsoon.*spring"):
        small_world.select("monsoon")


def test_camera_matrix_follows_the_field_of_view() -> None:
    K = Camera(100, 80, hfov_deg=90.0).K
    assert np.allclose(K, [[50, 0, 50], [0, 50, 40], [0, 0, 1]])
    with pytest.raises(InputError, match="focal_px"):
        Camera(100, 80)
