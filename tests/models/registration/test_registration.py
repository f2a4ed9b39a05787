"""Registration: its geometry, its solver, its measurements, and the network that is made of them."""

import math

import pytest
import torch
from ground import RESOLUTION_M, K, cameras, flat_map, texture
from poses import INF, hints, query
from torch import Tensor
from torch.nn.functional import grid_sample, normalize

from hinted_posenet.core.geometry import compose_rotvec, rotation_angle
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.models.registration.alignment import compare, known_windows, toward
from hinted_posenet.models.registration.features import (
    REACH,
    block_scores,
    correlate,
    displacement,
    offsets,
)
from hinted_posenet.models.registration.ground_map import GroundMap
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistrationHead,
    ground_registration,
)
from hinted_posenet.models.registration.plane import (
    Prior,
    ground_points,
    information_step,
    pixel_centers,
    pixel_jacobian,
    symmetric_product,
)
from hinted_posenet.models.registration.plane import project as pixels_of

HEIGHT_M = 3.0


def moved(pose: Pose, step: Tensor) -> Pose:
    """By (B, 6): metres along the world's axes, radians about the camera's."""
    return Pose(pose.t + step[:, :3], compose_rotvec(pose.q, step[:, 3:]))


def pixel_grid(rows: int, step: float = 8.0) -> Tensor:
    side = int(64 / step)
    return pixel_centers(side, side, step).flatten(0, 1).expand(rows, -1, -1)


def weak(pose: Pose) -> Prior:
    return Prior(pose, torch.zeros(len(pose.t), 6, 6))


def test_pixels_and_ground_are_inverse():
    pose, pixels = cameras(3), pixel_grid(3)
    ground = ground_points(pose, K, pixels, HEIGHT_M)
    back = pixels_of(pose, K, ground, HEIGHT_M)
    torch.testing.assert_close(back, pixels, atol=1e-3, rtol=0)


def test_the_jacobian_is_that_of_finite_steps():
    pose = Pose(cameras(2).t.double(), normalize(cameras(2).q.double(), dim=-1))
    camera, pixels = K.double(), pixel_grid(2).double()
    J = pixel_jacobian(pose, camera, pixels, HEIGHT_M)
    for axis in range(6):
        step = torch.zeros(2, 6, dtype=torch.float64)
        step[:, axis] = 1e-5
        seen = ground_points(moved(pose, step), camera, pixels, HEIGHT_M)
        shift = (pixels_of(pose, camera, seen, HEIGHT_M) - pixels) / 1e-5
        torch.testing.assert_close(J[..., axis], shift, atol=1e-3, rtol=1e-3)


def displaced(pose: Pose, truth: Pose) -> tuple[Tensor, Tensor]:
    """Where in the view from ``pose`` that is found which pixels of the view from ``truth`` show."""
    pixels = pixel_grid(len(pose.t))
    seen = ground_points(truth, K, pixels, HEIGHT_M)
    return pixels, pixels_of(pose, K, seen, HEIGHT_M) - pixels


def solved(start: Pose, truth: Pose, A: Tensor, wrong: Tensor | float, prior: Prior) -> Pose:
    pose = start
    for _ in range(6):
        pixels, off = displaced(pose, truth)
        J = pixel_jacobian(pose, K, pixels, HEIGHT_M)
        pose, _ = information_step(pose, J, A, symmetric_product(A, off + wrong), prior)
    return pose


def test_exact_displacements_give_the_exact_pose():
    truth = cameras(5)
    start = perturb(truth, torch.full((5,), 8.0), torch.full((5,), 0.04), torch.Generator())
    A = torch.tensor([2.0, 0.5, 1.0]).expand(5, 64, 3)
    pose = solved(start, truth, A, 0.0, weak(start))
    torch.testing.assert_close(pose.t, truth.t, atol=0.02, rtol=0)
    assert rotation_angle(pose.q, truth.q).max() < 2e-4


def test_displacements_without_information_are_not_looked_at():
    truth = cameras(2)
    start = moved(truth, 0.01 * torch.ones(2, 6))
    A = torch.tensor([1.0, 0.0, 1.0]).repeat(2, 64, 1)
    wrong = torch.zeros(2, 64, 2)
    A[:, ::3], wrong[:, ::3] = 0.0, 50.0
    pose = solved(start, truth, A, wrong, weak(start))
    torch.testing.assert_close(pose.t, truth.t, atol=0.02, rtol=0)


def test_the_prior_is_weighted_by_its_sigma():
    truth = cameras(1)
    off = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.02]])  # heading, which nothing else explains
    believed = moved(truth, off)
    A = torch.tensor([1.0, 0.0, 1.0]).expand(1, 64, 3)
    sharp = 1e12 * torch.eye(6).expand(1, 6, 6)
    kept = solved(believed, truth, A, 0.0, Prior(believed, sharp))
    torch.testing.assert_close(kept.t, believed.t, atol=1e-4, rtol=0)
    assert rotation_angle(kept.q, believed.q) < 1e-4
    # as much information as the pixels have: half way
    _, information = information_step(
        truth,
        pixel_jacobian(truth, K, pixel_grid(1), HEIGHT_M),
        A,
        torch.zeros(1, 64, 2),
        weak(truth),
    )
    equal = sharp.clone()
    equal[0, 5, 5] = information[0, 5, 5]
    between = solved(believed, truth, A, 0.0, Prior(believed, equal))
    assert rotation_angle(between.q, truth.q).item() == pytest.approx(0.01, rel=0.05)


