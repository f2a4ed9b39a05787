"""Training, validation and test views of one or several scenes, kept apart, and a cache key of views."""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.formats.layout import SPLITS, ReadViews
from hinted_posenet.data.image_files import read_bytes
from hinted_posenet.data.read_scene import read_usable

VALIDATION_SHARE = 0.15  # of the training frames, aimed at when no validation sequence is named
SEPARATOR = "+"  # data.scene=chess+fire

log = logging.getLogger(__name__)


class Splits(NamedTuple):
    """The views that a training uses."""

    views: dict[str, list[View]]  # by split: "train", "val" and "test"
    excluded: dict[str, str]  # frames that were left out -> why
    # frames by scene and split as the data set has them, before any was left or held out
    counts: dict[str, dict[str, int]]


def split_scenes(
    read_views: ReadViews,
    root: Path,
    scenes: str,
    validation: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Splits:
    """Read one scene with `split_views`, or several whose names are joined by ``+``.

    Of several scenes, names and sequences are prefixed with their scene ("chess/seq-01"), also in
    ``validation`` and ``exclude``. Views carry the number of their scene, and the tag "scene" breaks
    results down.
    """
    names = scenes.split(SEPARATOR)
    if len(names) == 1:
        return split_views(read_views, root, scenes, validation, exclude, skip_faulty)
    if len(set(names)) < len(names):
        raise InputError(f"data.scene={scenes}: names a scene twice")
    for name in (*(validation or ()), *exclude):
        if not any(name.startswith(f"{scene}/") for scene in names):
            raise InputError(f"data.scene={scenes}: {name} is of none of them; write SCENE/{name}")
    joined = Splits({split: [] for split in SPLITS}, {}, {})
    for number, scene in enumerate(names):
        held_out = _within(scene, validation or ()) or None
        one = split_views(read_views, root, scene, held_out, _within(scene, exclude), skip_faulty)
        for split, views in one.views.items():
            joined.views[split] += (
                view._replace(
                    name=f"{scene}/{view.name}",
                    sequence=f"{scene}/{view.sequence}",
                    tags={"scene": scene, **view.tags},
                    scene=number,
                )
                for view in views
            )
        joined.excluded.update({f"{scene}/{name}": why for name, why in one.excluded.items()})
        joined.counts.update(one.counts)
    return joined


def split_views(
    read_views: ReadViews,
    root: Path,
    scene: str,
    validation: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Splits:
    """Read the training, validation and test views of a scene.

    If the data set has no validation split, whole training sequences are held out, because
    neighbouring frames of one sequence are nearly the same image. ``validation`` names these
    sequences; None takes the one whose size is nearest to 15 % of the frames. If there is only one
    training sequence, its last 15 % of frames are held out. The other arguments are those of
    `read_usable`.
    """
    read = read_usable(read_views, root, scene, SPLITS, exclude, skip_faulty)
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
    images = {split: {view.image for view in views} for split, views in splits.items()}
    for first, second in combinations(images, 2):
        if shared := images[first] & images[second]:
            raise InputError(
                f"{scene}: {min(shared)} is in both {first} and {second} ({len(shared)} images "
                "are); remove it from one of the split files"
            )
    return Splits(splits, read.excluded, {scene: read.counts})


def views_key(views: Sequence[View], contents: Mapping[str, str] | None = None) -> str:
    """Hash the names, contents, intrinsics, lenses, poses and priors, in order, as a cache key.

    ``contents`` are hashes of files by absolute path, as a cache of their images knows them; the others are read.
    """
    digest, known = hashlib.sha256(), contents or {}
    for view in views:
        content = known.get(str(view.image.absolute()))
        if content is None:
            content = hashlib.blake2b(read_bytes(view.image), digest_size=16).hexdigest()
        numbers = torch.cat([*view.T_world_cam, view.K.flatten()]).tolist()
        numbers += view.distortion
        if view.prior:  # only then, so that caches of images without a prior stay valid
            pose, covariance, _ = view.prior
            numbers += torch.cat([*pose, covariance.flatten()]).tolist()
        key = (view.name, view.scene, content, numbers)
        digest.update(repr(key).encode())
    return digest.hexdigest()


def hold_out(
    train: list[View], scene: str, validation: Sequence[str] | None
) -> tuple[list[View], list[View]]:
    """Divide the training views into training and validation by whole sequences, see `split_views`."""
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
        *(scene, size),
    )
    return train[:-size], train[-size:]


def _within(scene: str, names: Sequence[str]) -> list[str]:
    """Return what follows the scene in the names that begin with it."""
    return [name.removeprefix(f"{scene}/") for name in names if name.startswith(f"{scene}/")]
