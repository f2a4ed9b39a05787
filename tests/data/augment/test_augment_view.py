"""A point of the world lies where the new K and the new pose say, after every move of the camera."""

from typing import Any

import pytest
import torch
from dots import DOT, dot_by_pose, dot_in_image, rotate_cameras

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import (
    quaternion_exp,
    quaternion_inverse,
    quaternion_product,
    rotate,
    rotation_angle,
)
from hinted_posenet.core.types import Hint, Pose, Query, Sample
from hinted_posenet.data.augment import Augment

B, H, W = 40, 72, 90


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dots(sigma_r_rad: float = float("inf")) -> Sample:
    """Cameras turned anyhow, pixels not square, no centerd principal point; a dot near the middle of each."""
    draw = generator()
    q = quaternion_exp(2 * torch.randn(B, 3, generator=draw))
    in_camera = torch.tensor([0.0, 0.0, 3.0]) + 0.3 * torch.randn(B, 3, generator=draw)
    pose = Pose(DOT - rotate(q, in_camera), q)
    K = torch.tensor([[80.0, 0, 49.0], [0, 66.0, 31.0], [0, 0, 1]]).expand(B, 3, 3)
    prior = Hint.isotropic(Pose(pose.t + 1, q), torch.ones(B), torch.full((B,), sigma_r_rad))
    names = [str(number) for number in range(B)]
    query = Query(torch.empty(B, 0), torch.empty(B, 0), K, prior, names, torch.zeros(B))
    x, y = dot_by_pose(Sample(query, pose))[..., None, None].unbind(1)
    u, v = torch.arange(W) + 0.5, torch.arange(H)[:, None] + 0.5
    dot = torch.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 1.7**2))
    return Sample(query._replace(image=dot[:, None].repeat(1, 3, 1, 1)), pose)


MOVES: dict[str, dict[str, Any]] = {
    "tilt": {"rotation_deg": (5, 0, 0)},
    "pan": {"rotation_deg": (0, 5, 0)},
    "rotation": {"rotation_deg": (4, 4, 20)},
    "roll": {"roll_deg": 180},
    "zoom": {"zoom": (0.8, 1.4)},
    "zoomed in": {"zoom": (1.3, 1.3)},
    "center crop": {"crop_px": (50, 61)},
    "random crop": {"crop_px": (50, 61), "crop_at": "random"},
    "all": {
        "rotation_deg": (3, 3, 10),
        "roll_deg": 180,
        "zoom": (0.8, 1.4),
        "crop_px": (60, 70),
        "crop_at": "random",
    },
}


@pytest.mark.parametrize("padding_mode", ["border", "zeros"])
@pytest.mark.parametrize("move", MOVES)
def test_dot_lies_where_the_new_camera_sees_it(move: str, padding_mode: str) -> None:
    before = dots()
    after = Augment(**MOVES[move], padding_mode=padding_mode)(before, generator())
    h, w = MOVES[move].get("crop_px", (H, W))
    assert after.query.image.shape == (B, 3, h, w)
    expected = dot_by_pose(after)
    inside = ((expected > 8) & (expected < torch.tensor([w - 8, h - 8]))).all(-1)
    assert inside.float().mean() > 0.5
    assert (expected - dot_in_image(after.query.image))[inside].abs().max() < 0.1
    assert (expected - dot_by_pose(before)).norm(dim=-1).max() > 5  # a wrong move would show
    assert torch.equal(after.T_world_cam.t, before.T_world_cam.t)


@pytest.mark.parametrize("move", sorted(MOVES.keys() - {"zoomed in", "center crop"}))
def test_every_sample_is_moved_on_its_own(move: str) -> None:
    result = Augment(**MOVES[move])(dots(), generator())
    relative = quaternion_product(quaternion_inverse(dots().T_world_cam.q), result.T_world_cam.q)
    drawn = torch.cat([relative, result.query.K.flatten(1)], 1).round(decimals=5)
    assert len({tuple(row) for row in drawn.tolist()}) > 0.8 * B


def test_rotations_have_the_given_spread_and_unit_quaternions() -> None:
    moved = [Augment((0.0, 0.0, 10.0))(dots(), generator(seed)) for seed in range(50)]
    q = torch.cat([sample.T_world_cam.q for sample in moved])
    angle = rotation_angle(dots().T_world_cam.q.repeat(50, 1), q).rad2deg()
    assert angle.square().mean().sqrt() == pytest.approx(10.0, rel=0.05)
    torch.testing.assert_close(q.norm(dim=-1), torch.ones(50 * B))
    assert torch.equal(moved[0].query.K, dots().query.K)


def test_rolls_fill_the_range_about_the_optical_axis() -> None:
    before = dots()
    after = Augment(roll_deg=90)(before, generator())
    angle = rotation_angle(before.T_world_cam.q, after.T_world_cam.q).rad2deg()
    assert angle.max() < 90.01
    assert angle.mean() == pytest.approx(45, abs=12)
    axis = torch.tensor([0.0, 0.0, 1.0])
    torch.testing.assert_close(
        rotate(after.T_world_cam.q, axis), rotate(before.T_world_cam.q, axis), rtol=0, atol=1e-5
    )