def test_correlation_finds_a_piece_in_its_window():
    window = torch.randn(2, 4, 30, 30, generator=torch.Generator().manual_seed(0))
    score = correlate(window[:, :, 5:21, 9:25], window)
    assert score.shape == (2, 15, 15)
    assert score.flatten(1).argmax(dim=1).tolist() == [5 * 15 + 9] * 2
    direct = (window[0, :, 5:21, 9:25] * window[0, :, 3:19, 1:17]).sum()
    torch.testing.assert_close(score[0, 3, 1], direct, atol=1e-3, rtol=1e-4)


def test_blocks_say_how_far_east_and_north_they_are():
    window = torch.randn(1, 8, 16 + 2 * REACH, 16 + 2 * REACH, generator=torch.Generator())
    east, north = 3, -2
    top, left = REACH - north, REACH + east
    score = block_scores(window[:, :, top : top + 16, left : left + 16], window)
    mean, covariance = displacement(score)
    torch.testing.assert_close(mean, torch.tensor([3.0, -2.0]).expand(1, 16, 2), atol=0.05, rtol=0)
    assert covariance.diagonal(dim1=-2, dim2=-1).max() < 0.1
    assert offsets()[score[0, :, 0, 0].argmax()].tolist() == [3.0, -2.0]


def test_windows_measure_a_shift_whatever_gain_and_offset():
    colours = texture(size=80)
    x, y = 0.3, -0.2
    here = pixel_centers(64, 64) + 8

    def grid(by: list[float]) -> Tensor:
        return ((here + torch.tensor(by)) / 80 * 2 - 1)[None]

    photo = grid_sample(colours, grid([0.0, 0.0]), align_corners=False)
    image = grid_sample(colours, grid([x, y]), align_corners=False)
    windows = compare(0.2 + 0.5 * image, photo[:, None])
    A, b = windows.A.sum(dim=(0, 1, 2, 4, 5)), windows.b.sum(dim=(0, 1, 2, 4, 5))
    shift = torch.linalg.solve(torch.stack([A[:2], A[1:]]), b)
    assert shift.tolist() == pytest.approx([x, y], abs=0.06)


def test_a_window_whose_ground_has_changed_has_little_information():
    colours, other = texture(size=64), texture(size=64, seed=1)
    changed = colours.clone()
    changed[..., 32:] = other[..., 32:]
    A = compare(colours, changed[:, None]).A[0, 0, :, [0, 2]].sum(dim=(0, 1))
    assert A[:, 17:].mean() < 0.02 * A[:, :15].mean()


def test_only_windows_that_are_wholly_known_are_used():
    known = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    known[..., 8] = False
    assert known_windows(known)[0, 0, 0].tolist() == [True] * 3 + [False] * 2 + [True] * 2


def test_training_starts_at_most_so_far_from_the_truth():
    truth = cameras(50)
    hint = perturb(truth, torch.full((50,), 40.0), torch.full((50,), 0.1), torch.Generator())
    start = toward(truth, hint, 9.0)
    size = (start.t - truth.t).norm(dim=-1) + rotation_angle(start.q, truth.q) * truth.t[:, 2]
    assert size.tolist() == pytest.approx([9.0] * 50, rel=1e-3)
    near = moved(truth, torch.full((50, 6), 1e-3))
    torch.testing.assert_close(toward(truth, near, 9.0).t, near.t)


def fitted(ground_map: GroundMap, views: Tensor, truth: Pose, sequence: Tensor) -> PoseNet:
    torch.manual_seed(0)
    model = ground_registration(ground_map, K).eval()
    model.fit(truth, views, sequence)
    return model


def views_of(ground_map: GroundMap, pose: Pose, photo: int = 0) -> Tensor:
    return ground_map.render(pose, K, 64, 64)[0][:, photo]


@pytest.fixture(scope="module")
def learned() -> tuple[PoseNet, GroundMap]:
    """Trained for a moment on views of one date, with the photo of another as the map."""
    colours = texture(dates=1)
    dates = torch.cat([colours, (0.9 - 0.7 * colours).clamp(0, 1)])  # contrast turned round
    ground_map = flat_map(dates)
    truth, sequence = cameras(64, seed=3), torch.zeros(64, dtype=torch.int64)
    views = views_of(ground_map, truth)
    model = fitted(ground_map, views, truth, sequence).train()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    for step in range(40):
        rows = torch.randint(64, (8,), generator=generator)
        some = Pose(truth.t[rows], truth.q[rows])
        start = perturb(some, torch.full((8,), 8.0), torch.full((8,), 0.03), generator)
        hint = hints(start, 8.0, 0.03)
        torch.manual_seed(step)
        loss = model.own_loss(views[rows], hint, some)
        assert loss is not None
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    return model.eval(), ground_map


