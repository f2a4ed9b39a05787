"""The images that `predict` asks about: those of a folder, a glob, a list, a video, a ROS bag, or a single one.

A list is a text file with a path per line, relative to the list's folder; empty lines and those that begin with #
are skipped. Names are relative to the folder, to the fixed part of the glob, or as the list has them. A frame of a
video is named ``flight.mp4#000123`` by its number, counted from 0, and its time is that of the video; of a bag
likewise, with the time in its header and the camera that the bag states.
"""

import glob
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import check_encodable, read_lines
from hinted_posenet.data.bag_images import bag_images, count_images, image_stamps
from hinted_posenet.data.bags import BAG_SUFFIXES, METADATA
from hinted_posenet.data.image_files import CONVERT, SUFFIXES
from hinted_posenet.data.load_image import Pixels, load_image
from hinted_posenet.data.posed_images import natural_key
from hinted_posenet.data.query_camera import QueryCamera

VIDEO_SUFFIXES = {".mp4", ".mov", ".avi", ".mkv"}
LIST_SUFFIX = ".txt"
TIME_TOLERANCE_S = 1e-3  # videos round the times of their frames

log = logging.getLogger(__name__)


class Listed(NamedTuple):
    """An image that was not read yet."""

    name: str
    path: Path  # of the photo, or of the video
    time_s: float | None = None  # of a frame of a video; None for photos


class QueryImage(NamedTuple):
    """An image to localize."""

    name: str
    pixels: Pixels | InputError  # RGB uint8 (H, W, 3); or why it cannot be read
    path: Path  # of the photo, the video or the bag
    time_s: float | None = None  # of a frame of a video or bag; None for photos
    camera: QueryCamera | None = None  # that a bag states


class QueryImages(Protocol):
    """Images to localize, which are read one after another."""

    def __len__(self) -> int:
        """Return how many there are; of a video, what it states, which may be off by a few."""

    def __iter__(self) -> Iterator[QueryImage]:
        """Yield the images in order."""

    def listed(self) -> list[Listed]:
        """Return names, files and times in that order, to find priors by; a video is passed through for it."""


class Photos:
    """Image files; one that cannot be read yields its error, so that no frame is lost.

    Args:
        paths: Files by name, in order.
        upright: Whether EXIF orientation is applied, see `load_image`.
    """

    def __init__(self, paths: dict[str, Path], upright: bool = True) -> None:
        for name in paths:  # poses are written by their names
            check_encodable(name, "images")
        self.paths, self.upright = paths, upright

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[QueryImage]:
        for name, path in self.paths.items():
            try:
                yield QueryImage(name, load_image(path, upright=self.upright), path)
            except InputError as error:
                yield QueryImage(name, error, path)

    def listed(self) -> list[Listed]:
        """See `QueryImages`."""
        return [Listed(name, path) for name, path in self.paths.items()]


