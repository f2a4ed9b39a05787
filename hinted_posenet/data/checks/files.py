"""Checks of files: frames against the dataset card, labels and images that cannot be used, copies and leaks."""

import math
import os
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from hinted_posenet.core.formatting import degrees, length
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.data.checks.checked_scene import Finding, Scene, counted
from hinted_posenet.data.dataset_card import (
    SceneCard,
    as_published,
    dataset_card_names,
    read_dataset_card,
)
from hinted_posenet.data.formats.unposed import unposed_images

ROUNDING = 1e-3  # of a text file with few digits
HARMLESS = 0.1  # published labels (St Mary's Church) reach 0.045, and point where they should
STUCK = 3  # frames in a row with exactly the same pose
# the rest as shares of the scene's half size
SAME_PLACE = 0.1  # a camera that repeats images has not moved far in between
SAME_RAD = math.radians(10)
NEAR, NEAR_RAD = 0.01, math.radians(2)  # a test camera beside a training camera
ORDER = ("train", "val", "test")


def check_counts(scene: Scene) -> list[Finding]:
    """Count frames and sequences, and compare them with the dataset card."""
    counts = scene.counts
    findings = []
    for split in (split for split, count in counts.items() if not count and split != "val"):
        message = f"the {split} split has no frame that can be read"
        findings.append(Finding("counts", "error", message, fix="see the findings on labels"))
    sequences = counted({view.sequence for view in scene.views}, "sequence")
    message = f"{_by_split(counts)} frames in {sequences}"
    card = _published(scene)
    if card is None or not card.frames:
        return [*findings, Finding("counts", "ok", message)]
    counts = dict(as_published(card.frames, counts))
    differing = {s: n for s, n in card.frames.items() if s in counts and counts[s] != n}
    if not differing:
        return [*findings, Finding("counts", "ok", f"{message}, as published")]
    message += f"; published are {_by_split(card.frames)}"
    readme = read_dataset_card(scene.layout).readme
    if any(counts[split] > count for split, count in differing.items()):
        fix = f"these are not the published splits; see {readme}"
        return [*findings, Finding("counts", "warning", message, fix=fix)]
    fix = f"a subset is fine; {readme} says how to get the rest"
    return [*findings, Finding("counts", "note", message, fix=fix)]


def check_known(scene: Scene, flagged: Collection[str]) -> list[Finding]:
    """Report frames that the dataset card lists as wrong, except those that are flagged anyway."""
    card = _published(scene)
    names = {view.name for view in scene.views} - set(flagged)
    known = card.known_bad if card else {}
    here = {name: f"the dataset card: {why}" for name, why in known.items() if name in names}
    if not here:
        return []
    message = f"{counted(here, 'frame')} known to be wrong"
    return [Finding("known frames", "warning", message, here, "exclude them (write_exclude=true)")]


def _published(scene: Scene) -> SceneCard | None:
    if scene.layout in dataset_card_names():
        return read_dataset_card(scene.layout).scenes.get(scene.name)
    return None


def _by_split(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())


def check_excluded(scene: Scene) -> list[Finding]:
    """Report frames that are excluded already, and names in exclude.txt that do not exist."""
    findings = []
    if scene.excluded:
        message = f"{counted(scene.excluded, 'frame')} excluded already, and not checked"
        findings.append(Finding("exclude.txt", "note", message, scene.excluded))
    if scene.strangers:
        frames = dict.fromkeys(scene.strangers, "no such frame")
        message = f"{counted(scene.strangers, 'name')} that no label has; loaders refuse the list"
        fix = "write them as the labels do, or remove the lines"
        findings.append(Finding("exclude.txt", "error", message, frames, fix))
    return findings


def check_notes(scene: Scene) -> list[Finding]:
    """Report what the reader says of data that it reads all the same."""
    return [Finding("reading", "note", message) for message in scene.notes]


