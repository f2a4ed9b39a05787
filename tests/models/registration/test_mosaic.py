"""A mosaic of images whose poses are known is the ground that they show."""

import pytest
import torch
from ground import LEVEL_M, RESOLUTION_M, K, cameras, ground, rendered, texture
from poses import query

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.offset import NO_OFFSET
from hinted_posenet.core.types import Pose, Sample
from hinted_posenet.models.registration.map_ground import Frame, Surface
from hinted_posenet.models.registration.mosaic import Footage, Mosaic
from hinted_posenet.simulator.world.heights import LevelGround

LEVEL = Surface(LevelGround(LEVEL_M), Frame(None, NO_OFFSET), 0.0)


def footage(count: int = 12, oblique_deg: float = 0.0, focal: float = 1.0) -> Footage:
    """Images of two dates, of two cameras: every other one has other pixels."""
    over = ground(texture(2))
    pose = cameras(count, reach_m=40.0, oblique_deg=oblique_deg)
    photo = torch.arange(count) % 2
    camera = K.expand(count, 3, 3).clone()
    camera[2::3, :2, :2] *= 1.3 * focal
    views = [rendered(over, pose, camera, date).image for date in (0, 1)]
    image = torch.stack([views[int(photo[i])][i] for i in range(count)])

    def read(rows: list[int]) -> Sample:
        some = query(len(rows))._replace(image=image[rows], K=camera[rows])
        return Sample(some, Pose(pose.t[rows], pose.q[rows]))

    return Footage(read, pose, camera, (64, 64), photo, ["2018-06-01", "a, b"])


def made(of: Footage | None = None, cell_m: float | None = RESOLUTION_M) -> Mosaic:
    mosaic = Mosaic()
    mosaic.fit(of or footage(), LEVEL, cell_m)
    return mosaic


def test_a_mosaic_shows_each_date_as_its_images_do():
    over, mosaic = ground(texture(2)), made()
    patch = mosaic.ground.patch((0.0, 0.0), 60, RESOLUTION_M)
    true = over.patch((0.0, 0.0), 60, RESOLUTION_M)
    assert mosaic.ground.dates == ("2018-06-01", "a, b")
    assert patch.known.float().mean() > 0.9
    off = (patch.photo.float() - true.photo.float()).abs().mean(dim=2)
    other = (patch.photo.float() - true.photo.flip(1).float()).abs().mean(dim=2)
    assert off[patch.known].mean() < 6 < 25 < other[patch.known].mean()
    assert torch.allclose(patch.height_m, torch.tensor(LEVEL_M))


def test_cells_are_as_large_as_pixels_unless_they_are_given():
    assert made(cell_m=None).ground.resolution_m == pytest.approx(140 / 70, rel=0.1)
    assert made(cell_m=5.0).ground.resolution_m == pytest.approx(5.0)


def test_ground_that_no_image_shows_is_not_known():
    patch = made().ground.patch((180.0, 180.0), 8, RESOLUTION_M)
    assert not patch.known.any()


def test_images_that_look_ahead_make_no_map():
    with pytest.raises(InputError, match="looks down on the ground"):
        made(footage(4, oblique_deg=80.0))


def test_a_mosaic_that_is_too_large_names_the_key():
    with pytest.raises(InputError, match=r"refine\.cell_m: a mosaic of 2 photos .* larger cells"):
        made(cell_m=0.01)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("photo", lambda photo: photo[:, :, 1:]),
        ("photo", lambda photo: photo[:1]),
        ("known", lambda known: known[..., 1:]),
        ("height_m", lambda height_m: height_m[1:]),
        ("height_m", lambda height_m: height_m * torch.inf),
        ("bounds_m", lambda bounds_m: bounds_m[[2, 1, 0, 3]]),
        ("bounds_m", lambda bounds_m: bounds_m * torch.tensor([1, 1, 2, 1])),
        ("names", lambda names: names[:3]),
        ("names", lambda names: torch.full_like(names, 255)),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(part, change):
    mosaic = made()
    mosaic.check()
    setattr(mosaic, part, change(getattr(mosaic, part)))
    with pytest.raises(InputError, match="does not fit together"):
        mosaic.check()