class VideoFrames:
    """Frames of a video: every n-th one, or the first one after each period; turned as the video says.

    Raises:
        InputError: The file is no video that OpenCV can read.
    """

    def __init__(
        self, path: Path, every: int = 1, every_s: float | None = None, start_s: float = 0.0
    ) -> None:
        self.path, self.every, self.every_s, self.start_s = path, every, every_s, start_s
        if not path.is_file():
            raise InputError(f"images={path}: no such file; check the path")
        check_encodable(str(path), "images")  # OpenCV ends the process at a path that is not UTF-8
        video = cv2.VideoCapture(str(path))
        self.count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frames_per_s = video.get(cv2.CAP_PROP_FPS)
        video.release()
        if self.count <= 0 or not self.frames_per_s > 0:
            raise InputError(
                f"images={path}: not a readable video; convert it, `ffmpeg -i {path.name} new.mp4`"
            )

    def __len__(self) -> int:
        frames_between = self.every
        if self.every_s is not None:
            frames_between = max(1, round(self.every_s * self.frames_per_s))
        return -(-self.count // frames_between)

    def __iter__(self) -> Iterator[QueryImage]:
        for frame, video in self._frames():
            read, bgr = video.retrieve()
            damaged = InputError(
                f"{frame.name}: cannot be decoded; repair the video, or leave it out"
            )
            pixels = (
                load_image(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), frame.name) if read else damaged
            )
            yield QueryImage(frame.name, pixels, frame.path, frame.time_s)

    def listed(self) -> list[Listed]:
        """See `QueryImages`."""
        return [frame for frame, _ in self._frames()]

    def _frames(self) -> Iterator[tuple[Listed, cv2.VideoCapture]]:
        """Yield the frames that are wanted, and the video from which each can be retrieved."""
        video = cv2.VideoCapture(str(self.path))
        number, due_s = -1, 0.0
        while video.grab():
            number += 1
            stated_s = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
            time_s = stated_s if stated_s > 0 else number / self.frames_per_s
            if number % self.every or time_s < due_s - TIME_TOLERANCE_S:
                continue
            if self.every_s is not None:  # the end of the period that this frame is in
                due_s = self.every_s * (1 + (time_s + TIME_TOLERANCE_S) // self.every_s)
            name = f"{self.path.name}#{number:06d}"
            yield Listed(name, self.path, self.start_s + time_s), video
        video.release()


class BagFrames:
    """Images of a topic of a ROS bag, see `bag_images`: every n-th one, or one per period of their stamps."""

    def __init__(
        self,
        path: Path,
        topic: str | None = None,
        every: int = 1,
        every_s: float | None = None,
        start_s: float = 0.0,
    ) -> None:
        self.path, self.topic, self.start_s = path, topic, start_s
        self.every, self.every_s, self.count = every, every_s, count_images(path, topic)

    def __len__(self) -> int:
        return -(-self.count // self.every)  # at most, if frames are taken by time

    def __iter__(self) -> Iterator[QueryImage]:
        taken = self._taken()
        for number, found in enumerate(bag_images(self.path, self.topic)):
            if taken(number, found.stamp_s):
                name, path, time_s = self._listed(number, found.stamp_s)
                yield QueryImage(name, found.pixels, path, time_s, found.camera)

    def listed(self) -> list[Listed]:
        """See `QueryImages`; the bag is passed through for it, but no image is decoded."""
        taken, stamps_s = self._taken(), enumerate(image_stamps(self.path, self.topic))
        return [self._listed(*found) for found in stamps_s if taken(*found)]

    def _listed(self, number: int, stamp_s: float) -> Listed:
        return Listed(f"{self.path.name}#{number:06d}", self.path, self.start_s + stamp_s)

    def _taken(self) -> Callable[[int, float], bool]:
        """Return whether each image is taken, in turn, by its number and stamp."""
        due_s = -math.inf

        def taken(number: int, stamp_s: float) -> bool:
            nonlocal due_s
            if number % self.every or stamp_s < due_s - TIME_TOLERANCE_S:
                return False
            due_s = stamp_s + (self.every_s or -math.inf)
            return True

        return taken


def open_images(
    images: str | Path,
    every: int = 1,
    every_s: float | None = None,
    start_s: float = 0.0,
    upright: bool = True,
    topic: str | None = None,
) -> QueryImages:
    """Open a folder with its subfolders, a glob, a list, a video, a ROS bag or an image.

    ``every`` takes every n-th frame of a video or bag, ``every_s`` one per period in seconds, and ``start_s`` is
    the time of the first one of a video, or is added to the stamps of a bag, whose ``topic`` may be named. Photos
    are turned as their EXIF says if ``upright``. Files that are no images are left out with a warning that counts
    them.

    Raises:
        InputError: There are no images, a listed file is missing, or the keys of videos are given for photos.
    """
    if every < 1 or (every_s is not None and not every_s > 0):
        raise InputError(f"every={every} every_s={every_s}: expected above 0; correct it")
    path = Path(images)
    pattern = glob.has_magic(str(images)) and not path.exists()
    is_bag = not pattern and (path.suffix.lower() in BAG_SUFFIXES or (path / METADATA).is_file())
    if is_bag or (path.suffix.lower() in VIDEO_SUFFIXES and not pattern):
        if every_s is not None and every > 1:
            raise InputError(f"every={every} every_s={every_s}: two rates of frames; give one")
        if is_bag:
            return BagFrames(path, topic, every, every_s, start_s)
        return VideoFrames(path, every, every_s, start_s)
    if topic is not None:
        raise InputError(f"image_topic={topic}: images={images} is no ROS bag; leave it out")
    if every > 1 or every_s is not None:
        raise InputError(f"every, every_s: images={images} is no video or ROS bag; leave them out")
    if path.is_dir():
        below = (file for file in path.rglob("*") if file.is_file())
        return Photos(_usable(path, below), upright)
    if path.is_file():
        if path.suffix.lower() == LIST_SUFFIX:
            return Photos(_listed(path), upright)
        return Photos({path.name: path}, upright)
    if pattern:
        folder = _fixed_folder(path)
        matched = folder.glob(path.relative_to(folder).as_posix())
        return Photos(_usable(folder, (file for file in matched if file.is_file())), upright)
    raise InputError(
        f"images={images}: no such file or folder; give a folder, glob, list, video or bag"
    )


def _fixed_folder(pattern: Path) -> Path:
    """Return the part of a glob in front of its first wildcard."""
    fixed = Path(pattern.anchor)
    for part in pattern.relative_to(pattern.anchor).parts[:-1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _usable(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Return the images among the files by their names below the folder, in natural order; warn of the others."""
    found, skipped = dict[str, Path](), Counter[str]()
    for file in files:
        name = file.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            skipped["hidden"] += 1
        elif file.suffix.lower() in SUFFIXES:
            found[name.as_posix()] = file
        else:
            skipped[file.suffix.lower() or "without a suffix"] += 1
    others = ", ".join(
        f"{count} {kind}{f' ({CONVERT[kind]})' if kind in CONVERT else ''}"
        for kind, count in sorted(skipped.items())
    )
    if not found:
        known = ", ".join(sorted(SUFFIXES))
        only = f", only {others}" if others else ""
        raise InputError(f"images={folder}: no images ({known}){only}; check the path")
    if skipped:
        log.warning("%s: skipped %s", folder, others)
    return {name: found[name] for name in sorted(found, key=natural_key)}


def _listed(path: Path) -> dict[str, Path]:
    """Return the images that a list names, in its order."""
    found: dict[str, Path] = {}
    lines = read_lines(path, "write a path per line")
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        file = path.parent / line
        if not file.is_file():
            raise InputError(f"{path} line {number}: no image {file}; correct or remove the line")
        if line in found:
            raise InputError(f"{path} line {number}: {line} is listed twice; remove one")
        found[line] = file
    if not found:
        raise InputError(f"{path}: lists no images; write a path per line")
    return found
