"""Match priors with images: by name, or by time within a tolerance."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.place import Prior

SHOWN = 3  # names in a line of text


class Matched(NamedTuple):
    """The priors of images, and what has none on either side."""

    hints: list[Hint | None]  # (), float64, one for each image
    without: list[str]  # names of images without a prior
    unused: list[str]  # file and line of priors without an image

    def lines(self) -> list[str]:
        """Describe the match in up to three lines, which name what is left over."""
        count = len(self.hints)
        found = [f"{count - len(self.without)} of {count} images have a prior"]
        for what, names in (
            ("images without a prior", self.without),
            ("priors without an image", self.unused),
        ):
            if names:
                more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                found.append(f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}")
        return found


def match(
    names: Sequence[str],
    times_s: Sequence[float | None],
    priors: Sequence[Prior],
    time_tolerance_s: float,
) -> Matched:
    """Give each image, by its name and time, its prior.

    Names are equal, or else the last parts of their paths are and are unique on both sides. A prior without a
    name belongs to the images at most ``time_tolerance_s`` from it: where there is one on both sides of an image,
    their poses are interpolated, else it is the nearer one's.

    Raises:
        InputError: Two priors have one name, or there are priors with times alone and no image has a time.
    """
    found = _by_name(names, priors)
    by_time = sorted(
        (p for p in priors if p.name is None and p.time_s is not None),
        key=lambda p: p.time_s or 0.0,
    )
    if by_time and all(time_s is None for time_s in times_s):
        raise InputError(
            f"{by_time[0].where}: is found by time, and no image states one; add a column name, or use "
            f"images with EXIF times, see {CARD}"
        )
    hints: list[Hint | None] = []
    used = {prior.where for prior in found.values()}
    for name, time_s in zip(names, times_s, strict=True):
        near = [found[name]] if name in found else []
        if not near and time_s is not None:
            near = _near(by_time, time_s, time_tolerance_s)
        used |= {prior.where for prior in near}
        hints.append(_between(near, time_s) if near else None)
    return Matched(
        hints,
        [name for name, hint in zip(names, hints, strict=True) if hint is None],
        [prior.where for prior in priors if prior.where not in used],
    )


def _by_name(names: Sequence[str], priors: Sequence[Prior]) -> dict[str, Prior]:
    """Return the priors of images by name."""
    of: dict[str, Prior] = {}
    for prior in priors:
        if prior.name is None:
            continue
        if prior.name in of:
            raise InputError(
                f"{prior.where}: {prior.name} has a prior already at {of[prior.name].where}; remove one"
            )
        of[prior.name] = prior
    found = {name: of[name] for name in names if name in of}
    last = {_last(name): prior for name, prior in of.items() if name not in found}
    counts = Counter(map(_last, of))
    images = Counter(map(_last, names))
    for name in names:
        base = _last(name)
        if name not in found and base in last and counts[base] == images[base] == 1:
            found[name] = last[base]
    return found


def _last(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _near(priors: Sequence[Prior], time_s: float, tolerance_s: float) -> list[Prior]:
    """Return the priors before and after a time, or the nearest one, within the tolerance; none if there are none.

    Priors are sorted by time.
    """
    after = bisect_left(priors, time_s, key=_time)
    close = [
        p for p in priors[max(after - 1, 0) : after + 1] if abs(_time(p) - time_s) <= tolerance_s
    ]
    exact = [prior for prior in close if _time(prior) == time_s]
    return exact or close


def _time(prior: Prior) -> float:
    return math.nan if prior.time_s is None else prior.time_s


def _between(priors: Sequence[Prior], time_s: float | None) -> Hint:
    """Interpolate one or two hints at a time, and their covariances, as if their errors were the same."""
    first, last = priors[0], priors[-1]
    if time_s is None or first is last or _time(first) == _time(last):
        return first.hint
    share = (time_s - _time(first)) / (_time(last) - _time(first))
    a, b = first.hint, last.hint
    t = (1 - share) * a.pose.t + share * b.pose.t
    q = compose_rotvec(a.pose.q, share * relative_rotvec(a.pose.q, b.pose.q))
    return Hint(Pose(t, q), (1 - share) * a.covariance + share * b.covariance)
