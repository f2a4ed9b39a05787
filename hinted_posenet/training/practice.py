"""Practice over generated worlds: images, cameras and maps of every scale and season, to train registration.

No real photo is in it. A view shows one date of a world, the map two others, each through a sensor of its own.
"""

import math
from collections.abc import Sequence

import torch
from kornia.filters import gaussian_blur2d
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate
from tqdm import tqdm

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.geometry import compose_rotvec, rotate
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.gaussian import log_uniform, perturb
from hinted_posenet.inference.joint_fit import excess_of, likeliest_weights
from hinted_posenet.models.registration.acceptance import fit_rule
from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.ground import GroundPatch, join_patches
from hinted_posenet.models.registration.ground_registration import (
    MARGIN,
    GroundRegistration,
    Surroundings,
)
from hinted_posenet.models.registration.projection import pixel_centers, sight
from hinted_posenet.models.registration.search import Views
from hinted_posenet.training.registration import Drawn

# worlds to train on, and to calibrate on: words of `hinted-posenet simulate`
_PRAIRIE = "climate=naip_dates world.resolution_m=2.5 world.node_m=5 world.size_m=4000"
WORLDS = (
    f"seed=1 {_PRAIRIE} world.latitude_deg=48",
    "seed=2 climate=four_seasons world.size_m=1600 world.latitude_deg=50",
    f"seed=3 {_PRAIRIE.replace('naip_dates', 'twelve_months')} world.latitude_deg=46",
    "seed=4 climate=naip_dates world.resolution_m=0.5 world.node_m=1 world.size_m=800 world.latitude_deg=44",
)
CHECKS = (
    f"seed=11 {_PRAIRIE} world.latitude_deg=47 world.district_m=1200 world.forest_share=0.06",
    "seed=12 climate=naip_dates world.resolution_m=1.5 world.node_m=3 world.size_m=2400 world.latitude_deg=45 "
    "world.district_m=800 world.forest_share=0.15",
)
MAP_DATES = 2  # photos that an image is held against
CANVAS = 96  # cells a side that are compared: a part of what the image shows, which trains as well in less time
IMAGE_PX = (128, 224)
ACROSS = (100.0, 190.0)  # cells that an image shows
FOV_DEG = (30.0, 90.0)
LEVEL_TILT_DEG, OBLIQUE_DEG = 6.0, 45.0  # usual tilt, and that of few images
OBLIQUE = 0.1  # share of images with it
SIGMA_CELLS, SIGMA_RAD = (0.6, 6.0), (0.005, 0.05)  # of the hints
# standard deviation of the shift between photos of two dates, as real orthophotos have
APART_CELLS = 0.15
# sigmas of sensors to calibrate with
GPS_CELLS, HEIGHT_SHARE, TILT_DEG, HEADING_DEG = 10.0, 0.08, 2.0, 12.0
CHECKED = 5  # images at a time
CHECKED_CANVAS, CHECKED_REACH = 160, 48  # cells that images show, and around them
# errors of right answers: cells, and share of the height above ground
RIGHT_CELLS, RIGHT_SHARE = 2.0, 0.02
# a camera that looks down, with north at the top of its image
DOWN = torch.tensor([0.0, -1.0, 0.0, 0.0])


def draw_exercise(
    grounds: Sequence[ArrayGround],
    batch: int,
    generator: Generator,
    canvas: int = CANVAS,
    reach: int = 3 * MARGIN,
) -> Drawn:
    """Draw images over some worlds, each against photos of other dates, with ``reach`` cells around a canvas."""
    rows = [_draw_one(grounds, canvas + 2 * reach, generator) for _ in range(batch)]
    images, Ks, t, q, patches = zip(*rows, strict=True)
    truth = Pose(torch.stack(t), torch.stack(q))
    patch = join_patches(list(patches))
    sigma_t_m = log_uniform(*SIGMA_CELLS, batch, generator) * patch.cell_m
    sigma_r_rad = log_uniform(*SIGMA_RAD, batch, generator)
    hint = Hint.isotropic(perturb(truth, sigma_t_m, sigma_r_rad, generator), sigma_t_m, sigma_r_rad)
    views = Views(torch.stack(images), torch.stack(Ks))
    allowed = torch.ones(batch, MAP_DATES, dtype=torch.bool)
    return Drawn(views, hint, truth, Surroundings(patch, canvas), allowed)


