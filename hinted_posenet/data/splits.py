"""Training, validation and test views of one or several scenes, kept apart; a key that tells when they changed."""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.exclude import EXCLUDE_FILE, read_exclude
from hinted_posenet.data.formats.layout import SPLITS, ReadViews, file_names

VALIDATION_SHARE = 0.15  # aimed at when a held-out sequence is chosen by itself

log = logging.getLogger(__name__)


class Splits(NamedTuple):
    """What is read of a scene."""

    views: dict[str, list[View]]  # by split: "train", "val" and "test"
    excluded: dict[str, str]  # frames that were left out -> why
    # frames by scene and split as the data set has them, before any was left or held out
    counts: dict[str, dict[str, int]]


def split_views(
    read_views: ReadViews,
    root: Path,
    scene: str,
    validation: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Splits:
    """Views by split: "train", "val" and "test".

    A reader whose "val" is empty has no validation split; then whole training sequences are held
    out, because neighbouring frames of one sequence are nearly the same image. If there is one
    training sequence only, its last 15 % of frames are held out.

    ``validation`` names the sequences to hold out; None takes the one nearest to 15 % of the frames. The
    other arguments are those of `read_splits`.
    """
    read = read_splits(read_views, root, scene, SPLITS, exclude, skip_faulty)
    splits = read.views
    if splits["val"] and validation is not None:
        raise InputError(
            f"{scene}: has a validation split of its own ({len(splits['val'])} frames); set "
            "validation=null"
        )
    if not splits["val"]:
        splits["train"], splits["val"] = hold_out(splits["train"], scene, validation)
    for split, views in splits.items():
        if not views:
            raise InputError(
                f"{scene}: the {split} split in {root} is empty; check its split files"
            )
    _check_leaks(scene, splits)
    return read


def read_splits(
    read_views: ReadViews,
    root: Path,
    scene: str,
    splits: Sequence[str],
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Splits:
    """Views by split as the data set has them.

    Args:
        read_views: Reader of one data set, with its options bound.
        root: Folder that holds the scenes.
        scene: Name of the scene.
        splits: Names that the reader knows.
        exclude: Frames to leave out, besides those that ``exclude.txt`` in the scene's folder names.
        skip_faulty: Leave out frames that cannot be read, instead of stopping at the first.
    """
    reasons = dict.fromkeys(exclude, "data.exclude")
    reasons |= read_exclude(root / scene / EXCLUDE_FILE)
    found, faults, counts = {}, list[Fault](), {}
    for split in splits:
        unreadable: list[Fault] = []
        found[split] = read_views(root, scene, split, faults=unreadable)
        counts[split] = len(found[split]) + len(unreadable)
        faults += [*unreadable, *missing_images(found[split])]
    known = {frame.name for views in found.values() for frame in views} | {f.name for f in faults}
    for name, where in reasons.items():  # a misspelt name would silently leave a bad frame in
        if name not in known:
            raise InputError(
                f"{scene}: no frame {name}, which {EXCLUDE_FILE} or data.exclude names ({where}); "
                "write it as the data set does, or remove it"
            )
    # a row that tells no split is found wrong in all of them
    faults = [fault for fault in dict.fromkeys(faults) if fault.name not in reasons]
    excluded = reasons | stop_or_skip(scene, faults, skip_faulty)
    return Splits(without(found, excluded), excluded, {scene: counts})


def missing_images(views: Sequence[View]) -> list[Fault]:
    """Faults of views whose image file is not there; each folder is listed once."""
    present: dict[Path, set[str]] = {}
    faults = []
    for view in views:
        folder = view.image.parent
        if folder not in present:
            present[folder] = file_names(folder)
        if view.image.name not in present[folder]:
            message = f"{view.where}: missing image {view.image}; fetch or write it again"
            faults.append(Fault(view.name, message))
    return faults


def stop_or_skip(scene: str, faults: Sequence[Fault], skip: bool) -> dict[str, str]:
    """Frames to leave out and why; InputError about the first unless they may be skipped."""
    if faults and not skip:
        others = f" ({len(faults) - 1} more such frames)" if len(faults) > 1 else ""
        raise InputError(
            f"{scene}: {faults[0].message}{others}; data.skip_faulty=true leaves out what cannot be "
            "read, and `hinted-posenet data check` lists it"
        )
    if faults:
        log.warning("%s: %d frames cannot be read and are left out", scene, len(faults))
    return {fault.name: fault.message for fault in faults}


def without(splits: Mapping[str, list[View]], names: Mapping[str, str]) -> dict[str, list[View]]:
    """Views by split, without those of the given names."""
    return {
        split: [view for view in views if view.name not in names] for split, views in splits.items()
    }


def views_key(views: Sequence[View]) -> str:
    """Hash of names, file sizes and times, intrinsics, lens, poses and priors, in order: for caches."""
    digest = hashlib.sha256()
    for view in views:
        try:
            stat = view.image.stat()
        except FileNotFoundError:
            raise InputError(f"{view.image}: missing; fetch or write it again") from None
        numbers = torch.cat([*view.T_world_cam, view.K.flatten()]).tolist()
        numbers += view.distortion
        if view.prior:  # told only where there is one, so that caches of images without stay valid
            pose, sigma_t_m, sigma_r_rad, _ = view.prior
            numbers += [*torch.cat(pose).tolist(), float(sigma_t_m), float(sigma_r_rad)]
        key = (view.name, view.scene, stat.st_size, stat.st_mtime_ns, numbers)
        digest.update(repr(key).encode())
    return digest.hexdigest()


def hold_out(
    train: list[View], scene: str, validation: Sequence[str] | None
) -> tuple[list[View], list[View]]:
    """(train, val) of the training views: whole sequences, see `split_views`."""
    counts = Counter(view.sequence for view in train)
    choices = ", ".join(sorted(counts))
    if validation is None:
        if not counts:
            return [], []
        if len(counts) == 1:
            return _hold_out_last_block(train, scene)
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


SEPARATOR = "+"  # data.scene=chess+fire


def split_scenes(
    read_views: ReadViews,
    root: Path,
    scenes: str,
    validation: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Splits:
    """`split_views` of one scene, or of several joined by ``+``.

    Of several, names and sequences get their scene in front, also in ``validation`` and ``exclude``:
    "chess/seq-01". Views are numbered by scene, and the tag "scene" breaks results down.
    """
    names = scenes.split(SEPARATOR)
    if len(names) == 1:
        return split_views(read_views, root, scenes, validation, exclude, skip_faulty)
    if len(set(names)) < len(names):
        raise InputError(f"data.scene={scenes}: names a scene twice")
    for name in (*(validation or ()), *exclude):
        if not any(name.startswith(f"{scene}/") for scene in names):
            raise InputError(f"data.scene={scenes}: {name} is of none of them; write SCENE/{name}")
    joined = Splits({"train": [], "val": [], "test": []}, {}, {})
    for number, scene in enumerate(names):
        held_out = _within(scene, validation or ()) or None
        one = split_views(read_views, root, scene, held_out, _within(scene, exclude), skip_faulty)
        for split, views in one.views.items():
            joined.views[split].extend(_named(view, scene, number) for view in views)
        joined.excluded.update({f"{scene}/{name}": why for name, why in one.excluded.items()})
        joined.counts.update(one.counts)
    return joined


def _within(scene: str, names: Sequence[str]) -> list[str]:
    """What follows the scene in the names that begin with it."""
    return [name.removeprefix(f"{scene}/") for name in names if name.startswith(f"{scene}/")]


def _named(view: View, scene: str, number: int) -> View:
    return view._replace(
        name=f"{scene}/{view.name}",
        sequence=f"{scene}/{view.sequence}",
        tags={"scene": scene, **view.tags},
        scene=number,
    )
