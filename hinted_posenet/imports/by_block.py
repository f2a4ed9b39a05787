"""A split by spatial blocks, for a single video or a pile of photos: whole places are held out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hinted_posenet.imports.divided import Divided, Shares, camera_centres, nearest_m
from hinted_posenet.types import InputError, View


def split_by_block(
    views: Sequence[View], shares: Shares, seed: int, blocks: int = 20, margin_m: float = 0.0
) -> Divided:
    """Hold out whole blocks of neighbouring cameras.

    Args:
        views: all frames.
        shares: of the blocks to hold out.
        seed: of the blocks that are drawn.
        blocks: how many there are, of about as many frames each.
        margin_m: frames for training nearer than this to one for validation or for the test, and frames
            for validation nearer to one for the test, are left out; in metres.
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
    block_of = spatial_blocks(camera_centres(views), count)
    order = np.random.default_rng(seed).permutation(count)
    split_of = np.full(count, "train", dtype=object)
    split_of[order[:tested]] = "test"
    split_of[order[tested : tested + held]] = "val"
    divided: dict[str, list[View]] = {"train": [], "val": [], "test": []}
    for view, block in zip(views, block_of, strict=True):
        divided[split_of[block]].append(view)
    near = 0
    for split, others in (("val", divided["test"]), ("train", divided["test"] + divided["val"])):
        far = nearest_m(divided[split], others) >= margin_m
        near += int((~far).sum())
        divided[split] = [view for view, keep in zip(divided[split], far, strict=True) if keep]
    if not divided["train"] or (held and not divided["val"]):
        raise InputError(
            f"--margin-m {margin_m:g}: leaves no frames to train on; give a smaller one"
        )
    told = {"method": "spatial block", "seed": seed, "blocks": count, "margin_m": margin_m}
    told |= {"test_share": shares.test, "val_share": shares.val, "left_out_in_margin": near}
    return Divided(divided, told)


def spatial_blocks(centres: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The block (N,) of each camera centre (N, 3), from 0; all of about the same number of cameras.

    The cameras are divided across their longer extent, then each part across its own, and so on. By ranks
    and not by distances, so that a wrong pose far away does not take all blocks for itself.
    """
    block_of = np.zeros(len(centres), dtype=np.int64)
    parts = [(np.arange(len(centres)), 0, count)]
    while parts:
        members, first, blocks = parts.pop()
        if blocks == 1:
            block_of[members] = first
            continue
        low, high = np.quantile(centres[members], [0.05, 0.95], axis=0)
        axis = int(np.argmax(high - low))
        members = members[np.argsort(centres[members, axis], kind="stable")]
        before = blocks // 2
        cut = round(len(members) * before / blocks)
        parts.append((members[:cut], first, before))
        parts.append((members[cut:], first + before, blocks - before))
    return block_of