def _draw_one(
    grounds: Sequence[ArrayGround], cells: int, generator: Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor, GroundPatch]:
    """Return an image (3, S, S), its K (3, 3), pose (3,) and (4,), and the map (1,) around what it shows.

    All images of a batch have one size; those of fewer pixels are enlarged to it, as people enlarge them.
    """
    ground = grounds[_integer(len(grounds), generator)]
    cell_m = ground.resolution_m * (1 + _integer(3, generator))
    across_m = _uniform(*ACROSS, generator) * cell_m
    fov = math.radians(_uniform(*FOV_DEG, generator))
    oblique = _uniform(0, 1, generator) < OBLIQUE
    tilt = math.radians(_uniform(0, OBLIQUE_DEG if oblique else LEVEL_TILT_DEG, generator))
    distance_m = across_m / (2 * math.tan(fov / 2))
    heading, way = (_uniform(-math.pi, math.pi, generator) for _ in range(2))
    q = compose_rotvec(DOWN, torch.tensor([0.0, 0.0, heading]))
    q = compose_rotvec(q, tilt * torch.tensor([math.cos(way), math.sin(way), 0.0]))
    # what the middle of the image shows lies where the map reaches far enough around it
    box = ground.bounds
    room_m = min(0.5 * max(across_m, cells * cell_m), 0.45 * min(box.width_m, box.height_m))
    x = _uniform(box.xmin + room_m, box.xmax - room_m, generator)
    y = _uniform(box.ymin + room_m, box.ymax - room_m, generator)
    own, *others = torch.randperm(len(ground.dates), generator=generator)[: 1 + MAP_DATES].tolist()
    seen = 2 * math.ceil(across_m / ground.resolution_m * (1.0 if oblique else 0.65))
    scene = ground.patch((x, y), seen, ground.resolution_m, [own]).local()
    middle = torch.tensor([[0.0, 0.0]])
    z = float(scene.height_at(middle.unsqueeze(1)))
    axis = rotate(q, torch.tensor([0.0, 0.0, 1.0]))  # optical
    t = torch.tensor([0.0, 0.0, z]) - axis * distance_m / max(abs(float(axis[2])), 0.5)
    side = round(_uniform(*IMAGE_PX, generator))
    K = _camera(side, fov)
    image = rendered(scene, Pose(t.unsqueeze(0), q.unsqueeze(0)), K.unsqueeze(0), side)
    image = through_sensor(image, generator)[0]
    scale = IMAGE_PX[1] / side
    image = interpolate(image[None], (IMAGE_PX[1],) * 2, mode="bilinear", align_corners=False)[0]
    K = torch.diag(torch.tensor([scale, scale, 1.0])) @ K
    photos = []
    for date in others:
        off_m = torch.randn(2, generator=generator) * APART_CELLS / math.sqrt(2) * cell_m
        place = x + float(off_m[0]), y + float(off_m[1])
        photos.append(ground.patch(place, cells, cell_m, [date]))
    colours = torch.cat([photo.photo for photo in photos], dim=1)[0].float() / 255
    known = torch.cat([photo.known for photo in photos], dim=1)
    patch = ground.patch((x, y), cells, cell_m, [])._replace(known=known)
    colours = torch.stack(
        [through_sensor(photo[None], generator, map_photo=True)[0] for photo in colours]
    )
    patch = patch._replace(photo=(colours * 255).round().to(torch.uint8).unsqueeze(0))
    t = t + torch.tensor([x, y, 0.0])
    return image, K, t, q, patch


def sensor_prior(truth: Pose, cell_m: Tensor, level_m: Tensor, generator: Generator) -> Hint:
    """Draw priors (B,) as of a poor GPS, barometer, compass and gimbal, for cameras above ``level_m`` (B,)."""
    above_m = (truth.t[:, 2] - level_m).clamp_min(1.0)
    sigma = [GPS_CELLS * cell_m, GPS_CELLS * cell_m, HEIGHT_SHARE * above_m]
    sigma += [
        torch.full_like(cell_m, math.radians(deg)) for deg in (TILT_DEG, TILT_DEG, HEADING_DEG)
    ]
    sigmas = torch.stack(sigma, dim=1)
    drawn = moved(truth, sigmas * torch.randn(sigmas.shape, generator=generator))
    return Hint(drawn, sigmas.square().diag_embed())


