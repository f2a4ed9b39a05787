"""What a tracker takes and answers, one frame at a time."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from torch import Tensor

from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.load_image import AnyImage
from hinted_posenet.data.query_camera import AnyK, QueryCamera
from hinted_posenet.inference.answer_images import Answering
from hinted_posenet.inference.estimate import Estimate

TrackStatus = Literal["ok", "rejected", "coasting", "lost", "started", "recovered", "skipped"]
Motion = tuple[Pose, Tensor | None]


class Trackable(Answering, Protocol):
    """A localizer that a tracker asks: that of a trained place, or of a map."""

    combines_hints: bool
    searches: bool

    def locate(self, image: AnyImage, K: QueryCamera | None, hint: Hint | None) -> Estimate:
        """Localize one image."""

    def distance_to_scene_m(self, pose: Pose) -> float:
        """Return how far from a camera () what it sees is."""


class Frame(NamedTuple):
    """One image of a stream, and what sensors say about it; see `Tracker.step`."""

    image: AnyImage | None
    stamp_s: float
    motion: Motion | None = None
    prior: Hint | None = None
    K: AnyK | QueryCamera | None = None


@dataclass(frozen=True)
class Tracked:
    """Where the camera was at one frame.

    Attributes:
        stamp_s: of the frame.
        status: "ok": the image was used; "rejected": it contradicts what was expected, and was left out;
            "coasting": it says nothing, and the pose is that of the motion alone; "lost": where the camera is is
            not known, or not yet, and the pose is that of this image alone, if there is one; "started" and
            "recovered": two images in turn agree on a place; "skipped": the stamp is wrong, and nothing is used.
        note: what was wrong with the frame, or happened; several things are separated by "; ".
        pose: T_world_cam (), float64; None where nothing is known.
        covariance: (6, 6) float64 as in `Hint`; None without a pose.
        hint: what the localizer was given: "prediction", "prior", "none", or "" if it was not asked.
        estimate: its answer; None without one.
        evidence: what the image said by itself, if it was used (), float64.
        jump_m: how far the pose moved at a recovery; 0 otherwise.
    """

    stamp_s: float
    status: TrackStatus
    note: str = ""
    pose: Pose | None = None
    covariance: Tensor | None = None
    hint: str = ""
    estimate: Estimate | None = None
    evidence: Hint | None = None
    jump_m: float = 0.0
