"""Ground Registration before anything is learned: near its prior, it aligns an image to parts of a cell."""

import math
from typing import Any

import pytest
import torch
from ground import (
    DOWN,
    PIXELS,
    RESOLUTION_M,
    K,
    cameras,
    ground,
    hills,
    prior,
    rendered,
    texture,
    uneven,
)
from torch import Tensor

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.ground_registration import (
    CANVAS,
    MOST_CELLS,
    GroundRegistration,
    Registered,
    take_surroundings,
)
from hinted_posenet.models.registration.search import Views


@pytest.fixture
def model() -> GroundRegistration:
    torch.manual_seed(0)
    return GroundRegistration().eval()


@torch.no_grad()
def registered(
    model: GroundRegistration, over: ArrayGround, views: Views, hint: Hint, *allowed: bool
) -> Registered:
    photos = torch.tensor(allowed).expand(len(views.K), -1) if allowed else None
    return model(views, hint, take_surroundings(over, views, hint), photos)


def off(truth: Pose, sigma_m: float, sigma_deg: float, seed: int = 0) -> Pose:
    """Poses that are off by so much about each axis."""
    count, generator = len(truth.t), torch.Generator().manual_seed(seed)
    sigma_rad = torch.full((count,), math.radians(sigma_deg))
    return perturb(truth, torch.full((count,), sigma_m), sigma_rad, generator)


def error_m(found: Registered, truth: Pose) -> Tensor:
    return (found.answer.pose.t - truth.t).norm(dim=1)


@pytest.mark.parametrize("relief", [False, True])
def test_a_pose_is_found_to_a_tenth_of_a_cell_or_two(model, relief):
    over = ground(height_m=hills() if relief else None)
    truth = cameras(4, seed=5)
    views, start = rendered(over, truth), off(truth, 1.5, 0.3)
    found = registered(model, over, views, prior(start, 1.5, 0.3))
    assert ((start.t - truth.t).norm(dim=1) > 1.2).all()
    assert (error_m(found, truth) < 0.2 * RESOLUTION_M).all()
    assert rotation_angle(found.answer.pose.q, truth.q).max() < math.radians(0.15)
    share, unlikely = found.evidence[:, 3], found.evidence[:, 2]
    assert (share > 0.3).all()
    assert (unlikely < -0.3).all()


def scaled(by: float, middle_px: float = PIXELS / 2) -> Tensor:
    """A camera with so many times the focal length of `K`."""
    return torch.tensor([[70.0 * by, 0.0, middle_px], [0.0, 70.0 * by, middle_px], [0.0, 0.0, 1.0]])


def long(pose: Pose, over: ArrayGround) -> Views:
    """Views through a lens of half the angle."""
    return rendered(over, pose, scaled(2.0))


@pytest.mark.parametrize("relief", [False, True])
def test_an_oblique_view_is_found(model, relief):
    over = ground(height_m=hills(slope=0.1, swing_m=4.0) if relief else None)
    truth = cameras(2, seed=5, oblique_deg=45.0, reach_m=20.0)
    views, start = long(truth, over), off(truth, 1.0, 0.2)
    found = registered(model, over, views, prior(start, 1.0, 0.2))
    assert (error_m(found, truth) < 0.3 * RESOLUTION_M).all()
    assert rotation_angle(found.answer.pose.q, truth.q).max() < math.radians(0.15)


def test_a_sharp_prior_is_not_moved(model):
    truth = cameras(3, seed=6)
    views = Views(torch.rand(3, 3, PIXELS, PIXELS), K.expand(3, 3, 3))  # not of this ground
    found = registered(model, ground(), views, prior(truth, 1e-3, 1e-4))
    assert error_m(found, truth).max() < 1e-2
    assert rotation_angle(found.answer.pose.q, truth.q).max() < math.radians(1e-2)


def test_the_answer_is_never_less_certain_than_the_prior(model):
    over, truth = ground(), cameras(2, seed=5)
    hint = prior(off(truth, 1.0, 0.2), 1.0, 0.2)
    found = registered(model, over, rendered(over, truth), hint)
    gained = hint.covariance - found.answer.covariance
    assert (torch.linalg.eigvalsh(gained.double()) > -1e-6).all()
    assert (found.answer.variance[:, :2] < 0.5 * hint.variance[:, :2]).all()


def test_sigmas_that_hold_the_large_errors_do_not_draw_the_pose_to_the_prior(model):
    over, truth = ground(), cameras(2, seed=5)
    views, hint = rendered(over, truth), prior(off(truth, 1.0, 0.2), 1.0, 0.2)
    plain = registered(model, over, views, hint)
    wide = GroundRegistration().eval()
    wide.load_state_dict(model.state_dict() | {"excess": torch.tensor(3.0)})
    careful = registered(wide, over, views, hint)
    assert torch.equal(careful.answer.pose.t, plain.answer.pose.t)
    assert (careful.answer.variance > 1.2 * plain.answer.variance).all()