@torch.inference_mode()
def calibrate_registration(
    model: GroundRegistration, grounds: Sequence[ArrayGround], images: int, generator: Generator
) -> None:
    """Measure errors of a trained registration, and which answers are wrong, on worlds that it was not trained on.

    Each image is registered where it is, and with its prior over another image's map, which it does not show.
    """
    errors, stated, scales, evidence, right = [], [], [], [], []
    for _ in tqdm(range(images // CHECKED), "calibrate", leave=False):
        views, _, truth, around, allowed = draw_exercise(
            grounds, CHECKED, generator, CHECKED_CANVAS, CHECKED_REACH
        )
        patch = around.patch
        level_m = patch.height_m.mean(dim=(1, 2))
        prior = sensor_prior(truth, patch.cell_m, level_m, generator)
        found = model(views, prior, around, allowed)
        error = offset(found.image.pose, truth)
        off_cells = offset(found.answer.pose, truth)[:, :2].norm(dim=1) / patch.cell_m
        errors.append(error.double())
        stated.append(found.image.covariance.double())
        metres = patch.cell_m.double().unsqueeze(1).expand(-1, 3)
        scales.append(torch.cat([metres, torch.ones_like(metres)], dim=1))
        evidence.append(found.evidence)
        right.append(
            off_cells < RIGHT_CELLS + RIGHT_SHARE * (truth.t[:, 2] - level_m) / patch.cell_m
        )
        foreign = model(views, prior, around._replace(patch=_elsewhere(patch, level_m)), allowed)
        evidence.append(foreign.evidence)
        right.append(torch.zeros(CHECKED, dtype=torch.bool))
    good = torch.cat(right[::2])
    units = torch.cat(scales)[good]
    error, covariance = torch.cat(errors)[good] / units, torch.cat(stated)[good]
    covariance = covariance / units.unsqueeze(1) / units.unsqueeze(2)
    weights = likeliest_weights(error, covariance, torch.ones_like(error))
    model.excess.fill_(excess_of(error, covariance, weights))
    model.stretch.copy_(weights[0, 0])
    model.shared.copy_(weights[:, 1])
    model.rule.copy_(fit_rule(torch.cat(evidence), torch.cat(right)))


def _elsewhere(patch: GroundPatch, level_m: Tensor) -> GroundPatch:
    """Return the ground (B,) of other rows of a batch in place of their own, at the same height and scale."""
    photo, known, height_m = (part.roll(1, 0) for part in patch[:3])
    up_m = level_m - height_m.mean(dim=(1, 2))
    return GroundPatch(photo, known, height_m + up_m.view(-1, 1, 1), patch.center_m, patch.cell_m)


def rendered(patch: GroundPatch, pose: Pose, K: Tensor, side: int) -> Tensor:
    """Render the first photo of a patch (1,) for cameras (1,) of ``side`` pixels: (1, 3, side, side).

    Each pixel is the mean of four rays. Relief is met from above (`GroundPatch.meet`), without walls.
    """
    pixels = pixel_centers(2 * side, 2 * side, 0.5).view(1, -1, 2)
    ground_m = patch.meet(pose.t, sight(pose, K, pixels))[..., :2]
    half_m = patch.cells * patch.cell_m / 2
    grid = ground_m / half_m.view(-1, 1, 1) * ground_m.new_tensor([1.0, -1.0])
    grid = grid.view(1, 2 * side, 2 * side, 2)
    fine = grid_sample(
        patch.photo[:, 0].float() / 255, grid, padding_mode="border", align_corners=False
    )
    return avg_pool2d(fine, 2)


def through_sensor(image: Tensor, generator: Generator, map_photo: bool = False) -> Tensor:
    """Return photos (B, 3, h, w) as another camera takes them: colours, gamma, haze, blur, noise, clouds."""
    count = len(image)
    gain = torch.exp(0.15 * torch.randn(count, 1, 1, 1, generator=generator))
    colour = torch.exp(0.08 * torch.randn(count, 3, 1, 1, generator=generator))
    mix = torch.eye(3) + 0.06 * torch.randn(count, 3, 3, generator=generator)
    gamma = torch.exp(0.25 * torch.randn(count, 1, 1, 1, generator=generator))
    haze = 0.25 * torch.rand(count, 1, 1, 1, generator=generator) ** 2
    image = torch.einsum("bij,bjhw->bihw", mix, image).clamp(1e-4, 1) ** gamma
    image = image * gain * colour * (1 - haze) + haze * 0.7
    if _uniform(0, 1, generator) < 0.4:
        image = _blurred(image, _uniform(0.4, 1.2, generator))
    if not map_photo and _uniform(0, 1, generator) < 0.25:
        image = _under_clouds(image, generator)
    noise = 0.02 * torch.rand((), generator=generator)
    return (image + noise * torch.randn(image.shape, generator=generator)).clamp(0, 1)


def _under_clouds(image: Tensor, generator: Generator) -> Tensor:
    """Cover up to half of images (B, 3, h, w) by a bright smooth pattern, as clouds, snow or flare do."""
    coarse = torch.rand(len(image), 1, 6, 6, generator=generator)
    cover = interpolate(coarse, image.shape[-2:], mode="bicubic", align_corners=False)
    edge = _uniform(0.5, 0.9, generator)
    opacity = ((cover - edge) / 0.15).clamp(0, 1)
    return image * (1 - opacity) + opacity * (0.5 + 0.5 * torch.rand((), generator=generator))


def _blurred(image: Tensor, sigma_px: float) -> Tensor:
    """Blur photos (B, 3, h, w)."""
    blurred: Tensor = gaussian_blur2d(image, (7, 7), (sigma_px, sigma_px))
    return blurred


def _camera(side: int, fov_rad: float) -> Tensor:
    focal_px = side / (2 * math.tan(fov_rad / 2))
    return torch.tensor([[focal_px, 0.0, side / 2], [0.0, focal_px, side / 2], [0.0, 0.0, 1.0]])


def _uniform(low: float, high: float, generator: Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _integer(count: int, generator: Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
