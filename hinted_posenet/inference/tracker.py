"""Track a camera through a stream of images, with odometry and other sensors if there are any."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch.nn.functional import normalize

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.load_image import AnyImage
from hinted_posenet.data.query_camera import AnyK, QueryCamera
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.image_evidence import evidence_of, likeliest_mode
from hinted_posenet.inference.track_checks import (
    camera_of,
    checked_prior,
    same_camera,
    usable_motion,
    within_gate,
)
from hinted_posenet.inference.track_filter import (
    Belief,
    MotionModel,
    SharedError,
    begun,
    carried_by,
    coasted,
    with_image,
    with_prior,
)
from hinted_posenet.inference.tracked import Frame, Motion, Trackable, Tracked, TrackStatus

LOST_AFTER = 3  # measurements in turn that contradict the belief
AGREE = 2  # images in turn that make a place one to start from
SHARED_DISTANCE = 0.15  # of the distance to the scene, over which errors are alike
LOST_SIGMA = 0.5  # of the distance to the scene: what is less certain is not known
LATE_S = 1.0  # a frame that comes later than this is of a clock that was set back


class Asked(NamedTuple):
    """What a localizer was asked, and said."""

    hint: str  # see `Tracked`
    estimate: Estimate | None
    evidence: Hint | None  # what the image says by itself


NOT_ASKED = Asked("", None, None)


class Tracker:
    """Tracks one camera: predicts where it is, asks a localizer about each image, and weighs both.

    A prediction comes from odometry, or else from a constant velocity, and from priors such as GPS. It is the hint
    of the localizer where its answers keep hint and image apart (landmarks, registration to a map); networks are
    asked without it, and it chooses among the places that an image may show. What an image says by itself is used
    if it lies within the gate. After three contradictions in turn, of images or priors, or when the position is
    less certain than half of the distance to the scene, the camera is lost: images are located from scratch, until
    two in turn agree. One tracker follows one stream; it keeps its last state alone, so its memory does not grow.

    Args:
        localizer: made by `load` or `open_map`.
        model: how the camera and its odometry move.
        K: camera of all images that come without one, see `Localizer`.
        shared: how alike errors of successive images are; None: over 0.15 of the distance to the scene.
    """

    def __init__(
        self,
        localizer: Trackable,
        model: MotionModel | None = None,
        K: AnyK | QueryCamera | None = None,
        shared: SharedError | None = None,
    ) -> None:
        self.localizer, self.model = localizer, model or MotionModel()
        self._camera, self._shared = camera_of(K), shared
        self._camera_before = self._camera
        self._stamp_s: float | None = None
        self._belief: Belief | None = None  # None: never known so far
        self._predicted: Belief | None = None  # before the last frame was weighed
        self._other: Belief | None = None  # another place, which the last images agree on
        self._agreed = 0  # how many of them
        self._contradictions = 0  # in turn, of images, or of priors
        self._prior_contradictions = 0

    def steps(self, frames: Iterable[Frame]) -> Iterator[Tracked]:
        """Yield the answer to each frame of a stream, see `step`."""
        return (self.step(*frame) for frame in frames)

    def step(
        self,
        image: AnyImage | None,
        stamp_s: float,
        motion: Motion | None = None,
        prior: Hint | None = None,
        K: AnyK | QueryCamera | None = None,
    ) -> Tracked:
        """Take the next frame. Nothing that a sensor says raises an error: the answer's note names what is wrong.

        Args:
            image: as for `Localizer.locate`, or None if it is missing.
            stamp_s: when it was taken, in any clock that runs on.
            motion: T_before_now () of the camera since the last frame, and its covariance (6, 6) along and about
                the axes of the camera before, or None for that of the model; None without odometry.
            prior: what sensors such as GPS say of this frame, in the world; independent of all images.
            K: camera of this image, if it is another one.

        Raises:
            InputError: ``K`` is wrong.
        """
        notes: list[str] = []
        elapsed_s = self._elapsed_s(stamp_s, notes)
        if elapsed_s is None:
            repeated = stamp_s == self._stamp_s
            return self._tracked(stamp_s, "skipped", notes, NOT_ASKED, repeated)
        self._stamp_s = stamp_s
        self._predict(elapsed_s, motion, notes)
        self._predicted = self._belief
        prior = checked_prior(prior, notes)
        self._weigh_prior(prior, notes)
        camera = camera_of(K) or self._camera
        if not same_camera(camera, self._camera_before) and elapsed_s:
            notes.append("another camera than before")
        self._camera_before = camera
        asked = self._ask(image, prior, camera, notes)
        before = self._belief
        status = self._weigh_image(asked.evidence)
        jump_m = 0.0
        if status == "recovered" and before and self._belief:
            jump_m = float((before.pose.t - self._belief.pose.t).norm())
            notes.append(f"a jump of {jump_m:.2f} m")
        return self._tracked(stamp_s, status, notes, asked, status != "lost", jump_m)

    @property
    def stamp_s(self) -> float | None:
        """Stamp of the last frame that was not skipped, from which the next motion is; None before the first."""
        return self._stamp_s

    @property
    def beliefs(self) -> tuple[Belief | None, Belief | None]:
        """What was believed of the last frame before and after its image and prior were weighed."""
        return self._predicted, self._belief

    @property
    def is_lost(self) -> bool:
        """Whether the next image is located from scratch."""
        belief = self._belief
        if belief is None or max(self._contradictions, self._prior_contradictions) >= LOST_AFTER:
            return True
        sigma_m = math.sqrt(float(torch.linalg.eigvalsh(belief.hint.covariance[:3, :3])[-1]))
        return sigma_m > LOST_SIGMA * self.localizer.distance_to_scene_m(belief.pose)

    def _elapsed_s(self, stamp_s: float, notes: list[str]) -> float | None:
        """Return the time since the last frame; None if this one cannot be used."""
        if not math.isfinite(stamp_s):
            notes.append("its stamp is no number")
            return None
        if self._stamp_s is None:
            return 0.0
        elapsed_s = stamp_s - self._stamp_s
        if elapsed_s < -LATE_S:
            notes.append(f"the clock went back by {-elapsed_s:.3g} s: begun anew")
            self._belief = self._other = None
            self._agreed = self._contradictions = self._prior_contradictions = 0
            return 0.0
        if elapsed_s <= 0.0:
            late = f"comes {-elapsed_s:.3g} s late" if elapsed_s else "repeats"
            notes.append(f"its stamp {late}")
            return None
        return elapsed_s

    def _predict(self, elapsed_s: float, motion: Motion | None, notes: list[str]) -> None:
        """Move what is believed to the new frame."""
        if elapsed_s == 0.0:
            return
        usable = motion is None or usable_motion(*motion)
        if not usable:
            notes.append("odometry is not a finite motion with a covariance: not used")

        def predicted(belief: Belief) -> Belief:
            shared = self._shared_at(belief.pose)
            if motion is None or not usable:
                return coasted(belief, elapsed_s, self.model, shared)
            pose = Pose(motion[0].t.double(), normalize(motion[0].q.double(), dim=-1))
            noise = None if motion[1] is None else motion[1].double()
            return carried_by(belief, pose, noise, elapsed_s, self.model, shared)

        self._belief = self._belief and predicted(self._belief)
        self._other = self._other and predicted(self._other)

    def _weigh_prior(self, prior: Hint | None, notes: list[str]) -> None:
        """Update the belief by a prior, unless they contradict each other."""
        if prior is None or self._belief is None:
            return
        updated = with_prior(self._belief, prior)
        if updated.distance2 <= within_gate(updated.parts):
            self._belief, self._prior_contradictions = updated.belief, 0
            return
        self._prior_contradictions += 1
        notes.append("its prior contradicts the track: left out")

    def _ask(
        self,
        image: AnyImage | None,
        prior: Hint | None,
        camera: QueryCamera | None,
        notes: list[str],
    ) -> Asked:
        """Ask the localizer, from scratch if the camera is lost."""
        if image is None:
            notes.append("no image")
            return NOT_ASKED
        lost, localizer = self.is_lost, self.localizer
        hint, name = None, "none"
        if lost and prior is not None and localizer.takes_hints:
            hint, name = prior, "prior"
        elif self._belief and (localizer.combines_hints if not lost else not localizer.searches):
            hint, name = self._belief.hint, "prediction"
        try:
            estimate = localizer.locate(image, camera, hint)
        except InputError as error:
            notes.append(str(error).removeprefix("image: "))
            return Asked(name, None, None)
        evidence = evidence_of(estimate, hint if name == "prediction" else None)
        if evidence and name == "none" and self._belief and not lost:
            evidence = likeliest_mode(evidence, estimate, self._belief.hint)
        return Asked(name, estimate, evidence)

    def _weigh_image(self, evidence: Hint | None) -> TrackStatus:
        """Update what is believed by what an image says by itself, and return what came of it."""
        lost = self.is_lost
        if evidence is None:
            return "lost" if lost else "coasting"
        if self._belief and not lost:
            updated = with_image(self._belief, evidence, self._shared_at(self._belief.pose))
            if updated.distance2 <= within_gate(updated.parts):
                self._belief, self._other = updated.belief, None
                self._contradictions = self._agreed = 0
                return "ok"
            self._contradictions += 1
        self._weigh_other(evidence)
        if not self.is_lost:
            return "rejected"
        if self._agreed < AGREE:
            return "lost"
        started = self._belief is None
        self._belief, self._other = self._other, None
        self._agreed = self._contradictions = self._prior_contradictions = 0
        return "started" if started else "recovered"

    def _weigh_other(self, evidence: Hint) -> None:
        """Count how many images in turn agree on a place that contradicts the belief, or where there is none."""
        shared = self._shared_at(evidence.pose)
        if self._other:
            updated = with_image(self._other, evidence, shared)
            if updated.distance2 <= within_gate(updated.parts):
                self._other, self._agreed = updated.belief, self._agreed + 1
                return
        self._other, self._agreed = begun(evidence, self.model, shared), 1

    def _shared_at(self, pose: Pose) -> SharedError:
        """Return how alike errors are at a pose ()."""
        if self._shared:
            return self._shared
        return SharedError(max(SHARED_DISTANCE * self.localizer.distance_to_scene_m(pose), 1e-3))

    def _tracked(
        self,
        stamp_s: float,
        status: TrackStatus,
        notes: list[str],
        asked: Asked,
        known: bool,
        jump_m: float = 0.0,
    ) -> Tracked:
        """Return the answer: the belief if it is ``known``, or else what the image says alone."""
        shown = self._belief.hint if known and self._belief else None
        if status == "lost" and asked.estimate:
            shown = Hint(asked.estimate.pose, asked.estimate.covariance)
        elif status == "lost" and self._belief and not self._contradicted:
            shown = self._belief.hint
        used = asked.evidence if status in ("ok", "started", "recovered") else None
        return Tracked(
            stamp_s,
            status,
            "; ".join(notes),
            shown and shown.pose,
            shown and shown.covariance,
            asked.hint,
            asked.estimate,
            used,
            jump_m,
        )

    @property
    def _contradicted(self) -> bool:
        return max(self._contradictions, self._prior_contradictions) >= LOST_AFTER
