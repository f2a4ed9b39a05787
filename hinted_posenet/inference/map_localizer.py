"""Localize images over a map: ``open_map`` photos and heights, give ``locate`` an image and a prior."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.formatting import length
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.exif_camera import exif_camera
from hinted_posenet.data.images import resized, undistorted
from hinted_posenet.data.load_image import AnyImage, Pixels, load_image
from hinted_posenet.data.posed_images import in_unit_range, resized_intrinsics
from hinted_posenet.data.query_camera import AnyK, QueryCamera, given_camera
from hinted_posenet.inference.belief import row_of
from hinted_posenet.inference.estimate import Estimate, Mode, Status
from hinted_posenet.inference.localizer import prepare_device
from hinted_posenet.inference.map_prior import Assumed, check_height, full_prior, looked_at
from hinted_posenet.inference.prepared import PreparedView
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistration,
    take_surroundings,
)
from hinted_posenet.models.registration.map_ground import FilesGround, Frame
from hinted_posenet.models.registration.map_registration import RELEASED, load_network
from hinted_posenet.models.registration.search import Views
from hinted_posenet.simulator.world.geotiff import Files
from hinted_posenet.simulator.world.map_files import MapFiles

WORKING_PX = 320  # longest side of an image that is registered
BEYOND_SIGMAS = 3.0  # of the prior, that what an image shows may be beyond the map
# of the prior's horizontal sigma: an answer that knows no better than this is uncertain
NARROWED = 0.5


def open_map(
    photos: Files | Mapping[str, Files],
    dem: Files | None = None,
    dem_above: str | None = None,
    ground_m: float = 0.0,
    weights: str | Path = RELEASED,
    device: str = "auto",
    threads: int = 0,
) -> "MapLocalizer":
    """Open a map of georeferenced photos, and heights if there are any, to localize images over it.

    ``photos`` may be a raster, a folder of rasters or of XYZ tiles, or a list, of one date or many, and
    ``dem_above`` is what heights are above, ellipsoid or geoid, where the files do not say it; see `MapFiles`.
    Without heights the ground is level at ``ground_m``. ``weights`` are released, or a file.

    Raises:
        InputError: A file cannot be used.
    """
    files = MapFiles(photos, dem, dem_above, ground_m)
    network = GroundRegistration()
    load_network(network, str(weights), "weights")
    return MapLocalizer(files, network.eval(), prepare_device(device, threads))


class MapLocalizer:
    """Localizes images over a map, without any training on the place; made by `open_map`.

    For images and ``K`` see `Localizer`; where no K is given, the focal length that an image file states in its
    EXIF is taken. A hint has to know the place and the height; what it does not know of the rotation is taken
    from ``assumed``: a camera that looks straight down, with any heading.
    """

    takes_hints = True
    combines_hints = True  # see `Localizer`
    searches = False  # from nothing
    name = "the map"

    def __init__(
        self,
        files: MapFiles,
        network: GroundRegistration,
        device: torch.device,
        assumed: Assumed | None = None,
    ) -> None:
        self.files, self.device = files, device
        self.assumed = assumed or Assumed()
        here = Frame(files.origin, torch.zeros(3, dtype=torch.float64))
        self._ground = FilesGround(files, here, altitude_m=0.0)
        self._network = network.to(device)

    @property
    def origin(self) -> Origin:
        """Where the world of all poses lies on Earth: the middle of the map."""
        return self.files.origin

    @property
    def extent(self) -> tuple[Tensor, float]:
        """Center (3,) and size in metres of the map."""
        bounds = self.files.bounds
        x, y = bounds.center_m
        center = torch.tensor([x, y, self.files.ground_m(x, y)], dtype=torch.float64)
        return center, max(bounds.width_m, bounds.height_m)

    def distance_to_scene_m(self, pose: Pose) -> float:
        """Return the height of a camera () above the ground."""
        x, y, z = pose.t.tolist()
        return float(z - self.files.ground_m(x, y))

    def locate(
        self, image: AnyImage, K: AnyK | QueryCamera | None = None, hint: Hint | None = None
    ) -> Estimate:
        """Localize one image with a hint () in the world of the map, see `origin`.

        Raises:
            InputError: The image, K or the hint is wrong; the message says what was expected.
        """
        prior = self.checked_prior(hint)
        return self._answer(self.prepare(image, K), prior)

    def prepare(self, image: AnyImage, K: AnyK | QueryCamera | None = None) -> PreparedView:
        """Return what is registered of an image, for `locate_prepared` with one hint after another.

        Raises:
            InputError: The image or K is wrong.
        """
        where = str(image) if isinstance(image, str | Path) else "image"
        if K is None and isinstance(image, str | Path):
            K = exif_camera(Path(image))
        if K is None and isinstance(image, bytes):
            K = exif_camera(Path(where), image)
        if K is None:
            raise InputError(
                f"{where}: its camera is not known, and its EXIF states no focal length; give K=[fx,fy,cx,cy], "
                "focal_px or camera_file"
            )
        camera = K if isinstance(K, QueryCamera) else given_camera(K)
        assert camera is not None
        return PreparedView(*working_image(load_image(image, where), camera, where))

    def locate_prepared(self, prepared: PreparedView, hint: Hint | None = None) -> Estimate:
        """Localize an image from `prepare` with a hint (), see `locate`.

        Raises:
            InputError: The hint is wrong.
        """
        return self._answer(prepared, self.checked_prior(hint))

    def checked_prior(self, hint: Hint | None) -> Hint:
        """Return a hint () that is known in all parts.

        Raises:
            InputError: It has no place or height, or lies outside the map or below its ground.
        """
        prior = full_prior(hint, self.files.ground_m, self.assumed).hint
        check_height(prior, self.files.ground_m)
        x, y = looked_at(prior, self.files.ground_m).tolist()
        bounds = self.files.bounds
        off_m = math.hypot(
            max(bounds.xmin - x, x - bounds.xmax, 0.0), max(bounds.ymin - y, y - bounds.ymax, 0.0)
        )
        if off_m > BEYOND_SIGMAS * float(prior.variance[:2].max().sqrt()):
            raise InputError(
                f"by its prior it shows ground {length(off_m)} outside the map; give a map of that place, or "
                "correct the prior"
            )
        return prior

    @torch.inference_mode()
    def _answer(self, prepared: PreparedView, prior: Hint) -> Estimate:
        """Register an image from a prior () that is known in all parts."""
        views = Views(in_unit_range([prepared.pixels]), prepared.K.float().unsqueeze(0))
        t, q, covariance = (part.unsqueeze(0) for part in (*prior.pose, prior.covariance))
        batch = Hint(Pose(t, q), covariance)
        around = take_surroundings(self._ground, views, batch)
        device = self.device
        found = self._network(
            Views(*(part.to(device) for part in views)),
            Hint(Pose(t.to(device), q.to(device)), covariance.to(device)),
            around._replace(patch=type(around.patch)(*(part.to(device) for part in around.patch))),
        )
        fits = bool(found.fits[0])
        answer = found.answer if fits else batch
        t, q, covariance = (part[0].cpu().double() for part in (*answer.pose, answer.covariance))
        if not torch.cat([t, q, covariance.flatten()]).isfinite().all():
            raise InputError("the registration has no finite answer; check prior, camera and map")
        pose, status = Pose(t, q), status_of(covariance, prior)
        modes, image = (Mode(1.0, pose, covariance),), row_of(found.belief, 0) if fits else None
        return Estimate(
            pose,
            covariance,
            status,
            "given",
            1,
            math.nan,
            modes,
            self.origin,
            fits_map=fits,
            image=image,
        )


def status_of(covariance: Tensor, prior: Hint) -> Status:
    """Return whether the image says much beside the prior (), by the covariance (6, 6) of the answer."""
    known = covariance.diagonal()[:2].max().sqrt()
    return "ok" if known < NARROWED * prior.variance[:2].max().sqrt() else "uncertain"


def working_image(pixels: Pixels, camera: QueryCamera, where: str) -> tuple[Pixels, Tensor]:
    """Return an image (H, W, 3) without distortion and at most `WORKING_PX` wide, (3, h, w), and its K (3, 3)."""
    height, width = pixels.shape[:2]
    lens = camera.of_image(height, width, where)
    if lens.distortion:
        pixels = np.asarray(undistorted(pixels, lens.K, lens.distortion), np.uint8)
    scale = min(1.0, WORKING_PX / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    K = resized_intrinsics(lens.K.double(), (height, width), size)
    return resized(pixels, *size), K
