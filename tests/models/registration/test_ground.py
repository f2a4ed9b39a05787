"""Patches of ground: where their cells lie, how they are cut and halved, and where rays meet them."""

import numpy as np
import pytest
import torch
from ground import RESOLUTION_M, SIZE, K, cameras, ground, hills, texture, whole
from torch import Tensor

from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.ground import GroundPatch, join_patches
from hinted_posenet.models.registration.projection import pixel_centers, project, sight
from hinted_posenet.simulator.world import ArrayWorld, Capture, PixelGrid

EAST, NORTH = 0.3, -0.2  # of a plane, metres up a metre


def plane(patch: GroundPatch) -> Tensor:
    """Heights of a plane through the world's origin, at the cells of patches."""
    x, y = patch.points_m()[..., :2].unbind(dim=-1)
    return EAST * x + NORTH * y


def sloped() -> ArrayGround:
    """Ground on the plane, whose red and green grow by 1 for each cell east and south."""
    step = torch.arange(SIZE).float()
    red, green = (part / 255 for part in torch.meshgrid(step, step, indexing="xy"))
    colours = torch.stack([red, green, torch.zeros_like(red)]).unsqueeze(0)
    return ground(colours, plane(whole(ground()))[0])


def test_the_first_cell_is_the_north_western_one():
    points = whole(ground()).points_m()[0]
    edge_m = (SIZE - 1) / 2 * RESOLUTION_M
    assert points[0, 0, :2].tolist() == [-edge_m, edge_m]
    assert points[0, -1, :2].tolist() == [edge_m, edge_m]
    assert points[-1, 0, :2].tolist() == [-edge_m, -edge_m]


@pytest.mark.parametrize("cell_m", [1.3, 2.0, 3.0, 7.7])
@pytest.mark.parametrize("center_m", [(0.0, 0.0), (11.3, -24.7)])
def test_a_patch_shows_what_lies_at_its_cells(center_m, cell_m):
    patch = sloped().patch(center_m, 24, cell_m)
    assert patch.known.all()
    assert patch.cell_m.item() == pytest.approx(cell_m)
    assert (patch.height_m - plane(patch)).abs().max() < 0.1 * RESOLUTION_M * EAST
    x, y = patch.points_m()[0, ..., :2].unbind(dim=-1)
    red = x / RESOLUTION_M + SIZE / 2 - 0.5
    green = SIZE / 2 - 0.5 - y / RESOLUTION_M
    for colour, expected in zip(patch.photo[0, 0], (red, green), strict=False):
        assert (colour - expected).abs().max() < 0.51  # colours are whole numbers


def test_a_patch_beyond_the_photos_is_not_known_there():
    half_m = SIZE * RESOLUTION_M / 2
    patch = ground().patch((half_m, 0.0), 20, RESOLUTION_M)
    assert patch.known[0, 0, :, :9].all()
    assert not patch.known[0, 0, :, 11:].any()
    outside = ground().patch((10 * half_m, 0.0), 20, RESOLUTION_M)
    assert not outside.known.any()
    assert outside.height_m.isfinite().all()


def test_a_window_lies_where_it_says():
    patch = whole(sloped(), 2)
    asked = torch.tensor([[11.0, -24.0], [-3.0, 60.0]])
    window = patch.window(asked, 30)
    assert (window.center_m - asked).abs().max() <= RESOLUTION_M / 2
    torch.testing.assert_close(window.height_m, plane(window), atol=1e-3, rtol=0)
    assert window.known.all()


def test_a_window_beyond_its_patch_is_not_known():
    patch = whole(ground())
    window = patch.window(torch.tensor([[SIZE * RESOLUTION_M / 2, 0.0]]), 20)
    assert window.known[0, 0, :, :10].all()
    assert not window.known[0, 0, :, 10:].any()
    far = patch.window(torch.tensor([[1e9, torch.nan]]), 20)
    assert not far.known.any()


