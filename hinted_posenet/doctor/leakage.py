"""Test frames that training has seen."""

import math

import numpy as np
from scipy.spatial import cKDTree

from hinted_posenet.doctor.duplicates import copies
from hinted_posenet.doctor.finding import Finding, counted, metres
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.geometry import rotation_angle

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