def test_a_roll_comes_on_top_of_the_rotations() -> None:
    before = dots()
    after = Augment(rotation_deg=(5, 5, 0), roll_deg=90)(before, generator())
    angle = rotation_angle(before.T_world_cam.q, after.T_world_cam.q).rad2deg()
    assert angle.mean() == pytest.approx(45, abs=12)
    axis = torch.tensor([0.0, 0.0, 1.0])
    cosine = (rotate(after.T_world_cam.q, axis) * rotate(before.T_world_cam.q, axis)).sum(-1)
    assert cosine.acos().square().mean().sqrt().rad2deg() == pytest.approx(5 * 2**0.5, rel=0.3)


def test_zooms_double_as_often_as_they_halve() -> None:
    K = torch.cat([Augment(zoom=(0.5, 2.0))(dots(), generator(seed)).query.K for seed in range(25)])
    factor = K[:, :2, :2].diagonal(dim1=1, dim2=2) / torch.tensor([80.0, 66.0])
    torch.testing.assert_close(factor[:, 0], factor[:, 1])  # pixels keep their shape
    assert factor.min() >= 0.5
    assert factor.max() <= 2
    assert (factor[:, 0] > 1).float().mean() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(K[:, :, 2], dots().query.K[:, :, 2].repeat(25, 1))


def test_a_crop_alone_is_slicing_to_the_bit_and_reaches_every_corner() -> None:
    before = dots()
    seen = set()
    for seed in range(20):
        after = Augment(crop_px=(H - 1, W - 2), crop_at="random")(before, generator(seed))
        left, top = (before.query.K - after.query.K)[:, :2, 2].int().T.tolist()
        for image, old, x, y in zip(after.query.image, before.query.image, left, top, strict=True):
            assert torch.equal(image, old[:, y : y + H - 1, x : x + W - 2])
        seen |= set(zip(left, top, strict=True))
        assert torch.equal(after.T_world_cam.q, before.T_world_cam.q)
    assert seen == {(x, y) for x in range(3) for y in range(2)}


def test_a_crop_is_the_same_with_resampling() -> None:
    sliced = Augment(crop_px=(50, 61))(dots(), generator())
    resampled = Augment(crop_px=(50, 61), rotation_deg=(1e-5, 0, 0))(dots(), generator())
    torch.testing.assert_close(resampled.query.image, sliced.query.image, rtol=0, atol=1e-4)
    assert torch.equal(resampled.query.K, sliced.query.K)


def test_zero_rotation_is_the_identity() -> None:
    result = rotate_cameras(dots(), torch.zeros(B, 3))
    torch.testing.assert_close(result.query.image, dots().query.image, rtol=0, atol=1e-4)
    torch.testing.assert_close(result.T_world_cam, dots().T_world_cam)


@pytest.mark.parametrize("move", ["rotation", "roll", "all"])
def test_a_known_prior_turns_along_and_an_unknown_one_stays(move: str) -> None:
    known = Augment(**MOVES[move])(dots(sigma_r_rad=0.1), generator())
    assert rotation_angle(known.query.prior.pose.q, known.T_world_cam.q).max() < 1e-5
    assert torch.equal(known.query.prior.pose.t, dots().query.prior.pose.t)
    unknown = Augment(**MOVES[move])(dots(), generator())
    assert torch.equal(unknown.query.prior.pose.q, dots().query.prior.pose.q)


def test_the_vector_is_in_the_old_cameras_axes() -> None:
    vector = torch.tensor([[0.1, 0.2, -0.3]]).expand(B, 3)
    turned = rotate_cameras(dots(), vector).T_world_cam.q
    expected = quaternion_product(dots().T_world_cam.q, quaternion_exp(vector))
    torch.testing.assert_close(turned, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_images_of_half_precision_are_sampled_at_the_same_places(dtype: torch.dtype) -> None:
    sample = dots()
    half = sample._replace(query=sample.query._replace(image=sample.query.image.to(dtype)))
    vector = torch.tensor([[0.05, 0.1, -0.3]]).expand(B, 3)
    result = rotate_cameras(half, vector).query.image
    assert result.dtype == dtype
    expected = rotate_cameras(sample, vector).query.image
    torch.testing.assert_close(result.float(), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"zoom": (1.2, 0.8)}, r"augment\.zoom=\[1\.2, 0\.8\]: expected"),
        ({"zoom": (0.0, 1.0)}, r"augment\.zoom"),
        ({"crop_at": "left"}, r"augment\.crop_at=left: expected center or random"),
        ({"padding_mode": "wrap"}, r"augment\.padding_mode=wrap: expected"),
        ({"rotation_deg": (5, 5)}, r"augment\.rotation_deg=\[5, 5\]: expected \[x, y, z\]"),
        ({"crop_px": (50,)}, r"augment\.crop_px=\[50\]: expected \[height, width\]"),
        ({"brightness": 0.2}, r"augment\.brightness=0\.2: "),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Augment(**settings)


def test_a_crop_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="72 rows and 90 columns"):
        Augment(crop_px=(80, 80))(dots(), generator())