@pytest.mark.slow
@torch.no_grad()
def test_an_image_is_found_from_a_hint_without_rotation(learned):
    model, ground_map = learned
    head: GroundRegistrationHead = model.head
    truth = cameras(12, seed=5, reach_m=50.0)
    start = perturb(
        truth, torch.full((12,), 15.0), torch.zeros(12), torch.Generator().manual_seed(2)
    )
    hint = model.frame.resolve(hints(start, 15.0, INF))
    head.allowed[:] = torch.tensor([False, True])  # the date that looks otherwise
    pose, covariance, _ = head.estimate(views_of(ground_map, truth), hint, model.frame)
    head.allowed[:] = True
    error = (pose.t - truth.t).norm(dim=-1)
    assert error.median() < 1.0  # the hint is off by 23 m, a pixel is 2 m
    assert rotation_angle(pose.q, truth.q).median() < math.radians(0.5)
    assert covariance[:, :3, :3].diagonal(dim1=1, dim2=2).sqrt().median() < 3.0


@torch.no_grad()
def test_an_image_is_found_near_its_hint_before_anything_is_learned():
    ground_map, truth = flat_map(texture()), cameras(4, seed=5)
    start = perturb(truth, torch.full((4,), 3.0), torch.full((4,), 0.01), torch.Generator())
    hint = hints(start, 3.0, 0.01)
    views = views_of(ground_map, truth)
    model = fitted(ground_map, views, truth, torch.zeros(4, dtype=torch.int64))
    asked = query(4, torch.empty(4, 0))._replace(image=views)
    feature = model.features(asked)[0]  # as the localizer asks every network
    pose = model.cascade(feature, hint)[-1].pose
    error = (pose.t - truth.t).norm(dim=-1)  # hints are 5 m off, a pixel is 2 m
    assert error.max() < 2.0
    assert error.median() < 0.1  # a photo of the image's own date is matched exactly


@torch.no_grad()
def test_a_hint_that_is_sharper_than_the_image_is_kept():
    truth = cameras(4, seed=6)
    model = fitted(
        flat_map(texture()), torch.rand(4, 3, 64, 64), truth, torch.zeros(4, dtype=torch.int64)
    )
    hint = model.frame.resolve(hints(truth, 1e-4, 1e-5))
    pose = model.head(torch.rand(4, 3, 64, 64), hint, model.frame)
    torch.testing.assert_close(pose.t, truth.t, atol=1e-2, rtol=0)
    assert rotation_angle(pose.q, truth.q).max() < 1e-3


@torch.no_grad()
def test_photos_that_are_not_allowed_are_not_looked_at():
    truth = cameras(2, seed=7)
    views, hint = views_of(flat_map(texture()), truth), hints(truth, 5.0, 0.02)
    spoiled = flat_map(torch.cat([torch.rand(1, 3, 200, 200), texture(dates=1)]))
    plain = flat_map(torch.cat([torch.zeros(1, 3, 200, 200), texture(dates=1)]))
    answers = []
    for photos in (spoiled, plain):
        other = fitted(photos, views, truth, torch.zeros(2, dtype=torch.int64))
        other.head.allowed[0] = False
        answers.append(other.head(views, hint, other.frame))
    torch.testing.assert_close(answers[0].t, answers[1].t, atol=0, rtol=0)


def test_in_training_an_image_does_not_see_the_photo_of_its_own_sequence():
    truth, sequence = cameras(8), torch.arange(8) % 2
    hint = Hint(*hints(moved(truth, torch.full((8, 6), 0.01)), 1.0, 0.01))
    losses = []
    for seed in (1, 2):
        # photo 0 differs; images of sequence 0 must not notice, those of sequence 1 must
        ground_map = flat_map(torch.cat([texture(seed=seed), texture(seed=9)]))
        views = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        model = fitted(ground_map, views, truth, sequence)
        loss = model.own_loss(views, hint, truth)
        assert loss is not None
        losses.append(loss.detach())
    torch.testing.assert_close(losses[0][::2], losses[1][::2])
    assert ((losses[0] - losses[1])[1::2].abs() > 1e-4).all()


def test_the_map_and_what_was_measured_are_in_the_state():
    truth = cameras(6)
    ground_map = flat_map(texture())
    model = fitted(
        ground_map, views_of(ground_map, truth), truth, torch.zeros(6, dtype=torch.int64)
    )
    state = model.state_dict()
    assert int(state["head.canvas"]) * RESOLUTION_M >= 64 * 140 / 70
    assert {"head.map.photo", "head.map.bounds_m", "head.spread_r_rad"} <= state.keys()
    assert state["head.spread_r_rad"][2] > 3 * state["head.spread_r_rad"][0]  # heading, pitch