def test_halved_patches_show_the_same_ground():
    patch = whole(sloped()).halved()
    assert (patch.cells, patch.cell_m.item()) == (SIZE // 2, 2 * RESOLUTION_M)
    torch.testing.assert_close(patch.height_m.double(), plane(patch).double(), atol=1e-3, rtol=0)
    whole_numbers = patch.photo[0, 0, 0, 0, :3].tolist()
    assert whole_numbers == pytest.approx([0.5, 2.5, 4.5], abs=0.5)


def test_a_cell_is_known_where_all_that_it_covers_is():
    patch = whole(ground())
    known = torch.ones_like(patch.known)
    known[..., 5] = False
    photo = patch.photo.clone()
    photo[..., 5] = 255
    half = patch._replace(photo=photo, known=known).halved()
    assert half.known[0, 0, 0, :4].tolist() == [True, True, False, True]
    spoiled = half.photo[0, 0, 0, :, 2].float() - photo[0, 0, 0, ::2, 4].float()
    assert spoiled.abs().max() < 60  # what is not known is not averaged


def test_photos_are_chosen_for_each_patch():
    over = ground(texture(3))
    patch = join_patches([over.patch((0.0, 0.0), 8, 2.0), over.patch((9.0, 9.0), 8, 2.0)])
    chosen = patch.of(torch.tensor([[2, 0], [1, 1]]))
    torch.testing.assert_close(chosen.photo[0], patch.photo[0, [2, 0]])
    torch.testing.assert_close(chosen.photo[1], patch.photo[1, [1, 1]])
    torch.testing.assert_close(patch.of(torch.tensor([1])).photo, patch.photo[:, 1:2])


def test_heights_and_slopes_of_a_plane():
    patch = whole(sloped())
    place = torch.tensor([[[0.7, 3.1], [-50.0, 20.5]]])
    expected = place @ torch.tensor([EAST, NORTH])
    torch.testing.assert_close(patch.height_at(place), expected, atol=1e-3, rtol=0)
    inner = patch.slope()[0, 3:-3, 3:-3]
    expected = torch.tensor([EAST, NORTH]).expand_as(inner)
    torch.testing.assert_close(inner, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("oblique_deg", [0.0, 30.0])
def test_rays_meet_the_surface_that_projects_to_their_pixels(oblique_deg):
    patch, pose = whole(ground(height_m=hills()), 3), cameras(3, oblique_deg=oblique_deg)
    pixels = (8 * pixel_centers(8, 8)).flatten(0, 1).expand(3, -1, -1)
    camera = K.expand(3, 3, 3)
    points = patch.meet(pose.t, sight(pose, camera, pixels))
    back, depth_m = project(pose, camera, points)
    torch.testing.assert_close(back, pixels, atol=1e-2, rtol=0)
    assert (depth_m > 50).all()
    off_m = (patch.height_at(points[..., :2]) - points[..., 2]).abs()
    assert off_m.max() < 0.1 * RESOLUTION_M


def test_a_ray_into_the_sky_is_far_away():
    found = whole(ground()).meet(
        torch.tensor([[0.0, 0.0, 100.0]]), torch.tensor([[[0.0, 1.0, 0.5]]])
    )
    assert found.isfinite().all()
    assert found.norm() > 1e4


def test_a_world_is_read_with_its_heights():
    # heights are at the corners of every fourth pixel
    grid = PixelGrid(-16.0, 24.0, 2.0, 24, 16)
    x, y = np.meshgrid(np.linspace(-16, 16, 5), np.linspace(24, -24, 7))
    surface_m = (EAST * x + NORTH * y).astype(np.float32)
    captures = [Capture(name, "summer", f"2020-0{i}-01") for i, name in enumerate("ab", start=6)]
    photos = {name: np.full((24, 16, 3), i, np.uint8) for i, name in enumerate(captures)}
    for photo in photos.values():
        photo[0, 0] = 200
    over = ArrayGround.of_world(ArrayWorld(grid, photos, surface_m, node_px=4), ["b", "a"])
    assert over.dates == ("b", "a")
    assert over.photo[:, :, 1, 1].tolist() == [[1] * 3, [0] * 3]
    assert (over.photo[..., 0, 0] == 200).all()
    patch = over.patch((1.0, 2.0), 10, RESOLUTION_M)
    torch.testing.assert_close(patch.height_m.double(), plane(patch).double(), atol=1e-3, rtol=0)