def test_tilt_that_is_known_helps_the_position(model):
    over = ground(torch.cat([texture(), texture(seed=1)]))
    truth = cameras(6, seed=5)
    views = rendered(over, truth)
    noise = 0.15 * torch.randn(views.image.shape, generator=torch.Generator().manual_seed(0))
    views = views._replace(image=(views.image + noise).clamp(0, 1))
    vague, level = (
        registered(model, over, views, uneven(truth, [5.0] * 3, sigma_deg), True, False)
        for sigma_deg in ([1.0, 1.0, 1.0], [0.02, 0.02, 1.0])
    )
    assert error_m(level, truth).median() < 0.7 * error_m(vague, truth).median()
    assert (level.answer.variance[:, :2] < vague.answer.variance[:, :2]).all()
    # the heading, of which the tilt says nothing, is as certain as before
    torch.testing.assert_close(
        level.answer.variance[:, 5], vague.answer.variance[:, 5], atol=0, rtol=0.2
    )


def test_images_of_different_cameras_share_a_batch(model):
    over, truth = ground(), cameras(2, seed=5, reach_m=20.0)
    alone = [long, lambda pose, over: rendered(over, pose)]
    parts = [
        make(Pose(truth.t[i : i + 1], truth.q[i : i + 1]), over) for i, make in enumerate(alone)
    ]
    views = Views(*(torch.cat(part) for part in zip(*parts, strict=True)))
    found = registered(model, over, views, prior(off(truth, 1.0, 0.2), 1.0, 0.2))
    assert (error_m(found, truth) < 0.2 * RESOLUTION_M).all()


def test_images_need_not_be_square(model):
    over, truth = ground(), cameras(2, seed=5, reach_m=20.0)
    views = rendered(over, truth)
    K_cut = views.K - torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 10.0], [0.0, 0.0, 0.0]])
    wide = Views(views.image[:, :, 10:50], K_cut)
    found = registered(model, over, wide, prior(off(truth, 1.0, 0.2), 1.0, 0.2))
    assert (error_m(found, truth) < 0.2 * RESOLUTION_M).all()


def test_far_from_the_origin_the_answer_is_the_same_to_a_millimetre(model):
    truth = cameras(2, seed=5, reach_m=20.0)
    views, hint = rendered(ground(), truth), prior(off(truth, 1.0, 0.2), 1.0, 0.2)
    here = Hint(Pose(hint.pose.t.double(), hint.pose.q.double()), hint.covariance.double())
    far = torch.tensor([600000.0, 5e6, 0.0], dtype=torch.float64)
    there = here._replace(pose=here.pose._replace(t=here.pose.t + far))
    near, utm = (
        registered(model, over, views, asked).answer
        for over, asked in ((ground(), here), (ground(center_m=(600000.0, 5e6)), there))
    )
    assert utm.pose.t.dtype == torch.float64
    torch.testing.assert_close(utm.pose.t - far, near.pose.t, atol=1e-3, rtol=0)
    torch.testing.assert_close(utm.pose.q, near.pose.q, atol=1e-6, rtol=0)


def test_photos_that_are_not_allowed_are_not_looked_at(model):
    truth = cameras(2, seed=5)
    views, hint = rendered(ground(), truth), prior(off(truth, 1.0, 0.2), 1.0, 0.2)
    answers = [
        registered(model, ground(torch.cat([spoiled, texture()])), views, hint, False, True)
        for spoiled in (torch.rand(1, 3, 200, 200), torch.zeros(1, 3, 200, 200))
    ]
    torch.testing.assert_close(answers[0].answer.pose, answers[1].answer.pose, atol=0, rtol=0)


def test_an_image_outside_the_map_keeps_its_prior(model):
    truth = cameras(2, seed=5)
    hint = prior(truth._replace(t=truth.t + torch.tensor([5000.0, 0.0, 0.0])), 5.0, 1.0)
    found = registered(model, ground(), rendered(ground(), truth), hint)
    torch.testing.assert_close(found.answer.pose.t, hint.pose.t, atol=0.5, rtol=0)
    torch.testing.assert_close(found.answer.variance, hint.variance, atol=1e-3, rtol=0.1)
    assert (found.image.variance[:, :2] > 1000**2).all()
    assert (found.evidence[:, 3] == 0).all()


def test_another_image_does_not_change_an_answer(model):
    over, truth = ground(), cameras(2, seed=5, reach_m=20.0)
    views, hint = rendered(over, truth), prior(off(truth, 1.0, 0.2), 1.0, 0.2)
    both = registered(model, over, views, hint).answer.pose
    first = Hint(Pose(hint.pose.t[:1], hint.pose.q[:1]), hint.covariance[:1])
    alone = registered(model, over, Views(views.image[:1], views.K[:1]), first).answer.pose
    torch.testing.assert_close(both.t[:1], alone.t, atol=0.05, rtol=0)


