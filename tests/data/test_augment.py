import pytest
import torch

from hinted_posenet.data.augment import Augment, rotate_cameras
from hinted_posenet.geometry import quaternion_exp, rotation_angle
from hinted_posenet.types import Hint, Pose, Query, Sample

FULL = Augment((5.0, 5.0, 10.0), 0.3, 0.3, 0.3, 0.05, 0.5)


def batch(B: int = 6, H: int = 24, W: int = 32, sigma_r: float = float("inf")) -> Sample:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(B, 3, H, W, generator=generator)
    K = torch.tensor([[30.0, 0, W / 2], [0, 28.0, H / 2], [0, 0, 1]]).expand(B, 3, 3)
    pose = Pose(
        torch.randn(B, 3, generator=generator),
        quaternion_exp(torch.randn(B, 3, generator=generator)),
    )
    prior = Hint(Pose(pose.t + 1, pose.q), torch.ones(B), torch.full((B,), sigma_r))
    return Sample(Query(image, torch.empty(B, 0), K, prior, ["x"] * B, torch.zeros(B)), pose)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_same_generator_same_bytes() -> None:
    first, second, other = (FULL(batch(), generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.query.image, second.query.image)
    assert torch.equal(first.T_world_cam.q, second.T_world_cam.q)
    assert not torch.equal(first.query.image, other.query.image)


def test_each_sample_is_changed_on_its_own_and_stays_in_range() -> None:
    same = batch(1)
    sample = Sample(
        same.query._replace(image=same.query.image.expand(6, -1, -1, -1), K=batch().query.K),
        batch().T_world_cam,
    )
    sample = sample._replace(query=sample.query._replace(prior=batch().query.prior))
    image = FULL(sample, generator()).query.image
    assert image.min() >= 0 and image.max() <= 1
    assert len({tuple(row.flatten().tolist()) for row in image}) == 6


def test_nothing_asked_nothing_changed() -> None:
    sample = batch()
    result = Augment()(sample, generator())
    assert torch.equal(result.query.image, sample.query.image)
    assert torch.equal(result.T_world_cam.q, sample.T_world_cam.q)


def test_zero_rotation_is_the_identity() -> None:
    sample = batch()
    result = rotate_cameras(sample, torch.zeros(6, 3))
    torch.testing.assert_close(result.query.image, sample.query.image, rtol=0, atol=1e-4)
    torch.testing.assert_close(result.T_world_cam, sample.T_world_cam)


def test_rotations_have_the_given_spread_and_unit_quaternions() -> None:
    sample = batch(2000, 2, 2)
    result = Augment((0.0, 0.0, 10.0))(sample, generator())
    angle = rotation_angle(sample.T_world_cam.q, result.T_world_cam.q).rad2deg()
    assert angle.square().mean().sqrt() == pytest.approx(10.0, rel=0.05)
    torch.testing.assert_close(result.T_world_cam.q.norm(dim=-1), torch.ones(2000))
    assert torch.equal(result.query.K, sample.query.K)


def test_a_known_prior_turns_along_and_an_unknown_one_stays() -> None:
    vector = torch.tensor([[0.1, 0.2, -0.3]]).expand(6, 3)
    known = rotate_cameras(batch(sigma_r=0.1), vector)
    assert rotation_angle(known.query.prior.pose.q, known.T_world_cam.q).max() < 1e-5
    unknown = rotate_cameras(batch(), vector)
    assert torch.equal(unknown.query.prior.pose.q, batch().query.prior.pose.q)


def test_autocast_does_not_move_pixels() -> None:
    vector = torch.tensor([[0.05, 0.1, -0.3]]).expand(6, 3)
    plain = rotate_cameras(batch(), vector).query.image
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(rotate_cameras(batch(), vector).query.image, plain)


def test_features_computed_beforehand_are_refused() -> None:
    sample = batch()
    sample = sample._replace(query=sample.query._replace(feature=torch.ones(6, 4, 1, 1)))
    with pytest.raises(ValueError, match="features"):
        FULL(sample, generator())


@pytest.mark.gpu
def test_same_on_the_gpu() -> None:
    from torch.utils._pytree import tree_map_only

    on_gpu = tree_map_only(torch.Tensor, lambda x: x.cuda(), batch())
    expected, result = FULL(batch(), generator()), FULL(on_gpu, generator())
    torch.testing.assert_close(result.query.image.cpu(), expected.query.image, rtol=0, atol=1e-3)
