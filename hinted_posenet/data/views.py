"""Train, validation and test views of a scene, kept apart; a key that tells when they changed."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import torch

from hinted_posenet.types import InputError, View

ReadViews = Callable[[Path, str, str], list[View]]  # (root, scene, split)

VALIDATION_SHARE = 0.15  # aimed at when a held-out sequence is chosen by itself

log = logging.getLogger(__name__)


def split_views(
    read_views: ReadViews, root: Path, scene: str, validation: Sequence[str] | None = None
) -> dict[str, list[View]]:
    """Views by split: "train", "val" and "test".

    A reader whose "val" is empty has no validation split; then whole training sequences are held
    out, because neighbouring frames of one sequence are nearly the same image. If there is one
    training sequence only, its last 15 % of frames are held out.

    Args:
        read_views: Reader of one data set, with its options bound.
        root: Folder that holds the scenes.
        scene: Name of the scene.
        validation: Training sequences to hold out; None takes the one nearest to 15 % of
            the frames.
    """
    train, val, test = (read_views(root, scene, split) for split in ("train", "val", "test"))
    if val and validation is not None:
        raise InputError(
            f"{scene}: has a validation split of its own ({len(val)} frames); set validation=null"
        )
    if not val:
        train, val = _hold_out(train, scene, validation)
    splits = {"train": train, "val": val, "test": test}
    for split, views in splits.items():
        if not views:
            raise InputError(
                f"{scene}: the {split} split in {root} is empty; check its split files"
            )
    _check_leaks(scene, splits)
    return splits


def views_key(views: Sequence[View]) -> str:
    """Hash of names, file sizes and times, intrinsics, lens, poses and priors, in order: for caches."""
    digest = hashlib.sha256()
    for view in views:
        try:
            stat = view.image.stat()
        except FileNotFoundError:
            raise InputError(f"{view.image}: missing; fetch or write it again") from None
        numbers = torch.cat([*view.T_world_cam, view.K.flatten()]).tolist()
        # told only where there are any, so that caches of images without stay valid
        prior = (
            [*view.prior.pose, view.prior.sigma_t[None], view.prior.sigma_r[None]]
            if view.prior
            else []
        )
        numbers += [*view.distortion, *(x for part in prior for x in part.tolist())]
        digest.update(repr((view.name, stat.st_size, stat.st_mtime_ns, numbers)).encode())
    return digest.hexdigest()


def _hold_out(
    train: list[View], scene: str, validation: Sequence[str] | None
) -> tuple[list[View], list[View]]:
    """(train, val) of the training views."""
    counts = Counter(view.sequence for view in train)
    choices = ", ".join(sorted(counts))
    if validation is None and len(counts) == 1:
        return _hold_out_last_block(train, scene)
    if validation is None:
        if not counts:
            return [], []
        chosen = {
            min(counts, key=lambda name: (abs(counts[name] / len(train) - VALIDATION_SHARE), name))
        }
        log.info("%s: validation sequence %s, chosen by its size", scene, *chosen)
    else:
        chosen = set(validation)
        if not chosen or not chosen <= counts.keys():
            unknown = ", ".join(sorted(chosen - counts.keys())) or "an empty list"
            raise InputError(
                f"{scene}: validation names {unknown}; its training sequences are {choices}"
            )
        if chosen == counts.keys():
            raise InputError(
                f"{scene}: validation takes all training sequences ({choices}); leave at "
                "least one, or set validation=null"
            )
    return (
        [view for view in train if view.sequence not in chosen],
        [view for view in train if view.sequence in chosen],
    )


def _hold_out_last_block(train: list[View], scene: str) -> tuple[list[View], list[View]]:
    size = max(1, round(VALIDATION_SHARE * len(train)))
    if size == len(train):
        raise InputError(f"{scene}: one training frame; at least 2 are needed to hold one out")
    log.warning(
        "%s: one training sequence only, so its last %d frames are the validation split; the "
        "frames at the seam are near duplicates",
        scene,
        size,
    )
    return train[:-size], train[-size:]


def _check_leaks(scene: str, splits: dict[str, list[View]]) -> None:
    images = {split: {view.image for view in views} for split, views in splits.items()}
    for first, second in combinations(images, 2):
        shared = images[first] & images[second]
        if shared:
            raise InputError(
                f"{scene}: {min(shared)} is in both {first} and {second} ({len(shared)} images "
                "are); remove it from one of the split files"
            )
