"""Images decoded and resized once and kept on disk; every file is checked on the way.

In the folder, an index (`index`) knows what file, by its content, lies where in segments: .npy files
``<H>x<W>/<name>.npy`` of images (N, 3, H, W), written once and never changed. A source file whose size and
times are those of its last reading is taken to be the same; else its content is hashed, and decoded only if
that is new.
"""

import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cache.decoded_images import DecodedImages, Origin, Place, origin_of
from hinted_posenet.data.cache.folder import clear_images, locked
from hinted_posenet.data.cache.index import ImageIndex
from hinted_posenet.data.cache.segment import add_segment

# held in memory while it is decoded, and what a killed process loses at most
SEGMENT_BYTES = 128 * 2**20

log = logging.getLogger(__name__)


class ImageCache:
    """Decoded images in a folder of bounded size, which any number of processes may use.

    Args:
        folder: Of decoded images; made where it is missing.
        limit_gb: Most that they take on disk. Those least recently used make room, but none that this object was
            asked for; what does not fit is decoded on access. 0 keeps no images, only what was checked.
        threads: That decode; None takes one per core.
    """

    def __init__(self, folder: Path, limit_gb: float, threads: int | None = None) -> None:
        self.folder = Path(folder)
        self.limit_gb = limit_gb
        self.threads = threads or os.cpu_count() or 1
        self._in_use: set[str | None] = set()  # names of segments

    def fill(
        self, views: Sequence[View], height: int, width: int, title: str
    ) -> tuple[DecodedImages, list[Fault]]:
        """Decode what is not there yet; say which files are missing, unreadable or of a wrong size.

        Every file is decoded once and then known as checked, also where its pixels are not kept. A second process
        waits for the first and finds its images.

        Args:
            views: All that are used at one size, of any split and scene.
            height: To resize to, in pixels.
            width: As height.
            title: Of the set, for the progress bar and for lists of what the cache holds.

        Raises:
            InputError: The folder cannot be written.
        """
        by_origin = {origin_of(view): view for view in views}
        try:
            places, bad = self._fill(by_origin, (height, width), title)
        except (OSError, sqlite3.OperationalError) as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error}); set paths.cache to another folder"
            ) from None
        except sqlite3.DatabaseError:
            log.warning("%s: the index is damaged, so images are decoded anew", self.folder)
            clear_images(self.folder)
            return self.fill(views, height, width, title)
        bad |= _wrong_sizes(by_origin, places)
        faults = [Fault(view.name, bad[key]) for view in views if (key := origin_of(view)) in bad]
        return DecodedImages(self.folder, (height, width), places), faults

    def _fill(
        self, views: Mapping[Origin, View], shape: tuple[int, int], title: str
    ) -> tuple[dict[Origin, Place], dict[Origin, str]]:
        """Places of what could be read, and what is wrong with the rest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with closing(ImageIndex(self.folder)) as index:
            places = index.find(views, shape)
            if not any(self._is_missing(places, origin) for origin in views):
                index.touch(self._use(places))
                return places, {}
        # opened anew under the lock, because who held it may have cleared the folder
        with locked(self.folder), closing(ImageIndex(self.folder)) as index:
            index.sweep()
            places = index.find(views, shape)
            bad = self._decode(index, views, places, shape, title)
            index.touch(self._use(places))
        return places, bad

    def _decode(
        self,
        index: ImageIndex,
        views: Mapping[Origin, View],
        places: dict[Origin, Place],
        shape: tuple[int, int],
        title: str,
    ) -> dict[Origin, str]:
        """Decode what is missing and add its places, segment by segment; what is wrong with the rest."""
        bad: dict[Origin, str] = {}
        missing = [origin for origin in views if self._is_missing(places, origin)]
        image_bytes = 3 * shape[0] * shape[1]
        step = max(1, SEGMENT_BYTES // image_bytes)
        keep = self.limit_gb > 0
        with (
            ThreadPoolExecutor(self.threads) as pool,
            tqdm(total=len(missing), desc=f"decode {title}", unit="image") as progress,
        ):
            for first in range(0, len(missing), step):
                batch = missing[first : first + step]
                room = (image_bytes * len(batch), round(self.limit_gb * 1e9), self._use(places))
                if keep and not index.make_room(*room):
                    keep = False
                    log.warning(
                        "%s: %d of %d images are decoded anew each time: image_cache_gb=%g, or the disk of "
                        "%s, has no room for them; raise it, or set paths.cache to another disk",
                        *(title, len(missing) - first, len(views), self.limit_gb, self.folder),
                    )
                if not keep:
                    progress.update(sum(origin in places for origin in batch))
                    batch = [origin for origin in batch if origin not in places]
                some = {origin: views[origin] for origin in batch}
                found, wrong = add_segment(index, some, shape, title, keep, pool, progress)
                places |= found
                bad |= wrong
        return bad

    def _is_missing(self, places: Mapping[Origin, Place], origin: Origin) -> bool:
        """Whether it was not checked yet, or not kept where it should be."""
        place = places.get(origin)
        return place is None or (place.segment is None and self.limit_gb > 0)

    def _use(self, places: Mapping[Origin, Place]) -> set[str | None]:
        """All segments in use, now also those of ``places``."""
        self._in_use.update(place.segment for place in places.values())
        return self._in_use


def _wrong_sizes(views: Mapping[Origin, View], places: Mapping[Origin, Place]) -> dict[Origin, str]:
    """What is of another size than its K is for, or than the first image of the same sequence and K."""
    wrong: dict[Origin, str] = {}
    first: dict[tuple[str, str], tuple[int, int]] = {}
    for origin, view in views.items():
        if origin not in places:
            continue
        size = places[origin].width, places[origin].height
        camera = view.sequence, str(view.K.tolist())
        expected = view.size or first.setdefault(camera, size)
        if size != expected:
            whose = "as its camera says" if view.size else "as the first image of its sequence"
            wrong[origin] = (
                f"{view.image}: is {size[0]}x{size[1]}, expected {expected[0]}x{expected[1]} {whose}; "
                "write it in that size, or exclude it"
            )
    return wrong
