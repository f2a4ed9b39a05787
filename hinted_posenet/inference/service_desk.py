"""One computation at a time, and a bounded number that waits; what is known of the last images is kept."""

import asyncio
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.locate import Localizer
from hinted_posenet.inference.map_localizer import MapLocalizer

KEPT = 8  # images, of which each has some 0.1 to 5 MB of features

Result = TypeVar("Result")


class BusyError(Exception):
    """Too many requests wait, or one takes too long."""


class UnknownImageError(Exception):
    """An image that is not kept any more."""


class Desk:
    """A thread that computes, with a queue in front of it."""

    def __init__(self, queue: int, timeout_s: float) -> None:
        self._pool = ThreadPoolExecutor(1, "localizer")
        self._most, self._timeout_s = queue, timeout_s
        self._one_thread, self.waiting = threading.Lock(), 0

    async def ask(self, job: Callable[[], Result]) -> Result:
        """Return what a job returns in the thread; one that is late keeps its place until it has ended.

        Raises:
            BusyError: No place in the queue is free, or the time is over.
        """
        with self._one_thread:
            if self.waiting >= self._most:
                raise BusyError("too many requests wait; ask again in a moment")
            self.waiting += 1
        future = self._pool.submit(job)
        future.add_done_callback(self._leave)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._timeout_s)
        except TimeoutError:
            raise BusyError(
                f"no answer within {self._timeout_s:g} s; ask again, or raise timeout_s"
            ) from None

    def _leave(self, _: "Future[Any]") -> None:
        with self._one_thread:
            self.waiting -= 1


class Asked(NamedTuple):
    """One request: an image, or the id of one that was sent before."""

    content: bytes | None
    image_id: str | None
    camera: QueryCamera | None
    hint: Hint | None
    modes: int


class Found(NamedTuple):
    """What a localizer makes of it."""

    image_id: str
    cached: bool
    estimate: Estimate
    without_hint: Estimate | None
    time_ms: float


class Kept(NamedTuple):
    """What is known of an image whatever the hint."""

    prepared: Any  # of the localizer's `prepare`
    alone: Estimate | None = None  # without a hint; None: not computed yet, or a hint is needed
    modes: int = 0  # that it was asked for


class CachedLocalizer:
    """A localizer that knows the last images: for another hint of theirs, only the answer is computed.

    It is used by one thread at a time.
    """

    def __init__(
        self, localizer: Localizer | MapLocalizer, camera: QueryCamera | None = None
    ) -> None:
        self._localizer, self._camera = localizer, camera
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def locate(self, asked: Asked) -> Found:
        """Localize an image with a hint, and without it.

        Raises:
            InputError: Image, camera or hint is wrong.
            UnknownImageError: Its id is of an image that is not kept.
        """
        started = time.perf_counter()
        camera = asked.camera or self._camera
        image_id = asked.image_id or hashlib.sha256(asked.content or b"").hexdigest()
        key = image_id, repr(camera)
        kept, cached = self._kept.get(key), True
        if kept is None:
            if asked.content is None:
                raise UnknownImageError("image_id: this image is not kept any more; send the image")
            kept, cached = Kept(self._localizer.prepare(asked.content, camera)), False
        alone = kept.alone
        if isinstance(self._localizer, MapLocalizer):
            estimate = self._localizer.locate_prepared(kept.prepared, asked.hint)
        else:
            if alone is None or kept.modes != asked.modes:
                alone = self._localizer.locate_prepared(kept.prepared, modes=asked.modes)
            estimate = alone
            if asked.hint is not None:
                estimate = self._localizer.locate_prepared(
                    kept.prepared, asked.hint, modes=asked.modes
                )
        self._keep(key, kept._replace(alone=alone, modes=asked.modes))
        shown = None if asked.hint is None else alone
        return Found(image_id, cached, estimate, shown, 1000 * (time.perf_counter() - started))

    def _keep(self, key: tuple[str, str], kept: Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def checked_image(content: bytes | None, image_id: str | None) -> None:
    """Refuse a request without an image, or with two.

    Raises:
        InputError: It says which fields to give.
    """
    if (content is None) == (image_id is None):
        how = (
            "two images; give one of them" if content is not None else "no image; give one of them"
        )
        raise InputError(f"image and image_id: {how}")
    if content is not None and not content:
        raise InputError("image: is empty; send the content of an image file")
