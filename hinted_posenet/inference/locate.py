"""Localize images: ``load`` a trained localizer, give ``locate`` an image and a hint, get an `Estimate`."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.offset import moved_hint
from hinted_posenet.core.types import (
    NO_NEIGHBOURS,
    Hint,
    LocalFeatures,
    Pose,
    Query,
    no_prior,
    without_local,
)
from hinted_posenet.data.load_image import AnyImage, load_image
from hinted_posenet.data.posed_images import in_unit_range, to
from hinted_posenet.data.priors.check import fault_of
from hinted_posenet.data.query_camera import AnyK, QueryCamera, given_camera
from hinted_posenet.data.training_camera import TrainingCamera, lens_of, to_training_camera
from hinted_posenet.inference.build import describe_hint
from hinted_posenet.inference.checkpoint import (
    Checkpoint,
    load_localizer,
    read_checkpoint,
    trained_with_hints,
    with_map,
)
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.localizer import prepare_device
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.inference.modes import modes_of
from hinted_posenet.inference.prepared import PreparedImage
from hinted_posenet.inference.refinement import LandmarkRefinement
from hinted_posenet.inference.stated import stated

log = logging.getLogger(__name__)

AnyCamera = AnyK | QueryCamera | None
FarHint = Literal["refuse", "ignore"]


def load(
    source: str | Path,
    device: str = "auto",
    threads: int = 0,
    map: str | None = None,  # the name of its key
    dem: str | None = None,
) -> "Localizer":
    """Load a trained localizer from a run's folder or its localizer.ckpt.

    ``device`` is auto, which takes a GPU if there is one, cpu or gpu; with 0 threads torch chooses their number.
    ``map`` and ``dem`` say where the files of a localizer's map are, if they are not where they were in training.

    Raises:
        InputError: There is no checkpoint, it is not readable, or it is of another version.
    """
    checkpoint = with_map(read_checkpoint(source), map, dem)
    return Localizer(checkpoint, prepare_device(device, threads))


class Localizer:
    """A trained localizer that answers images with hints; made by `load`.

    Images are paths, bytes of image files, Pillow images, NumPy arrays (H, W), (H, W, 3) or (H, W, 4), RGB, of
    uint8, uint16 or floats from 0 to 1, or tensors, also (3, H, W). EXIF orientation is applied to files. ``K`` is
    (3, 3) or fx, fy, cx, cy in pixels of that upright image, whose top-left pixel has its center at (0.5, 0.5), or
    a `QueryCamera`, which has distortion; None is the training camera, for images of that shape. Images are
    resampled to it.

    Hints are in the world of the training data, in metres (`origin` says where on Earth that is).
    """

    searches = True  # an image is located without any hint too

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        data, config = checkpoint.trained_on, checkpoint.config
        # with the source of its hints; its poses count from an offset of the world
        self.network = load_localizer(checkpoint).to(device)
        self._place = checkpoint.place
        self.camera = TrainingCamera(checkpoint.place.K, data.height, data.width, data.crop)
        self.name = f"{data.name}/{data.scene}, {data.ground_truth} ground truth"
        self.scene_folder = Path(data.root, data.scene)
        self.own_hint = str(describe_hint(config["inference_hint"])["name"])
        head = self.network.model.head
        seen = head.takes_covariance or trained_with_hints(checkpoint)
        self.takes_hints = bool(head.takes_hints and seen)
        # Whether answers are the posterior of a hint and what the image says, which can then be told apart;
        # networks mix both in a way of their own.
        self.combines_hints = bool(head.answers_hint and self.network.refinement)
        self._has_warned = False

    @property
    def origin(self) -> Origin | None:
        """Where the world of all poses lies on Earth; None if that is not known."""
        return self._place.origin

    def distance_to_scene_m(self, pose: Pose) -> float:
        """Return how far what a camera () sees is in general, or half of the extent if that is not known."""
        refinement = self.network.refinement
        if isinstance(refinement, LandmarkRefinement):
            return float(refinement.landmarks.map.depth_m)
        if isinstance(refinement, MapRefinement):
            return float(refinement.registration.cameras.above_m)
        return 0.5 * self.extent[1]

    @property
    def certain_sigma_m(self) -> float:
        """Sigma of the position (root mean square over its axes) beyond which an answer is uncertain."""
        refinement = self.network.refinement
        fitted = self.network.uncertainty if refinement is None else refinement
        return float(fitted.certain_t_m)

    @property
    def positions_m(self) -> Tensor:
        """Where at most 2000 of the training images were taken (M, 3), float64."""
        return self._place.positions_m

    @property
    def extent(self) -> tuple[Tensor, float]:
        """Center (3,) and size in metres of the box that holds 95 % of the training positions."""
        frame = self.network.model.frame
        return frame.center_m.cpu().double() + self._place.offset_m, 2 * float(frame.scale_m)

    def locate(
        self,
        image: AnyImage,
        K: AnyCamera = None,
        hint: Hint | None = None,
        far_hint: FarHint = "refuse",
        modes: int = 3,
    ) -> Estimate:
        """Localize one image, with a hint () or without; see `Localizer` for both.

        Up to ``modes`` places that the image may show are answered; 0 leaves them out, which is faster.

        A hint that is nan or far outside the scene is refused, or ignored with a warning. A localizer that was
        trained without hints warns that it ignores one.

        Raises:
            InputError: The image, K or the hint is wrong; the message says what was expected.
        """
        (estimate,) = self.locate_many([image], K, [hint], far_hint, modes, progress=False)
        return estimate

    def locate_many(
        self,
        images: Iterable[AnyImage],
        K: AnyCamera = None,
        hints: Sequence[Hint | None] | None = None,
        far_hint: FarHint = "refuse",
        modes: int = 3,
        progress: bool = True,
    ) -> list[Estimate]:
        """Localize images of one camera, each with its hint or None; see `locate`.

        Images are answered one by one, so that no answer depends on the others.
        """
        images = list(images)
        hints = [None] * len(images) if hints is None else hints
        if len(hints) != len(images):
            raise InputError(
                f"hints: {len(hints)} for {len(images)} images; give one, or None, for each"
            )
        camera = _camera_of(K)
        pairs = tqdm(zip(images, hints, strict=True), "locate", len(images), disable=not progress)
        return [
            self.locate_prepared(self.prepare(image, camera), hint, far_hint, modes)
            for image, hint in pairs
        ]

    @torch.inference_mode()
    def prepare(self, image: AnyImage, K: AnyCamera = None) -> PreparedImage:
        """Return what the image says before any hint, for `locate_prepared`.

        Many hints can be tried on one image without reading it and computing its features again.

        Raises:
            InputError: The image or K is wrong.
        """
        where = str(image) if isinstance(image, str | Path) else "image"
        pixels, camera = load_image(image, where), _camera_of(K)
        lens = None if camera is None else camera.of_image(pixels.shape[0], pixels.shape[1], where)
        small, K = to_training_camera(pixels, lens, self.camera, where)
        query = Query(
            in_unit_range([small]),
            torch.empty(1, 0),
            K.float().unsqueeze(0),
            _batch(no_prior(torch.float64)),
            [where],
            torch.zeros(1, dtype=torch.int64),
            without_local(1),
        )
        if isinstance(self.network.refinement, LandmarkRefinement):
            extractor = self.network.refinement.landmarks.features
            local = extractor.extract(pixels, lens_of(pixels.shape[:2], lens, self.camera))
            query = query._replace(local=LocalFeatures(*(part.unsqueeze(0) for part in local)))
        query = to(query, self.network.device)
        return PreparedImage(query._replace(feature=self.network.model.features(query)[0]), where)

    @torch.inference_mode()
    def locate_prepared(
        self,
        prepared: PreparedImage,
        hint: Hint | None = None,
        far_hint: FarHint = "refuse",
        modes: int = 3,
    ) -> Estimate:
        """Localize an image from `prepare`; for all else see `locate`.

        Raises:
            InputError: The hint is wrong.
        """
        query, where = prepared
        hint, started = self._usable(hint, where, far_hint)
        prior = _batch(moved_hint(hint or no_prior(torch.float64), -self._place.offset_m))
        query = query._replace(prior=to(prior, self.network.device))
        prediction = self.network.predict(query, query.prior if hint else None)
        if not torch.cat(prediction.answers[-1].pose, dim=1).isfinite().all():
            raise InputError(f"{where}: the network answers no finite pose; train it again")
        found = modes_of(self.network, query, prediction, modes) if modes else None
        return stated(prediction, found, started, self._place, self.certain_sigma_m)

    def _usable(self, hint: Hint | None, where: str, far_hint: FarHint) -> tuple[Hint | None, str]:
        """Return the hint, or None, and the name of what the answer starts from."""
        if hint is None or not hint.variance.isfinite().any():
            return None, self.own_hint
        if not self.takes_hints:
            if not self._has_warned:
                log.warning(
                    "this localizer was trained without hints and ignores them; train a hinted one"
                )
            self._has_warned = True
            return None, "ignored"
        fault = fault_of(hint, *self.extent)
        if fault and far_hint == "refuse":
            raise InputError(f"{where}: its hint {fault}; correct it, or give far_hint='ignore'")
        if fault:
            log.warning("%s: its hint %s and is ignored", where, fault)
            return None, self.own_hint
        return hint, "given"


def _camera_of(K: AnyCamera) -> QueryCamera | None:
    return K if isinstance(K, QueryCamera) else given_camera(K)


def _batch(hint: Hint) -> Hint:
    """Return a hint () as float32 hints (1,)."""
    pose = Pose(*(part.float().unsqueeze(0) for part in hint.pose))
    return Hint(pose, hint.covariance.float().unsqueeze(0), NO_NEIGHBOURS.expand(1, 0))
