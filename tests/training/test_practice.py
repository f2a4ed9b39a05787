"""Practice over worlds: what is drawn agrees with the geometry that it trains, and the script makes weights."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from ground import K, cameras, ground, hills, prior, texture
from ground import rendered as views_of

from hinted_posenet.core.tensor_files import read_tensors
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistration,
    take_surroundings,
)
from hinted_posenet.models.registration.map_registration import load_network
from hinted_posenet.models.registration.projection import laid_out, project
from hinted_posenet.training import practice
from hinted_posenet.training.practice import calibrate_registration, draw_exercise, rendered

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_any_place.py"


@pytest.fixture
def small(monkeypatch):
    """Images and canvases that fit onto a small ground."""
    for name, value in {"ACROSS": (50.0, 70.0), "CHECKED_CANVAS": 64, "CHECKED_REACH": 16}.items():
        monkeypatch.setattr(practice, name, value)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("relief", [False, True])
def test_a_rendered_image_is_the_ground_that_its_camera_shows(relief):
    over = ground(height_m=hills() if relief else None)
    pose = cameras(1, seed=3, reach_m=10.0)
    patch = over.patch((0.0, 0.0), 160, 2.0).local()
    image = rendered(patch, pose, K.unsqueeze(0), 64)
    back, seen = laid_out(image, pose, K.unsqueeze(0), patch)
    off = (back - patch.photo[:, 0].float() / 255).abs().mean(dim=1)[seen]
    assert seen.float().mean() > 0.05
    assert off.mean() < 0.03  # of colours whose standard deviation is 0.2


def test_an_exercise_is_on_the_map_that_comes_with_it(small):
    over = ground(texture(dates=3))
    drawn = draw_exercise([over], 6, seeded(), canvas=32, reach=16)
    patch = drawn.around.patch
    assert patch.photo.shape == (6, 2, 3, 64, 64) and drawn.views.image.shape == (6, 3, 224, 224)
    center_m = torch.cat([patch.center_m.float(), torch.full((6, 1), 3.0)], dim=1)
    pixel, depth_m = project(drawn.truth, drawn.views.K, center_m.unsqueeze(1))
    assert (depth_m > 0).all()
    assert (pixel - 112).abs().max() < 1.0  # its middle shows the middle of the map
    off = (drawn.hint.pose.t - drawn.truth.t).norm(dim=1)
    assert (off < 5 * drawn.hint.sigma_t_m).all() and (off > 0).all()


def test_the_photo_of_an_image_is_never_on_its_map(small, monkeypatch):
    colours = torch.stack([torch.full((3, 200, 200), value) for value in (0.1, 0.5, 0.9)])
    monkeypatch.setattr(practice, "through_sensor", lambda image, *args, **more: image)
    drawn = draw_exercise([ground(colours)], 12, seeded(), canvas=32, reach=16)
    own = drawn.views.image.mean(dim=(1, 2, 3))
    others = drawn.around.patch.photo.float().mean(dim=(2, 3, 4)) / 255
    assert ((others - own.unsqueeze(1)).abs() > 0.3).all()
    assert ((others[:, 0] - others[:, 1]).abs() > 0.3).all()


def test_the_same_seed_draws_the_same(small):
    over = [ground(texture(dates=3))]
    one, other = (draw_exercise(over, 3, seeded(5), canvas=32, reach=16) for _ in range(2))
    assert torch.equal(one.views.image, other.views.image)
    assert torch.equal(one.around.patch.photo, other.around.patch.photo)
    assert torch.equal(one.hint.pose.t, other.hint.pose.t)
    assert not torch.equal(one.truth.t, draw_exercise(over, 3, seeded(6), 32, 16).truth.t)


def test_calibration_states_errors_and_refuses_other_places(small):
    model = GroundRegistration().eval()
    load_network(model, "released")
    over, elsewhere = (ground(texture(seed=seed).expand(3, -1, -1, -1)) for seed in (0, 9))
    model.rule.fill_(torch.nan)
    calibrate_registration(model, [over], 40, seeded())
    assert 0 < float(model.stretch) < 100 and (model.shared >= 0).all()
    assert 0 < float(model.excess) < 100
    pose = cameras(6, seed=4)
    views, hint = views_of(over, pose), prior(pose, 10.0, 2.0)
    with torch.inference_mode():
        own, foreign = (
            model(views, hint, take_surroundings(where, views, hint)) for where in (over, elsewhere)
        )
    assert own.fits.sum() >= 4 and not foreign.fits.any()


@pytest.mark.slow
def test_the_script_makes_weights_that_load(tmp_path, monkeypatch):
    tiny = "seed={} climate=four_seasons world.size_m=240 world.settlement_spacing_m=300"
    monkeypatch.setattr(practice, "WORLDS", (tiny.format(1),))
    monkeypatch.setattr(practice, "CHECKS", (tiny.format(2),))
    file = tmp_path / "place.pt"
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(file), "--steps", "1", "--images", "5"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    load_network(GroundRegistration(), str(file))
    assert float(read_tensors(file, "")["stretch"]) > 0
    assert not list(tmp_path.glob("*.part"))
