"""Checks for copied frames, stuck poses, and test frames that training has seen."""

import math
from collections import defaultdict

import numpy as np
import torch
from scipy.spatial import cKDTree

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.data.checks.checked_scene import Finding, Scene, counted, metres

STUCK = 3  # frames in a row with one pose to the last digit
SAME_PLACE = 0.1  # of the scene's half size: a camera that repeats images has not gone far between
SAME_RAD = math.radians(10)


def copies(scene: Scene) -> list[list[int]]:
    """Groups of views, by number, whose images have the same content."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, view in enumerate(scene.views):
        groups[scene.images[view.image].digest or str(view.image)].append(i)
    return [group for group in groups.values() if len(group) > 1]


def check_duplicates(scene: Scene) -> list[Finding]:
    """One image under several names within a split; one pose for several images in a row."""
    findings = [*_copied(scene), *_stuck(scene)]
    if not findings and scene.has_images:
        findings = [Finding("duplicates", "ok", "no image twice in a split, no pose that is stuck")]
    return findings


def _copied(scene: Scene) -> list[Finding]:
    """Copies apart from each other are a fault; copies side by side come of cameras that repeat images."""
    t, q = scene.T_world_cam
    near: dict[str, str] = {}
    apart: dict[str, str] = {}
    most_m = most_rad = 0.0
    for group in copies(scene):
        for split in {scene.split_of[i] for i in group}:
            first, *others = [i for i in group if scene.split_of[i] == split]
            for i in others:
                away_m = float((t[i] - t[first]).norm())
                turn_rad = float(rotation_angle(q[i], q[first]))
                is_near = away_m < SAME_PLACE * scene.scale_m and turn_rad < SAME_RAD
                why = f"same image as {scene.views[first].name}, {metres(away_m)} away"
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
            f"{metres(most_m)} and {math.degrees(most_rad):.1f} deg: the camera repeats images"
        )
        findings.append(Finding("duplicates", "note", message, near))
    return findings


def _stuck(scene: Scene) -> list[Finding]:
    """Frames of a moving sequence with the pose of the frame before, several in a row."""
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
    message = f"{counted(stuck, 'frame')} with the very pose of the frame before, {STUCK} or more in a row"
    fix = "the tracker was lost there, unless the camera stood still: look at the images"
    return [Finding("duplicates", "warning", message, stuck, fix)]


NEAR = 0.01  # of the scene's half size
NEAR_RAD = math.radians(2)
ORDER = ("train", "val", "test")


def check_leakage(scene: Scene) -> list[Finding]:
    """Images in two splits, and test cameras that stand where a training camera stood."""
    if len(scene.splits) < 2:
        return []
    findings = []
    leaks = {}
    names, split = [view.name for view in scene.views], scene.split_of
    for group in copies(scene):
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
    """Test cameras beside training cameras: allowed, but good to know."""
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
    message = (
        f"test cameras within {metres(NEAR * scene.scale_m)} and {math.degrees(NEAR_RAD):.0f} deg of a "
        f"training camera: {near.sum():,} of {len(test):,}"
    )
    fix = "split by sequence or by place if frames of one video are on both sides"
    return [Finding("leakage", "note", message, fix=fix)]
