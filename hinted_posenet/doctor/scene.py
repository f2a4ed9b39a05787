"""What the checks look at: the views of one scene, what could not be read, its images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from hinted_posenet.doctor.images import ImageFile
from hinted_posenet.doctor.track import Track, tracks
from hinted_posenet.geometry import robust_box
from hinted_posenet.types import Fault, Pose, View

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """One scene as read from disk, without the frames that exclude.txt leaves out."""

    name: str
    layout: str  # of `data.recognise`
    folder: Path
    splits: dict[str, list[View]]
    faults: Sequence[Fault]  # labels that could not be read
    broken: Sequence[str]  # why a split could not be read at all
    images: dict[Path, ImageFile]
    counts: dict[str, int]  # frames by split, with those left out and those with faults
    excluded: dict[str, str]  # frames left out -> why
    strangers: Sequence[str] = ()  # what exclude.txt names, though there is no such frame
    has_intrinsics: bool = True

    @cached_property
    def views(self) -> list[View]:
        """All views, split after split."""
        return [view for views in self.splits.values() for view in views]

    @cached_property
    def split_of(self) -> list[str]:
        """The split of every view."""
        return [split for split, views in self.splits.items() for _ in views]

    @cached_property
    def T_world_cam(self) -> Pose:  # noqa: N802
        """Poses of all views, t (N, 3), q (N, 4), float64."""
        if not self.views:
            return Pose(torch.zeros(0, 3).double(), torch.zeros(0, 4).double())
        t, q = zip(*(view.T_world_cam for view in self.views), strict=True)
        return Pose(torch.stack(t), torch.stack(q))

    @cached_property
    def scale_m(self) -> float:
        """Half the size of the cube that holds 95 % of the cameras, in metres."""
        return float(robust_box(self.T_world_cam.t)[1]) if self.views else 0.0

    @cached_property
    def tracks(self) -> list[Track]:
        """Views of each sequence in the order they were taken."""
        return tracks(self.views)

    @property
    def has_images(self) -> bool:
        """Whether any image is there at all."""
        return any(image.is_there for image in self.images.values())
