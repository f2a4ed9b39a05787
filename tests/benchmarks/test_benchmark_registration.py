"""The registration benchmark: controls find cameras, sensors say what they should, tables count right."""

import math

import pytest
import torch
from ground import cameras, ground, rendered, texture, uneven
from registration_damage import PAINTED, Elsewhere, Hole, damaged
from registration_gradient import correlated
from registration_matches import sift
from registration_sensors import DOWN, SENSORS, Sensors, drawn
from registration_tables import tables

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle, world_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.ground_registration import Surroundings, take_surroundings
from hinted_posenet.models.registration.search import Views


def asked(over, photo: int = 0) -> tuple[Pose, Views, Hint, Surroundings]:
    """A camera without tilt, what it sees, and a hint that is 16 m, 7 m and 8 degrees off."""
    place = cameras(1, seed=5, reach_m=30.0)
    turn = torch.tensor([[0.0, 0.0, 0.1]])
    truth = Pose(place.t, compose_rotvec(DOWN.float().unsqueeze(0), turn))
    turn = torch.tensor([[0.0, 0.0, 0.14]])
    start = Pose(truth.t + torch.tensor([9.0, -13.0, 7.0]), compose_rotvec(truth.q, turn))
    views = rendered(over, truth, photo=photo)
    hint = uneven(start, [12.0, 12.0, 4.0], [2.0, 2.0, 4.6])
    return truth, views, hint, take_surroundings(over, views, hint)


@pytest.mark.parametrize("method", ["gradient correlation", "SIFT"])
def test_a_camera_is_found_on_the_photo_that_may_be_looked_at(method):
    over = ground(torch.cat([texture(seed=1), texture(seed=0)]))
    truth, views, hint, around = asked(over, photo=1)
    found = {}
    for photo in (0, 1):
        allowed = torch.arange(2).unsqueeze(0) == photo
        if method == "SIFT":
            found[photo] = sift()(views, hint, around, allowed)[0].pose
        else:
            found[photo] = correlated(views, hint, around, allowed)
    assert (found[1].t - truth.t).norm() < 4.0  # 2 cells
    assert rotation_angle(found[1].q, truth.q) < 0.03
    assert (found[0].t - truth.t).norm() > 6.0


def test_the_hint_is_kept_where_nothing_matches():
    _, views, hint, around = asked(ground())
    grey = views._replace(image=torch.full_like(views.image, 0.5))
    found, matched = sift()(grey, hint, around, torch.ones(1, 1, dtype=torch.bool))
    assert not matched
    torch.testing.assert_close(found.pose, hint.pose)


def truths(count: int) -> list[Pose]:
    pose = cameras(count)
    return [Pose(t.double()[None], q.double()[None]) for t, q in zip(*pose, strict=True)]


@pytest.mark.parametrize(
    "name", [name for name, sensors in SENSORS.items() if sensors != Sensors()]
)
def test_what_a_sensor_measures_is_off_by_its_sigma(name):
    off = []
    for seed, truth in enumerate(truths(100)):
        hint = drawn(truth, 3.0, SENSORS[name], seed)
        turn = world_rotvec(hint.pose.q, truth.q)
        error = torch.cat([truth.t - hint.pose.t, turn], dim=-1)[0]
        off.append(error / hint.variance[0].sqrt())
    spread = torch.stack(off).std(dim=0)
    sensors = SENSORS[name]
    finite = [math.isfinite(part) for part in (sensors.tilt_deg, sensors.heading_deg)]
    measured = [True] * 3 + [finite[0]] * 2 + [finite[1]]
    assert (spread[measured] - 1).abs().max() < 0.25


def test_a_wrong_hint_is_off_by_more_than_it_states():
    truth = truths(1)[0]
    hint = drawn(truth, 3.0, Sensors(gps_m=1.0, wrong_m=400.0), 7)
    assert (hint.pose.t - truth.t)[0, :2].norm() == pytest.approx(400.0, abs=5.0)
    assert hint.variance[0, 0] == 1.0


@pytest.mark.parametrize("kind", PAINTED)
def test_damage_changes_a_good_part_of_an_image_and_is_the_same_again(kind):
    image = texture()[:, :, :100, :120]
    changed = damaged(image, kind, 3)
    assert changed.shape == image.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    different = ((changed - image).abs().amax(dim=1) > 0.03).float().mean()
    assert different > 0.25
    torch.testing.assert_close(damaged(image, kind, 3), changed, atol=0, rtol=0)
    if kind in ("clouds", "flooded fields", "harvested fields"):
        assert different < 0.95
        assert (damaged(image, kind, 4) - changed).abs().mean() > 0.01


def test_a_hole_and_another_place():
    over = ground()
    patch = Hole(over, (0.0, 10.0), 20.0).patch((0.0, 0.0), 40, 2.0)
    off_m = (patch.points_m()[0, ..., :2] - torch.tensor([0.0, 10.0])).norm(dim=-1)
    torch.testing.assert_close(patch.known[0, 0], off_m > 20.0)
    there = Elsewhere(over, (60.0, -40.0)).patch((0.0, 0.0), 40, 2.0)
    torch.testing.assert_close(there.photo, over.patch((60.0, -40.0), 40, 2.0).photo)
    assert there.center_m.tolist() == [[0.0, 0.0]]


def answer(frame: int, method: str, case: str, error_m: float, fits: bool) -> dict[str, object]:
    return {
        "frame": str(frame),
        "seed": 0,
        "case": case,
        "method": method,
        "digest": "",
        "unseen": True,
        "error_m": error_m,
        "horizontal_m": error_m,
        "vertical_m": 1.0,
        "error_deg": 0.5,
        "sigmas": error_m / 5.0,
        "fits": fits,
        "cpu_ms": 100.0,
    }


def test_the_tables_count_right():
    plain = [answer(i, "net", "position", 5.0 + i, True) for i in range(10)]
    clouds = [answer(i, "net", "clouds", 100.0, i < 2) for i in range(10)]
    found = tables([*plain, *clouds], ["net"], ["position"], ["position", "clouds"])
    assert found["methods"][1][:5] == [
        "Ground Registration, net",
        found["methods"][1][1],
        "11.8 m",
        "13.5 m",
        "80%",
    ]
    assert found["methods"][1][1].startswith("9.5 m [")
    assert found["methods"][1][-1] == "100 ms"
    assert found["priors"][1][:2] == ["position", "net"]
    rows = {row[0]: row[2:] for row in found["robustness"][1:]}
    assert rows["clouds"] == ["20%", "100.0 m", "20.0%", "10"]
    assert rows["position"] == ["100%", "9.5 m", "0.0%", "10"]
