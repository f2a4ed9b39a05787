"""What the checks look at: the labels of one scene, its images and tracks, and what a check reports."""

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
from PIL import Image
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import robust_box
from hinted_posenet.core.types import Fault, Pose, View, stack_poses
from hinted_posenet.data.exclude import EXCLUDE_FILE, read_exclude
from hinted_posenet.data.formats import cambridge
from hinted_posenet.data.formats.recognise import Recognised
from hinted_posenet.data.splits import without

Severity = Literal["ok", "note", "warning", "error"]
FAULTS: tuple[Severity, ...] = ("warning", "error")  # a data set with one of these is not sound


class Finding(NamedTuple):
    """One thing that a check found, good or bad."""

    check: str  # name of the check, e.g. "positions"
    severity: Severity
    message: str  # one line
    frames: dict[str, str] = {}  # the frames that are meant -> what is wrong with each  # noqa: RUF012
    fix: str = ""  # what to do about it


def metres(value_m: float) -> str:
    """A length in the unit that reads best."""
    if value_m < 0.01:
        return f"{1000 * value_m:.2g} mm"
    if value_m < 1:
        return f"{100 * value_m:.2g} cm"
    return f"{value_m:.1f} m" if value_m < 1000 else f"{value_m / 1000:,.0f} km"


def counted(things: Collection[object] | int, noun: str) -> str:
    """``1 frame``, ``2,500 frames``."""
    count = things if isinstance(things, int) else len(things)
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# what Pillow raises for files that are no images, or half of one (SyntaxError: broken PNG chunks)
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class ImageFile(NamedTuple):
    """What is known of one image file."""

    is_there: bool
    size: tuple[int, int] | None = None  # (width, height) in pixels; None: unreadable
    digest: str = ""  # same for the same content; "" where it was not needed
    error: str = ""  # why it cannot be read


def read_images(paths: Iterable[Path], decode: bool, title: str) -> dict[Path, ImageFile]:
    """Read all images.

    Args:
        paths: the files.
        decode: decode every pixel, which finds files cut short, and copies stored in another way;
            otherwise read headers, and compare bytes of files of equal length.
        title: of the progress bar.
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
    try:
        with Image.open(path) as image:
            digest = ""
            if decode:
                pixels = image.tobytes()
                digest = hashlib.sha1(pixels + repr((image.mode, image.size)).encode()).hexdigest()
            elif path in twins:
                digest = hashlib.sha1(path.read_bytes()).hexdigest()
            return ImageFile(True, image.size, digest)
    except UNREADABLE as error:
        return ImageFile(True, error=f"cannot be decoded ({str(error).splitlines()[0]})")


LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", flags=re.DOTALL)


class Track(NamedTuple):
    """One sequence."""

    name: str
    views: npt.NDArray[np.int64]  # (N,) their places among all views
    number: npt.NDArray[np.float64]  # (N,) rising, about 1 apart, so that gaps are known


def tracks(views: Sequence[View]) -> list[Track]:
    """Views by sequence, whatever split they are in, ordered by time, or by the last number of their names.

    Names that differ before that number are different sequences (``east_0001``, ``west_0001``), and so
    are the dates of one flight, or whatever tags tell apart. A frame that is listed twice is taken once.
    """
    groups: dict[tuple[str, str, str], dict[float, int]] = defaultdict(dict)
    for index, view in enumerate(views):
        prefix, place = _place(view)
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


def _place(view: View) -> tuple[str, float]:
    """What tells a view's sequence besides its folder, and its place in there."""
    if view.time_s is not None:
        return "", view.time_s
    stem = PurePosixPath(view.name).stem
    match = LAST_NUMBER.fullmatch(stem)
    return (match[1], float(match[2])) if match else (stem, 0.0)


NVM = "reconstruction.nvm"
UNKNOWN_FOCAL_PX = 1.0  # stands in where a scene has no focal lengths: labels need none


@dataclass(frozen=True)
class Scene:
    """One scene as read from disk, without the frames that exclude.txt leaves out."""

    name: str
    layout: str  # of `data.reader.recognise`
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
        """All N views, split after split."""
        return [view for views in self.splits.values() for view in views]

    @cached_property
    def split_of(self) -> list[str]:
        """The split of every view."""
        return [split for split, views in self.splits.items() for _ in views]

    @cached_property
    def T_world_cam(self) -> Pose:  # noqa: N802
        """Poses of all views, t (N, 3), q (N, 4), float64; there must be one."""
        return stack_poses(view.T_world_cam for view in self.views)

    @cached_property
    def scale_m(self) -> float:
        """Half the size of the cube that holds 95 % of the cameras, in metres."""
        return float(robust_box(self.T_world_cam.t)[1])

    @cached_property
    def tracks(self) -> list[Track]:
        """Views of each sequence in the order they were taken."""
        return tracks(self.views)

    @property
    def has_images(self) -> bool:
        """Whether any image is there at all."""
        return any(image.is_there for image in self.images.values())


def read_scene(found: Recognised, decode: bool) -> Scene:
    """Read every label that can be read, and what is wrong with the others.

    Args:
        found: which scene, and how to read it.
        decode: decode all images; otherwise read their headers.
    """
    read, broken = found.read_views, list[str]()
    has_intrinsics = found.layout != "cambridge" or (found.folder / NVM).is_file()
    if not has_intrinsics:
        read = partial(cambridge.read_views, focal_px=UNKNOWN_FOCAL_PX)
        broken.append(f"no {NVM}, so no focal lengths: add the file, or set data.reader.focal_px")
    whole: dict[str, list[View]] = {}
    faults: list[Fault] = []
    counts = {}
    for split in found.splits:
        unreadable: list[Fault] = []
        try:
            whole[split] = read(found.root, found.scene, split, faults=unreadable)
            counts[split] = len(whole[split]) + len(unreadable)
        except InputError as error:
            broken.append(f"the {split} split cannot be read: {error}")
        faults += unreadable
    listed = read_exclude(found.folder / EXCLUDE_FILE)
    known = {view.name for views in whole.values() for view in views} | {f.name for f in faults}
    splits = without(whole, listed)
    images = (view.image for views in splits.values() for view in views)
    return Scene(
        name=found.scene,
        layout=found.layout,
        folder=found.folder,
        splits=splits,
        # a row that tells no split is found wrong in all of them
        faults=[fault for fault in dict.fromkeys(faults) if fault.name not in listed],
        broken=broken,
        images=read_images(images, decode, f"images of {found.scene}"),
        counts=counts,
        excluded={name: why for name, why in listed.items() if name in known},
        strangers=[name for name in listed if name not in known],
        has_intrinsics=has_intrinsics,
    )