def check_labels(scene: Scene) -> list[Finding]:
    """Report lines and files that the reader refuses: malformed, not finite, not a rotation, or repeated."""
    findings = [Finding("labels", "error", message) for message in scene.broken]
    if scene.faults:
        frames = {fault.name: fault.message for fault in scene.faults}
        message = f"{counted(scene.faults, 'label')} cannot be used"
        fix = "correct them, or exclude the frames (write_exclude=true)"
        findings.append(Finding("labels", "error", message, frames, fix))
    return findings or [Finding("labels", "ok", f"all {len(scene.views):,} can be read")]


def check_rotations(scene: Scene) -> list[Finding]:
    """Report stated rotations that are not of unit norm or not orthonormal; the reader normalizes them."""
    off = {view.name: view.rotation_error for view in scene.views if view.rotation_error > ROUNDING}
    if not off:
        return [Finding("rotations", "ok", "all of unit length")]
    ranked = sorted(off, key=lambda name: -off[name])
    far = {name: f"off by {off[name]:.2g}" for name in ranked if off[name] > HARMLESS}
    if far:
        message = f"{counted(far, 'rotation')} off unit length by more than {HARMLESS:.0%}"
        fix = "normalized when read; do not trust them: exclude the frames (write_exclude=true)"
        return [Finding("rotations", "warning", message, far, fix)]
    message = (
        f"{counted(off, 'rotation')} off unit length by up to {off[ranked[0]]:.2g} ({ranked[0]}); "
        "normalized when read"
    )
    return [Finding("rotations", "note", message)]


def check_images(scene: Scene) -> list[Finding]:
    """Report images that are missing, unreadable, or of another size than their intrinsics."""
    if not scene.has_images:
        message = f"none of the {len(scene.images):,} images exists; only labels were checked"
        return [Finding("images", "error", message, fix="fetch or unpack them")]
    differ = "of another size than the intrinsics are for"
    kinds: dict[str, dict[str, str]] = {"missing": {}, "cannot be decoded": {}, differ: {}}
    for view in scene.views:
        image = scene.images[view.image]
        if image.size is None:
            kind = "cannot be decoded" if image.is_there else "missing"
            kinds[kind][view.name] = image.error
        elif view.size is not None and image.size != view.size:
            why = "{}x{}, intrinsics are for {}x{}".format(*image.size, *view.size)
            kinds[differ][view.name] = why
    fix = "fetch or write them again, or exclude the frames (write_exclude=true)"
    findings = [
        Finding("images", "error", f"{counted(frames, 'image')} {what}", frames, fix)
        for what, frames in kinds.items()
        if frames
    ]
    return findings or [
        Finding("images", "ok", f"all {len(scene.images):,} exist and are readable")
    ]


def check_unlabelled(scene: Scene) -> list[Finding]:
    """Count the images beside those of the labels that no label names; COLMAP's reader knows its own."""
    folder = Path(os.path.commonpath([image.parent for image in scene.images]))
    if scene.layout == "colmap" or not folder.is_relative_to(scene.folder):
        return []
    unnamed = {*scene.excluded, *(fault.name for fault in scene.faults)}
    found = unposed_images(folder, scene.images, unnamed)
    if not found:
        return []
    frames = dict.fromkeys((path.relative_to(folder).as_posix() for path in found), "no label")
    return [
        Finding("images", "note", f"{counted(found, 'image')} in {folder} without a label", frames)
    ]


def check_duplicates(scene: Scene) -> list[Finding]:
    """Report one image under several names within a split, and one pose for several images in a row."""
    findings = [*_copied(scene), *_stuck(scene)]
    if not findings and scene.has_images:
        findings = [Finding("duplicates", "ok", "no repeated image in a split, no stuck pose")]
    return findings


