"""Training a registration: what is drawn, and that a killed training goes on to the bit."""

import pytest
import torch
from flown_ground import DATES, write_flights
from ground import cameras, ground, prior, rendered, texture

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.formats.aerial import read_views
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistration,
    Surroundings,
    take_surroundings,
)
from hinted_posenet.models.registration.map_registration import MapRegistration
from hinted_posenet.training.registration import Drawn, PlaceDraws, fit_registration, write_losses

OVER = ground(texture(2))


def draw(step: int) -> Drawn:
    """One image; torch's own generator draws it."""
    pose = cameras(1, seed=int(torch.randint(1000, ())), reach_m=30.0)
    views, hint = rendered(OVER, pose), prior(pose, 3.0, 1.0)
    around = take_surroundings(OVER, views, hint)
    return Drawn(views, hint, pose, around, torch.ones(1, 2, dtype=torch.bool))


def network() -> GroundRegistration:
    torch.manual_seed(3)
    return GroundRegistration()


def test_a_killed_training_goes_on_to_the_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("hinted_posenet.training.registration.SAVE_EVERY", 2)
    file, whole, killed = tmp_path / "training.pt", network(), network()
    losses = fit_registration(whole, draw, 4, seed=7)

    def stopped(step: int) -> Drawn:
        if step == 3:
            raise KeyboardInterrupt
        return draw(step)

    with pytest.raises(KeyboardInterrupt):
        fit_registration(killed, stopped, 4, 7, file)
    resumed = network()
    assert fit_registration(resumed, draw, 4, 7, file) == losses
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    before = network().state_dict()
    assert any(not torch.equal(value, before[name]) for name, value in whole.state_dict().items())
    assert not any(parameter.requires_grad for parameter in resumed.parameters())
    with pytest.raises(
        InputError, match=r"training\.pt: of a training of 4 steps, not 5; delete it"
    ):
        fit_registration(network(), draw, 5, 7, file)
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="delete it to start again"):
        fit_registration(network(), draw, 4, 7, file)


def test_a_file_of_losses_has_a_line_a_step(tmp_path):
    write_losses(tmp_path / "registration.csv", [2.0, 1.25])
    assert (tmp_path / "registration.csv").read_text() == "step,loss\n1,2\n2,1.25\n"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> PosedImages:
    root = tmp_path_factory.mktemp("aerial")
    write_flights(root)
    return PosedImages(read_views(root, "meadow", "train"), 64, 64)


def draws(images: PosedImages, over=OVER, seed: int = 0, own: int | None = None) -> PlaceDraws:
    registration = MapRegistration()
    registration._opened = (over,)
    registration.cameras.above_m.fill_(140.0)
    photo = torch.tensor([DATES.index(view.tags["date"]) for view in images.views])
    return PlaceDraws(registration, images, photo if own is None else photo * 0 + own, 70.0, seed)


def test_what_is_drawn_depends_on_the_step_and_the_seed_alone(images):
    first, again, other = draws(images)(4), draws(images)(4), draws(images, seed=1)(4)
    assert torch.equal(first.views.image, again.views.image)
    assert torch.equal(first.hint.pose.t, again.hint.pose.t)
    assert torch.equal(first.around.patch.photo, again.around.patch.photo)
    assert not torch.equal(first.hint.pose.t, other.hint.pose.t)


def test_no_image_is_held_against_the_photo_of_its_own_date(images):
    over = ground(texture(2))
    over.photo[0], over.photo[1] = 10, 200  # tells which photo a patch is of
    drawn = draws(images, over)(0)
    assert drawn.allowed.sum(dim=1).tolist() == [1] * len(drawn.allowed)
    photo = drawn.around.patch.photo[:, :, 0, 100, 100]
    shown = photo[drawn.allowed]
    own = torch.tensor(
        [
            DATES.index(next(v for v in images.views if _same(v, drawn, i)).tags["date"])
            for i in range(len(shown))
        ]
    )
    assert torch.equal(shown, torch.tensor([200, 10], dtype=torch.uint8)[own])


def _same(view, drawn: Drawn, row: int) -> bool:
    return bool((view.T_world_cam.t.float() - drawn.truth.t[row]).norm() < 1e-3)


def test_hints_are_off_by_a_few_cells(images):
    drawn = [draws(images)(step) for step in range(3)]
    off_m = torch.cat([(one.hint.pose.t - one.truth.t).norm(dim=1) for one in drawn])
    sigma_m = torch.cat([one.hint.sigma_t_m for one in drawn])
    assert (sigma_m > 0.6 * 2.0 - 1e-3).all() and (sigma_m < 6 * 2.0 + 1e-3).all()
    assert 0.5 < float((off_m / sigma_m).square().mean() / 3) < 2


def test_images_that_no_other_photo_shows_are_not_drawn(images):
    alone = ground(texture(1))
    with pytest.raises(InputError, match=r"cannot be trained .*refine\.steps=0"):
        draws(images, alone, own=0)(0)
    assert isinstance(draws(images, alone, own=-1)(0).around, Surroundings)
