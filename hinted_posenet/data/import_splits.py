"""Split your own images by whole sequences or by spatial blocks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View


class Shares(NamedTuple):
    """Shares of the frames that are held out, from 0 to 1."""

    test: float
    val: float  # 0: no validation split; training then holds out a part

    def check(self) -> None:
        """Refuse shares that leave nothing to test or nothing to train on."""
        if not (self.test > 0 and self.val >= 0 and self.test + self.val < 1):
            raise InputError(
                f"shares of {self.test:g} for the test and {self.val:g} for validation: expected the "
                "first above 0, the second not below, and less than 1 together"
            )


class Divided(NamedTuple):
    """Views by split: "train", "val" and "test"."""

    views: dict[str, list[View]]
    method: dict[str, Any]  # how they were split, with all numbers, for the manifest


def camera_centers(views: Sequence[View]) -> NDArray[np.float64]:
    """Return the camera centers (N, 3) in metres."""
    return np.array([view.T_world_cam.t.tolist() for view in views]).reshape(-1, 3)


def nearest_m(views: Sequence[View], others: Sequence[View]) -> NDArray[np.float64]:
    """Return metres (N,) from each view's camera to the nearest of the others; inf if there are none."""
    if not views or not others:
        return np.full(len(views), np.inf)
    distances: NDArray[np.float64] = cKDTree(camera_centers(others)).query(camera_centers(views))[0]
    return distances


def split_by_block(
    views: Sequence[View], shares: Shares, seed: int, blocks: int = 20, margin_m: float = 0.0
) -> Divided:
    """Hold out shares of the blocks of neighbouring cameras, which have about as many frames each.

    Training frames nearer than ``margin_m`` to a held-out frame are left out, and validation frames nearer than
    this to a test frame.
    """
    shares.check()
    count = min(blocks, len(views))
    tested = max(1, round(shares.test * count))
    held = max(1, round(shares.val * count)) if shares.val else 0
    if tested + held >= count:
        raise InputError(
            f"{len(views)} frames in {count} blocks: none would be left for training; use more "
            "blocks or smaller shares"
        )
    block_of = spatial_blocks(camera_centers(views), count)
    order = np.random.default_rng(seed).permutation(count)
    split_of = np.full(count, "train", dtype=object)
    split_of[order[:tested]] = "test"
    split_of[order[tested : tested + held]] = "val"
    divided = _by_split(views, split_of[block_of])
    near = 0
    for split, others in (("val", divided["test"]), ("train", divided["test"] + divided["val"])):
        far = nearest_m(divided[split], others) >= margin_m
        near += int((~far).sum())
        divided[split] = [view for view, keep in zip(divided[split], far, strict=True) if keep]
    if not divided["train"] or (held and not divided["val"]):
        raise InputError(f"margin_m={margin_m:g}: leaves no frames to train on; give a smaller one")
    method = {"method": "spatial block", "seed": seed, "blocks": count, "margin_m": margin_m}
    method |= {"test_share": shares.test, "val_share": shares.val, "left_out_in_margin": near}
    return Divided(divided, method)


def spatial_blocks(centers: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the block (N,) of each camera center (N, 3), from 0; blocks have about as many cameras each.

    The cameras are divided across their longer extent, then each part across its own, and so on; by rank
    and not by distance, so that a wrong pose far away does not take all blocks for itself.
    """
    block_of = np.zeros(len(centers), dtype=np.int64)
    parts = [(np.arange(len(centers)), 0, count)]
    while parts:
        members, first, blocks = parts.pop()
        if blocks == 1:
            block_of[members] = first
            continue
        low, high = np.quantile(centers[members], [0.05, 0.95], axis=0)
        axis = int(np.argmax(high - low))
        members = members[np.argsort(centers[members, axis], kind="stable")]
        before = blocks // 2
        cut = round(len(members) * before / blocks)
        parts.append((members[:cut], first, before))
        parts.append((members[cut:], first + before, blocks - before))
    return block_of


def split_by_sequence(
    views: Sequence[View],
    shares: Shares,
    seed: int,
    test: Sequence[str] = (),
    val: Sequence[str] = (),
) -> Divided:
    """Hold out whole sequences, until about as many frames are held out as wanted.

    Where ``test`` or ``val`` name no sequences, they are drawn: the seed decides in which order they are
    considered.
    """
    counts = Counter(view.sequence for view in views)
    for name in (*test, *val):
        if name not in counts:
            raise InputError(f"no sequence {name!r}; the sequences are {', '.join(sorted(counts))}")
    if twice := set(test) & set(val):
        raise InputError(f"sequence {min(twice)} is for the test and for validation")
    shares.check()
    order = np.random.default_rng(seed).permutation(sorted(counts)).tolist()
    free = [name for name in order if name not in {*test, *val}]
    draws_val = not val and shares.val > 0
    needed = 1 + (not test) + draws_val  # one at least stays for training
    if len(free) < needed:
        raise InputError(
            f"sequences {', '.join(sorted(counts))}: too few to hold out whole ones; use "
            "split=block, or val_share=0"
        )
    tested = list(test) or _draw(free, counts, shares.test * len(views), keep=1 + draws_val)
    free = [name for name in free if name not in tested]
    held = list(val) or (_draw(free, counts, shares.val * len(views), keep=1) if draws_val else [])
    split_of = {**dict.fromkeys(tested, "test"), **dict.fromkeys(held, "val")}
    divided = _by_split(views, [split_of.get(view.sequence, "train") for view in views])
    method: dict[str, Any] = {"method": "sequence", "test": tested, "val": held}
    if not (test and (val or not draws_val)):
        method |= {"seed": seed, "test_share": shares.test, "val_share": shares.val}
    return Divided(divided, method)


def _by_split(views: Sequence[View], split_of: Iterable[str]) -> dict[str, list[View]]:
    """Group views by the split (N,) of each."""
    divided: dict[str, list[View]] = {"train": [], "val": [], "test": []}
    for view, split in zip(views, split_of, strict=True):
        divided[split].append(view)
    return divided


def _draw(free: Sequence[str], counts: Counter[str], frames: float, keep: int) -> list[str]:
    """Choose names that each bring the sum nearer to the number of frames; at least one, ``keep`` stay."""
    taken: list[str] = []
    held = 0
    for name in free:
        nearer = abs(held + counts[name] - frames) < abs(held - frames)
        if nearer and len(taken) < len(free) - keep:
            taken.append(name)
            held += counts[name]
    return taken or [min(free, key=lambda name: counts[name])]