def _copies(scene: Scene) -> list[list[int]]:
    """Group the views, by number, whose images have the same content."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, view in enumerate(scene.views):
        groups[scene.images[view.image].digest or str(view.image)].append(i)
    return [group for group in groups.values() if len(group) > 1]


def _copied(scene: Scene) -> list[Finding]:
    """Report copies far apart as a fault, copies side by side as a camera that repeats images."""
    t, q = scene.T_world_cam
    near: dict[str, str] = {}
    apart: dict[str, str] = {}
    most_m = most_rad = 0.0
    for group in _copies(scene):
        for split in {scene.split_of[i] for i in group}:
            first, *others = [i for i in group if scene.split_of[i] == split]
            for i in others:
                away_m = float((t[i] - t[first]).norm())
                turn_rad = float(rotation_angle(q[i], q[first]))
                is_near = away_m < SAME_PLACE * scene.scale_m and turn_rad < SAME_RAD
                why = f"same image as {scene.views[first].name}, {length(away_m)} away"
                (near if is_near else apart)[scene.views[i].name] = why
                if is_near:
                    most_m, most_rad = max(most_m, away_m), max(most_rad, turn_rad)
    findings = []
    if apart:
        message = f"{counted(apart, 'frame')} with the image of another, whose camera is elsewhere"
        fix = "one of the two labels is wrong: find out which, and list it in exclude.txt"
        findings.append(Finding("duplicates", "warning", message, apart, fix))
    if near:
        message = (
            f"{counted(near, 'frame')} with the image of another whose pose is within "
            f"{length(most_m)} and {degrees(math.degrees(most_rad))}: the camera repeats images"
        )
        findings.append(Finding("duplicates", "note", message, near))
    return findings


def _stuck(scene: Scene) -> list[Finding]:
    """Report frames of a moving sequence that repeat the pose of the frame before, several in a row."""
    rows = torch.cat(list(scene.T_world_cam), dim=1).numpy()
    stuck: dict[str, str] = {}
    for track in scene.tracks:
        still = (rows[track.views[1:]] == rows[track.views[:-1]]).all(axis=1)
        if still.sum() > 0.5 * len(still):  # a tripod
            continue
        edges = np.flatnonzero(np.diff(still.astype(int), prepend=0, append=0))
        for start, end in edges.reshape(-1, 2).tolist():
            if end - start + 1 >= STUCK:
                names = [scene.views[i].name for i in track.views[start : end + 1]]
                stuck |= dict.fromkeys(names[1:], f"same pose as {names[0]}")
    if not stuck:
        return []
    message = f"{counted(stuck, 'frame')} with exactly the pose of the frame before, {STUCK} or more in a row"
    fix = "the tracker was lost there, unless the camera stood still: look at the images"
    return [Finding("duplicates", "warning", message, stuck, fix)]


def check_leakage(scene: Scene) -> list[Finding]:
    """Report images that are in two splits, and test cameras that stand where a training camera stood."""
    if len(scene.splits) < 2:
        return []
    findings = []
    leaks = {}
    names, split = [view.name for view in scene.views], scene.split_of
    for group in _copies(scene):
        first = min(group, key=lambda i: ORDER.index(split[i]))
        for i in group:
            if split[i] != split[first]:
                leaks[names[i]] = f"in {split[i]}, same image as {names[first]} in {split[first]}"
    if leaks:
        message = f"{counted(leaks, 'image')} in two splits: results would be too good"
        fix = "remove them from one of the splits (or list one in exclude.txt)"
        findings.append(Finding("leakage", "error", message, leaks, fix))
    elif scene.has_images:
        findings.append(Finding("leakage", "ok", "no image is in two splits"))
    return [*findings, *_near(scene)]


def _near(scene: Scene) -> list[Finding]:
    """Report test cameras beside training cameras, which are allowed but good to know about."""
    splits = np.array(scene.split_of)
    train, test = np.flatnonzero(splits == "train"), np.flatnonzero(splits == "test")
    if not len(train) or not len(test):
        return []
    t, q = scene.T_world_cam
    away_m, nearest = cKDTree(t[train].numpy()).query(t[test].numpy())
    turn_rad = rotation_angle(q[test], q[train[nearest]]).numpy()
    near = (away_m < NEAR * scene.scale_m) & (turn_rad < NEAR_RAD)
    if not near.any():
        return []
    within = f"{length(NEAR * scene.scale_m)} and {math.degrees(NEAR_RAD):.0f}°"
    message = f"test cameras within {within} of a training camera: {near.sum():,} of {len(test):,}"
    fix = "split by sequence or by place if frames of one video are on both sides"
    return [Finding("leakage", "note", message, fix=fix)]
