"""Checks of focal lengths and of single poses against the matched points of a sample of image pairs."""

import math
from collections.abc import Sequence

import numpy as np

from hinted_posenet.core.formatting import degrees, length
from hinted_posenet.data.checks.checked_scene import Finding, Scene, counted
from hinted_posenet.data.checks.consensus import Off, off_consensus
from hinted_posenet.data.checks.focal import Focal, search_focal
from hinted_posenet.data.checks.matched import Match, Matcher, match_again, match_groups
from hinted_posenet.data.checks.neighbours import (
    FEWEST_CONTRADICTIONS,
    Verdicts,
    contradicted,
    count_by_view,
    doubtful_views,
    judge,
)
from hinted_posenet.data.formats.seven_scenes import SIZE

PAIRS = 150  # about 20 s on one core; images cost most
FEWEST_VERDICTS = 8
MOST_WRONG = (
    0.25  # of the verdicts, or of the frames: beyond it the fault is not with single frames
)


def check_matches(scene: Scene, pairs: int) -> list[Finding]:
    """Match about ``pairs`` pairs of images and hold the focal length and the poses against them.

    Says nothing where the images share too few points, or the cameras hardly move.
    """
    if pairs < 1 or not scene.views or not scene.has_images:
        return []
    matcher, views = Matcher(scene), len(scene.views)
    matches, near = match_groups(scene, matcher, pairs)
    focal = search_focal(scene, matches)
    if not matches or (focal is None and not scene.has_intrinsics):
        return []
    is_stated = scene.has_intrinsics and not (focal and focal.contradicts)
    factor = focal.factor if focal and not is_stated else 1.0
    doubtful = doubtful_views(matches, judge(scene, matches, factor), views)
    matches += match_again(scene, matcher, doubtful, near, matches)
    verdicts = judge(scene, matches, factor)
    wrong = contradicted(matches, verdicts, views)
    off = {view: off_consensus(scene, matches, view, wrong, factor) for view in wrong}
    told = [_focal(scene, focal)] if focal else []
    return [*told, *_neighbours(scene, matches, verdicts, off)]


def _focal(scene: Scene, focal: Focal) -> Finding:
    """Say which focal length the matches ask for, in pixels of the images as stored."""
    stated = np.array([float(view.K[0, 0]) for view in scene.views])
    is_one = np.ptp(stated) < 1e-3 * stated.mean()
    unit = stated[0] if is_one else 1.0
    values = [unit * value for value in (focal.factor, focal.low, focal.high)]
    digits = 0 if is_one else 3
    best, low, high = (f"{value:.{digits}f}" for value in values)
    matches = f"matches say {best} [{low}, {high}]{' px' if is_one else ' times that'}"
    if not scene.has_intrinsics:
        message = f"no focal length is stated, {matches} ({counted(focal.pairs, 'pair')})"
        return Finding("focal length", "note", message, fix=f"set data.reader.focal_px={best}")
    what = f"{stated[0]:.0f} px" if is_one else f"{stated.min():.0f} to {stated.max():.0f} px"
    message = f"stated focal length {what}, {matches} ({counted(focal.pairs, 'pair')})"
    if not focal.contradicts:
        return Finding("focal length", "ok", message)
    fix = f"give {best} px in place of {what}" if is_one else f"multiply each by {best}"
    if is_one and scene.layout in ("cambridge", "seven_scenes"):
        size = scene.views[0].size
        scale = SIZE[0] / size[0] if scene.layout == "seven_scenes" and size else 1.0
        fix += f": data.reader.focal_px={scale * values[0]:.0f}"
    fix += ", unless the images were resized or cropped after their intrinsics were made"
    return Finding("focal length", "warning", message, fix=fix)


def _neighbours(
    scene: Scene, matches: Sequence[Match], verdicts: Verdicts, off: dict[int, Off]
) -> list[Finding]:
    """Name the frames that are off the consensus of their neighbours."""
    said = int(verdicts.is_known.sum())
    if said < FEWEST_VERDICTS:
        return []
    verdicts_on = count_by_view(matches, verdicts.is_known, len(scene.views))
    compared = int((verdicts_on >= FEWEST_CONTRADICTIONS).sum())
    of = f"{compared:,} of {counted(scene.views, 'frame')} compared"
    if not off:
        share = verdicts.contradict.sum() / said
        if share > MOST_WRONG:
            message = f"matches contradict the relative poses of {share:.0%} of the pairs, but no single frames"
            return [Finding("neighbours", "note", message, fix="the poses are rough as a whole")]
        return [Finding("neighbours", "ok", f"no pose contradicts its neighbours ({of})")]
    if len(off) > MOST_WRONG * compared:
        message = f"{len(off):,} of {counted(compared, 'pose')} contradict their neighbours"
        fix = "more than single frames: look at the pairing of images and poses, and at the intrinsics"
        return [Finding("neighbours", "warning", message, fix=fix)]
    frames = {scene.views[view].name: _off(values) for view, values in off.items()}
    these = (
        "this pose contradicts its" if len(off) == 1 else f"these {len(off)} poses contradict their"
    )
    fix = "exclude them (write_exclude=true); pairs=NUMBER compares more frames"
    return [Finding("neighbours", "warning", f"{these} neighbours ({of})", frames, fix)]


def _off(off: Off) -> str:
    if math.isnan(off.rotation_rad):
        return "no pose beside its neighbours explains its points"
    turn = f"rotation about {degrees(math.degrees(off.rotation_rad))} off"
    return (
        turn if math.isnan(off.position_m) else f"position about {length(off.position_m)}, {turn}"
    )
