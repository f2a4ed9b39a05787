import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.geometry import quaternion_exp
from hinted_posenet.core.types import Hint, Pose, Query, Sample
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.augment.effects import Blur, Colours, Fog, Noise, Precipitation, Shadow
from hinted_posenet.inference.build import build

FULL = Augment(
    rotation_deg=(5.0, 5.0, 10.0),
    roll_deg=30.0,
    zoom=(0.8, 1.2),
    crop_px=(20, 28),
    crop_at="random",
    colours=Colours(0.3, 0.3, 0.3, 0.3, 0.3, 0.05),
    shadow=Shadow(),
    fog=Fog(),
    rain=Precipitation(),
    blur=Blur(),
    noise=Noise(),
)


def batch(B: int = 6, H: int = 24, W: int = 32) -> Sample:
    draw = generator()
    image = torch.rand(B, 3, H, W, generator=draw)
    K = torch.tensor([[30.0, 0, W / 2], [0, 28.0, H / 2], [0, 0, 1]]).expand(B, 3, 3)
    pose = Pose(
        torch.randn(B, 3, generator=draw), quaternion_exp(torch.randn(B, 3, generator=draw))
    )
    prior = Hint.isotropic(Pose(pose.t + 1, pose.q), torch.ones(B), torch.full((B,), torch.inf))
    return Sample(Query(image, torch.empty(B, 0), K, prior, ["x"] * B, torch.zeros(B)), pose)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_same_generator_same_bytes() -> None:
    first, second, other = (FULL(batch(), generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.query.image, second.query.image)
    assert torch.equal(first.query.K, second.query.K)
    assert torch.equal(first.T_world_cam.q, second.T_world_cam.q)
    assert not torch.equal(first.query.image, other.query.image)


def test_torchs_own_random_numbers_are_neither_used_nor_moved() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = FULL(batch(), generator()).query.image
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(FULL(batch(), generator()).query.image, first)


def test_each_sample_is_changed_on_its_own_and_stays_in_range() -> None:
    sample = batch()
    same = sample.query.image[:1].expand(6, -1, -1, -1)
    image = FULL(sample._replace(query=sample.query._replace(image=same)), generator()).query.image
    assert image.shape == (6, 3, 20, 28)
    assert image.min() >= 0
    assert image.max() <= 1
    assert len({tuple(row.flatten().tolist()) for row in image}) == 6


def test_nothing_asked_nothing_changed() -> None:
    sample = batch()
    result = Augment(colours=None)(sample, generator())
    assert torch.equal(result.query.image, sample.query.image)
    assert torch.equal(result.query.K, sample.query.K)
    assert torch.equal(result.T_world_cam.q, sample.T_world_cam.q)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_an_effect_meets_its_share_of_the_images_and_leaves_the_others_alone(p: float) -> None:
    sample = batch(400, 3, 4)
    result = Augment(noise=Noise((0.05, 0.05), p=p))(sample, generator()).query.image
    changed = (result != sample.query.image).flatten(1).any(1).float().mean()
    assert changed == pytest.approx(p, abs=0.07)


def test_effects_are_applied_in_the_order_given() -> None:
    fog, noise = Fog(density=(1.0, 1.0), unevenness=0.0, p=1), Noise((0.1, 0.1), p=1)
    covered = Augment(noise=noise, fog=fog)(batch(), generator()).query.image
    assert covered.std((1, 2, 3)).max() < 1e-6
    noisy = Augment(fog=fog, noise=noise)(batch(), generator()).query.image
    assert noisy.std((1, 2, 3)).min() > 0.05


def test_no_gradient_is_kept() -> None:
    sample = batch()
    image = sample.query.image.requires_grad_()
    result = FULL(sample._replace(query=sample.query._replace(image=image)), generator())
    assert not result.query.image.requires_grad


def test_autocast_changes_nothing() -> None:
    plain = FULL(batch(), generator()).query
    with torch.autocast("cpu", torch.bfloat16):
        result = FULL(batch(), generator()).query
    assert torch.equal(result.image, plain.image)
    assert torch.equal(result.K, plain.K)


def test_features_computed_beforehand_are_refused() -> None:
    sample = batch()
    sample = sample._replace(query=sample.query._replace(feature=torch.ones(6, 4, 1, 1)))
    with pytest.raises(ValueError, match="features"):
        FULL(sample, generator())


def test_its_description_tells_every_setting_apart() -> None:
    """Features computed beforehand are kept under it."""

    def description(**settings: object) -> str:
        return str(vars(Augment(**settings)))

    assert description(noise=Noise((0.0, 0.1))) == description(noise=Noise((0.0, 0.1)))
    assert description(noise=Noise((0.0, 0.1))) != description(noise=Noise((0.0, 0.2)))
    assert description(roll_deg=1.0) != description()


@pytest.mark.parametrize(
    "file", sorted((config_folder() / "augment").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_config_says_what_it_is_for_and_works(file) -> None:
    assert file.read_text().startswith("# ")
    sample = batch()
    result = build(OmegaConf.load(file), "augment")(sample, generator())
    changed = not torch.equal(result.query.image, sample.query.image)
    assert changed == (file.stem != "none")


def test_settings_of_the_command_line_reach_the_effects() -> None:
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        overrides = ["data=seven_scenes", "augment=outdoor", "augment.fog=null"]
        config = compose("train", [*overrides, "augment.shadow.p=1", "+augment.zoom=[1,2]"])
    augment = build(config["augment"], "augment")
    assert "fog" not in augment.effects
    assert augment.effects["shadow"].p == 1
    assert augment.zoom == (1, 2)


@pytest.mark.gpu
def test_same_on_the_gpu() -> None:
    from torch.utils._pytree import tree_map_only

    on_gpu = tree_map_only(torch.Tensor, lambda x: x.cuda(), batch())
    expected, result = FULL(batch(), generator()), FULL(on_gpu, generator())
    torch.testing.assert_close(result.query.image.cpu(), expected.query.image, rtol=0, atol=1e-3)
    torch.testing.assert_close(result.query.K.cpu(), expected.query.K)