def spoiled(part: str) -> Hint:
    """Priors of three cameras; of the second, a part is not a number or not known."""
    hint = prior(off(cameras(3, seed=5, reach_m=20.0), 1.0, 0.2), 1.0, 0.2)
    t, q, covariance = (value.clone() for value in (*hint.pose, hint.covariance))
    if part == "position":
        t[1, 0] = math.nan
    elif part == "rotation":
        q[1] = math.nan
    else:
        covariance[1, 5, 5] = math.inf
    return Hint(Pose(t, q), covariance)


@pytest.mark.parametrize("part", ["position", "rotation", "covariance"])
def test_a_prior_that_is_not_known_in_full_is_refused(part):
    views = rendered(ground(), cameras(3, seed=5, reach_m=20.0))
    with pytest.raises(ValueError, match=r"prior of image 1 .* known in all parts"):
        take_surroundings(ground(), views, spoiled(part))


def test_surroundings_fit_the_image_and_the_prior():
    over, truth = ground(), cameras(1, reach_m=5.0)
    views = rendered(over, truth)
    near, wide = (
        take_surroundings(over, views, prior(truth, sigma_m, 0.1)) for sigma_m in (1.0, 60.0)
    )
    seen_m = 140 * PIXELS / 70
    assert seen_m * 0.9 < near.canvas * RESOLUTION_M < seen_m * 1.3
    assert near.canvas == wide.canvas
    assert wide.patch.cells - wide.canvas == pytest.approx(2 * 2.5 * 60 / RESOLUTION_M, abs=16)
    assert wide.patch.cell_m.item() == RESOLUTION_M
    vague = take_surroundings(over, views, prior(truth, 1e5, 0.1))
    assert vague.patch.cells == near.canvas + 2 * MOST_CELLS


def test_an_image_from_high_up_is_laid_out_in_larger_cells():
    high = Pose(torch.tensor([[0.0, 0.0, 2003.0]]), DOWN.unsqueeze(0))
    few = Views(torch.rand(1, 3, PIXELS, PIXELS), K.unsqueeze(0))
    around = take_surroundings(ground(), few, prior(high, 10.0, 0.1))
    assert around.patch.cell_m.item() == pytest.approx(0.9 * 2000 / 70)  # of the image's pixels
    many = Views(torch.rand(1, 3, 8 * PIXELS, 8 * PIXELS), scaled(8.0, 4 * PIXELS).unsqueeze(0))
    around = take_surroundings(ground(), many, prior(high, 10.0, 0.1))
    assert around.canvas == CANVAS
    assert around.patch.cell_m.item() == pytest.approx(2000 * PIXELS / 70 / CANVAS, rel=0.01)


def test_the_horizon_does_not_take_the_cells_of_what_lies_before_it(model):  # of 104 degrees
    over, truth = ground(), cameras(2, seed=5, oblique_deg=45.0, reach_m=20.0)
    wide = K - K * torch.tensor(
        [[0.64, 0.0, 0.0], [0.0, 0.64, 0.0], [0.0, 0.0, 0.0]]
    )  # 104 degrees
    views, hint = rendered(over, truth, wide), prior(off(truth, 1.0, 0.2), 1.0, 0.2)
    around = take_surroundings(over, views, hint)
    assert around.patch.cell_m.max() < 10.0
    found = registered(model, over, views, hint)
    assert (error_m(found, truth) < 0.3).all()


def test_a_camera_that_looks_at_the_sky_keeps_its_prior(model):
    pose = Pose(torch.tensor([[0.0, 0.0, 103.0]]), torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    views, hint = Views(torch.rand(1, 3, PIXELS, PIXELS), K.unsqueeze(0)), prior(pose, 5.0, 1.0)
    found = registered(model, ground(), views, hint)
    torch.testing.assert_close(found.answer.pose.t, pose.t, atol=0.5, rtol=0)
    assert (found.evidence[:, 3] == 0).all()


def test_a_patch_of_cells_of_kilometres_fits_in_memory():
    patch = ground().patch((0.0, 0.0), 32, 5000.0)
    assert patch.cells == 32


def test_surroundings_lie_around_what_is_seen_and_not_below_the_camera():
    oblique = compose_rotvec(DOWN, torch.tensor([math.radians(45), 0.0, 0.0]))
    pose = Pose(torch.tensor([[0.0, -100.0, 103.0]]), oblique.unsqueeze(0))
    views = long(pose, ground())
    around = take_surroundings(ground(), views, prior(pose, 1.0, 0.1))
    torch.testing.assert_close(around.patch.center_m.float(), torch.zeros(1, 2), atol=1.0, rtol=0)


def test_the_state_holds_what_is_learned_and_no_map(model):
    state: dict[str, Any] = model.state_dict()
    assert sum(value.numel() for value in state.values()) < 25_000
