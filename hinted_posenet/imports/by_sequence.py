"""A split by whole sequences: a test video was never trained on, whatever its neighbours look like."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from hinted_posenet.imports.divided import Divided, Shares
from hinted_posenet.types import InputError, View


def split_by_sequence(
    views: Sequence[View],
    shares: Shares,
    seed: int,
    test: Sequence[str] = (),
    val: Sequence[str] = (),
) -> Divided:
    """Hold out whole sequences, until about as many frames are held out as wanted.

    Args:
        views: all frames.
        shares: of the frames to hold out, where no names are given.
        seed: of the order in which sequences are considered.
        test: names of sequences for the test; none draws them.
        val: names of sequences for validation; none draws them.
    """
    counts = Counter(view.sequence for view in views)
    _check(counts, test, val)
    shares.check()
    order = np.random.default_rng(seed).permutation(sorted(counts)).tolist()
    free = [name for name in order if name not in {*test, *val}]
    draws_val = not val and shares.val > 0
    needed = 1 + (not test) + draws_val  # one at least stays for training
    if len(free) < needed:
        raise InputError(
            f"sequences {', '.join(sorted(counts))}: too few to hold out whole ones; use "
            "--split block, or --val-share 0"
        )
    tested = list(test) or _draw(free, counts, shares.test * len(views), keep=1 + draws_val)
    free = [name for name in free if name not in tested]
    held = list(val) or (_draw(free, counts, shares.val * len(views), keep=1) if draws_val else [])
    split_of = {**dict.fromkeys(tested, "test"), **dict.fromkeys(held, "val")}
    divided: dict[str, list[View]] = {"train": [], "val": [], "test": []}
    for view in views:
        divided[split_of.get(view.sequence, "train")].append(view)
    told: dict[str, Any] = {"method": "sequence", "test": tested, "val": held}
    if not (test and (val or not draws_val)):
        told |= {"seed": seed, "test_share": shares.test, "val_share": shares.val}
    return Divided(divided, told)


def _draw(free: Sequence[str], counts: Counter[str], frames: float, keep: int) -> list[str]:
    """Names of which each brings the sum nearer to the number of frames; at least one, ``keep`` stay."""
    taken: list[str] = []
    held = 0
    for name in free:
        nearer = abs(held + counts[name] - frames) < abs(held - frames)
        if nearer and len(taken) < len(free) - keep:
            taken.append(name)
            held += counts[name]
    return taken or [min(free, key=lambda name: counts[name])]


def _check(counts: Counter[str], test: Sequence[str], val: Sequence[str]) -> None:
    for name in (*test, *val):
        if name not in counts:
            raise InputError(f"no sequence {name!r}; the sequences are {', '.join(sorted(counts))}")
    if set(test) & set(val):
        raise InputError(f"sequence {min(set(test) & set(val))} is for the test and for validation")
