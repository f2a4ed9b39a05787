"""Localize images: ``load`` a trained localizer, give ``locate`` an image and a hint, get an `Estimate`."""

import logging
from collections.abc import Iterable, Sequence
from itertools import pairwise
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
    Modes,
    Pose,
    Query,
    no_prior,
    without_local,
)
from hinted_posenet.data.load_image import AnyImage, load_image
from hinted_posenet.data.posed_images import in_unit_range, map_tensors, to
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
from hinted_posenet.inference.estimate import Estimate, Mode, Status
from hinted_posenet.inference.localizer import LocalizerModule, Prediction, prepare_device
from hinted_posenet.inference.map_refinement import MapRefined
from hinted_posenet.inference.modes import modes_of
from hinted_posenet.inference.refinement import LandmarkRefinement, Refined

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

    Images are paths, Pillow images, NumPy arrays (H, W), (H, W, 3) or (H, W, 4), RGB, of uint8, uint16 or floats
    from 0 to 1, or tensors, also (3, H, W). EXIF orientation is applied to files. ``K`` is (3, 3) or fx, fy, cx,
    cy in pixels of that upright image, whose top-left pixel has its center at (0.5, 0.5), or a `QueryCamera`,
    which has distortion; None is the training camera, for images of that shape. Images are resampled to it.

    Hints are in the world of the training data, in metres (`origin` says where on Earth that is).
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        data, config = checkpoint.trained_on, checkpoint.config
        self._network = load_localizer(checkpoint).to(device)
        self._place = checkpoint.place
        self.camera = TrainingCamera(checkpoint.place.K, data.height, data.width, data.crop)
        self.name = f"{data.name}/{data.scene}, {data.ground_truth} ground truth"
        self.scene_folder = Path(data.root, data.scene)
        self.own_hint = str(describe_hint(config["inference_hint"])["name"])
        head = self._network.model.head
        seen = head.takes_covariance or trained_with_hints(checkpoint)
        self.takes_hints = bool(head.takes_hints and seen)
        self._has_warned = False

    @property
    def origin(self) -> Origin | None:
        """Where the world of all poses lies on Earth; None if that is not known."""
        return self._place.origin

    @property
    def network(self) -> LocalizerModule:
        """The trained network with the source of its hints, whose poses count from an offset of the world."""
        return self._network

    @property
    def certain_sigma_m(self) -> float:
        """Sigma of the position (root mean square over its axes) beyond which an answer is uncertain."""
        refinement = self._network.refinement
        fitted = self._network.uncertainty if refinement is None else refinement
        return float(fitted.certain_t_m)

    @property
    def positions_m(self) -> Tensor:
        """Where at most 2000 of the training images were taken (M, 3), float64."""
        return self._place.positions_m

    @property
    def extent(self) -> tuple[Tensor, float]:
        """Center (3,) and size in metres of the box that holds 95 % of the training positions."""
        frame = self._network.model.frame
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
        camera = K if isinstance(K, QueryCamera) else given_camera(K)
        pairs = tqdm(zip(images, hints, strict=True), "locate", len(images), disable=not progress)
        return [self._locate(image, hint, camera, far_hint, modes) for image, hint in pairs]

    @torch.inference_mode()
    def _locate(
        self,
        image: AnyImage,
        hint: Hint | None,
        camera: QueryCamera | None,
        far_hint: FarHint,
        count: int,
    ) -> Estimate:
        where = str(image) if isinstance(image, str | Path) else "image"
        pixels = load_image(image, where)
        lens = None if camera is None else camera.of_image(pixels.shape[0], pixels.shape[1], where)
        small, K = to_training_camera(pixels, lens, self.camera, where)
        hint, started = self._usable(hint, where, far_hint)
        given = _batch(moved_hint(hint or no_prior(torch.float64), -self._place.offset_m))
        query = Query(
            in_unit_range([small]),
            torch.empty(1, 0),
            K.float().unsqueeze(0),
            given,
            [where],
            torch.zeros(1, dtype=torch.int64),
            without_local(1),
        )
        if isinstance(self._network.refinement, LandmarkRefinement):
            extractor = self._network.refinement.landmarks.features
            local = extractor.extract(pixels, lens_of(pixels.shape[:2], lens, self.camera))
            query = query._replace(local=LocalFeatures(*(part.unsqueeze(0) for part in local)))
        query = to(query, self._network.device)
        query = query._replace(feature=self._network.model.features(query)[0])
        prediction = self._network.predict(query, query.prior if hint else None)
        if not torch.cat(prediction.answers[-1].pose, dim=1).isfinite().all():
            raise InputError(f"{where}: the network answers no finite pose; train it again")
        modes = modes_of(self._network, query, prediction, count) if count else None
        return self._estimate(prediction, modes, started)

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

    def _estimate(self, prediction: Prediction, modes: Modes | None, started: str) -> Estimate:
        answer, out_of_map = prediction.answers[-1], float(prediction.out_of_map[0])
        changed = [not torch.equal(a.t, b.t) for a, b in pairwise(prediction.poses)]
        offset_m = self._place.offset_m
        refined = prediction.refined
        if refined and started == "given" and refined.contradicted[0]:
            started = "contradicted"
        t, q, covariance = (part[0].cpu().double() for part in (*answer.pose, answer.covariance))
        return Estimate(
            Pose(t + offset_m, q),
            covariance,
            _status(
                out_of_map,
                float(answer.sigma_t_m[0]) <= self.certain_sigma_m,
                bool(refined.found[0]) if refined else None,
            ),
            started,
            1 + sum(changed),
            out_of_map,
            _modes(modes, offset_m) if modes else (),
            self.origin,
            int(refined.inliers[0]) if isinstance(refined, Refined) else None,
            bool(refined.found[0]) if isinstance(refined, MapRefined) else None,
        )


def _status(out_of_map: float, certain: bool, found: bool | None) -> Status:
    """Return the status of an answer.

    Landmarks that agree, or a map that fits, show that the image is of the map; None: there is neither.
    """
    if found is not None:
        return "ok" if found and certain else "uncertain"
    if out_of_map > 1.0:
        return "outside the map"
    return "ok" if certain else "uncertain"


def _batch(hint: Hint) -> Hint:
    """Return a hint () as float32 hints (1,)."""
    pose = Pose(*(part.float().unsqueeze(0) for part in hint.pose))
    return Hint(pose, hint.covariance.float().unsqueeze(0), NO_NEIGHBOURS.expand(1, 0))


def _modes(modes: Modes, offset_m: Tensor) -> tuple[Mode, ...]:
    """Return those of modes (1, K) that have a weight above 0, in the world."""
    log_weight, pose, covariance = map_tensors(lambda part: part[0].cpu().double(), modes)
    parts = zip(log_weight.exp().tolist(), *pose, covariance, strict=True)
    return tuple(Mode(weight, Pose(t + offset_m, q), C) for weight, t, q, C in parts if weight > 0)
