"""A scene as the checks see it: its labels, images and tracks; and what a check reports."""

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import robust_box
from hinted_posenet.core.types import Fault, Pose, View, stack_poses
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.formats import cambridge
from hinted_posenet.data.formats.notes import collected_notes
from hinted_posenet.data.formats.recognise import Recognised
from hinted_posenet.data.image_files import read_bytes, stored_size
from hinted_posenet.data.read_scene import read_scene

Severity = Literal["ok", "note", "warning", "error"]
FAULTS: tuple[Severity, ...] = ("warning", "error")  # a data set with one of these is not sound


class Finding(NamedTuple):
    """One thing that a check found, good or bad."""

    check: str  # name of the check, e.g. "positions"
    severity: Severity
    message: str  # one line
    frames: dict[str, str] = {}  # the frames that are meant -> what is wrong with each  # noqa: RUF012
    fix: str = ""  # what to do about it


def counted(things: Collection[object] | int, noun: str) -> str:
    """Return ``1 frame`` or ``2,500 frames``."""
    count = things if isinstance(things, int) else len(things)
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class ImageFile(NamedTuple):
    """What is known of one image file."""

    is_there: bool
    size: tuple[int, int] | None = None  # (width, height) in pixels; None: unreadable
    digest: str = ""  # equal for equal content; "" where it was not needed
    error: str = ""  # why it cannot be read


def read_images(paths: Iterable[Path], decode: bool, title: str) -> dict[Path, ImageFile]:
    """Read all images.

    With ``decode``, every pixel is decoded, which finds truncated files and re-encoded copies; otherwise headers
    are read, and the bytes of files of equal length are compared.
    """
    todo = list(dict.fromkeys(paths))
    lengths = {path: path.stat().st_size for path in todo if path.is_file()}
    alike = Counter(lengths.values())
    twins = {path for path, length in lengths.items() if alike[length] > 1}
    read = partial(_read, decode=decode, twins=twins)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(tqdm(pool.map(read, todo), total=len(todo), desc=title, delay=1, leave=False))
    return dict(zip(todo, found, strict=True))


def _read(path: Path, decode: bool, twins: set[Path]) -> ImageFile:
    if not path.is_file():
        return ImageFile(False, error="missing")
    digest = ""
    try:
        if decode:
            pixels = decoded(path)
            size = pixels.shape[1], pixels.shape[0]
            digest = hashlib.sha1(pixels.tobytes() + repr(size).encode()).hexdigest()
        else:
            size = stored_size(path)
            if path in twins:
                digest = hashlib.sha1(read_bytes(path)).hexdigest()
        return ImageFile(True, size, digest)
    except InputError as error:
        reason = str(error).removeprefix(f"{path}: ").partition(";")[0]
        return ImageFile(True, error=f"cannot be decoded ({reason})")


LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", flags=re.DOTALL)


class Track(NamedTuple):
    """One sequence."""

    name: str
    views: npt.NDArray[np.int64]  # (N,) their places among all views
    number: npt.NDArray[np.float64]  # (N,) increasing, about 1 apart, so that gaps are known


def tracks(views: Sequence[View]) -> list[Track]:
    """Group views into sequences across all splits, ordered by time, or by the last number of their names.

    Names that differ before that number are different sequences (``east_0001``, ``west_0001``), as are
    frames of one flight with different tags, such as dates. A frame that is listed twice counts once.
    """
    groups: dict[tuple[str, str, str], dict[float, int]] = defaultdict(dict)
    for index, view in enumerate(views):
        prefix, place = PurePosixPath(view.name).stem, 0.0
        if view.time_s is not None:
            prefix, place = "", view.time_s
        elif match := LAST_NUMBER.fullmatch(prefix):
            prefix, place = match[1], float(match[2])
        tags = " ".join(view.tags.values())
        groups[view.sequence, prefix, tags].setdefault(place, index)
    found = []
    for (sequence, prefix, _), frames in groups.items():
        number = np.array(sorted(frames))
        of_track = np.array([frames[key] for key in number.tolist()])
        if views[of_track[0]].time_s is not None and len(number) > 1:
            number = number / np.median(np.diff(number))
        found.append(Track(f"{sequence}/{prefix}" if prefix else sequence, of_track, number))
    return found


NVM = "reconstruction.nvm"
UNKNOWN_FOCAL_PX = 1000.0  # stands in where a scene has no focal lengths, because labels need none


@dataclass(frozen=True)
class Scene:
    """One scene as read from disk, without the frames that exclude.txt leaves out."""

    name: str
    layout: str  # as `recognise` names it
    folder: Path
    splits: dict[str, list[View]]
    faults: Sequence[Fault]  # labels that could not be read
    broken: Sequence[str]  # why a split could not be read at all
    images: dict[Path, ImageFile]
    counts: dict[str, int]  # frames by split, including excluded and faulty ones
    excluded: dict[str, str]  # frames left out -> why
    strangers: Sequence[str] = ()  # names in exclude.txt that the scene does not have
    has_intrinsics: bool = True
    notes: Sequence[str] = ()  # what the reader says

    @cached_property
    def views(self) -> list[View]:
        """All N views, split after split."""
        return [view for views in self.splits.values() for view in views]

    @cached_property
    def split_of(self) -> list[str]:
        """The split of every view."""
        return [split for split, views in self.splits.items() for _ in views]

    @cached_property
    def T_world_cam(self) -> Pose:  # noqa: N802
        """Poses of all views, t (N, 3), q (N, 4), float64; there must be at least one view."""
        return stack_poses(view.T_world_cam for view in self.views)

    @cached_property
    def scale_m(self) -> float:
        """Half the size of the cube that holds 95 % of the cameras, in metres."""
        return float(robust_box(self.T_world_cam.t)[1])

    @cached_property
    def tracks(self) -> list[Track]:
        """Views of each sequence in the order in which they were taken."""
        return tracks(self.views)

    @property
    def has_images(self) -> bool:
        """Whether any image exists."""
        return any(image.is_there for image in self.images.values())


def read_checked_scene(found: Recognised, decode: bool) -> Scene:
    """Read every label and image (see `read_images`) that can be read, and what is wrong with the others."""
    read_views, broken = found.read_views, list[str]()
    has_intrinsics = found.layout != "cambridge" or (found.folder / NVM).is_file()
    if not has_intrinsics:
        read_views = partial(cambridge.read_views, focal_px=UNKNOWN_FOCAL_PX)
        broken.append(f"no {NVM}, so no focal lengths: add the file, or set data.reader.focal_px")
    with collected_notes() as notes:
        read = read_scene(read_views, found.root, found.scene, found.splits)
    broken += [f"the {split} split cannot be read: {why}" for split, why in read.broken.items()]
    images = (view.image for views in read.views.values() for view in views)
    return Scene(
        name=found.scene,
        layout=found.layout,
        folder=found.folder,
        splits=read.views,
        faults=read.faults,
        broken=broken,
        images=read_images(images, decode, f"images of {found.scene}"),
        counts=read.counts,
        excluded=read.excluded,
        strangers=list(read.strangers),
        has_intrinsics=has_intrinsics,
        notes=notes,
    )
