"""Run all checks on a scene; report the findings for people and programs, and list the frames to exclude."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hinted_posenet.data.checks import files
from hinted_posenet.data.checks.against_matches import PAIRS, check_matches
from hinted_posenet.data.checks.checked_scene import (
    FAULTS,
    Finding,
    Scene,
    counted,
    read_checked_scene,
)
from hinted_posenet.data.checks.convention import (
    CONVENTIONS,
    Trial,
    check_convention,
    try_conventions,
)
from hinted_posenet.data.checks.outliers import check_flips, check_positions
from hinted_posenet.data.formats.recognise import Recognised
from hinted_posenet.data.read_scene import EXCLUDE_FILE, read_exclude, write_exclude

CHECKS = (files.check_excluded, files.check_counts, files.check_notes, files.check_labels)
CHECKS_OF_VIEWS = (  # where there are any
    files.check_images,
    files.check_unlabelled,
    files.check_rotations,
    check_positions,
    check_flips,
    files.check_duplicates,
    files.check_leakage,
)
EXCLUDABLE = ("labels", "images", "rotations", "positions", "flips", "neighbours", "known frames")


class Examination(NamedTuple):
    """Everything that is known of a scene after its examination."""

    scene: Scene
    findings: list[Finding]
    trial: Trial  # of conventions

    @property
    def is_sound(self) -> bool:
        """Whether nothing needs to be fixed; notes are allowed."""
        return not any(finding.severity in FAULTS for finding in self.findings)


def examine(found: Recognised, decode: bool = True, pairs: int = PAIRS) -> Examination:
    """Read a scene and check everything; images are decoded, or else only their headers are read.

    About ``pairs`` pairs of images are matched to test focal lengths and single poses.
    """
    scene = read_checked_scene(found, decode)
    trial = try_conventions(scene)
    checks = CHECKS + CHECKS_OF_VIEWS if scene.views else CHECKS
    findings = [finding for check in checks for finding in check(scene)]
    flagged = {name for f in findings if f.severity in FAULTS for name in f.frames}
    conventions = check_convention(scene, trial)
    # under a wrong convention every pose contradicts its neighbours
    is_read_right = all(finding.severity != "error" for finding in conventions)
    by_matches = check_matches(scene, pairs) if is_read_right else []
    flagged |= {name for f in by_matches for name in f.frames}
    findings += [*by_matches, *files.check_known(scene, flagged), *conventions]
    return Examination(scene, findings, trial)


def to_exclude(examination: Examination) -> dict[str, str]:
    """Return the frames that no training should use -> why; first those that are excluded already."""
    return examination.scene.excluded | flagged_frames(examination, EXCLUDABLE)


def flagged_frames(examination: Examination, checks: Collection[str]) -> dict[str, str]:
    """Return the frames that some of the checks flag -> everything that they say of each."""
    reasons: dict[str, list[str]] = {}
    for finding in examination.findings:
        if finding.check in checks and finding.severity in FAULTS:
            for name, why in finding.frames.items():
                reasons.setdefault(name, []).append(why)
    return {name: ", ".join(why) for name, why in reasons.items()}


def write_exclude_list(examination: Examination, file: str) -> list[Path]:
    """Add the frames that cannot be used to a list -> the list; nothing if it holds them all.

    The file "" is exclude.txt in the scene's folder, which loaders obey.
    """
    path = Path(file) if file else examination.scene.folder / EXCLUDE_FILE
    listed = read_exclude(path)
    frames = to_exclude(examination) | listed
    if frames.keys() == listed.keys():
        return []
    write_exclude(path, frames)
    return [path]


SHOWN = {"ok": 3, "note": 3, "warning": 10, "error": 10}  # frames of one finding
MARKS = {"ok": "ok", "note": "note", "warning": "WARNING", "error": "ERROR"}
INDENT = " " * 24


def report(examination: Examination) -> str:
    """Describe one scene in several lines."""
    scene = examination.scene
    lines = [f"{scene.name} ({scene.layout}) in {scene.folder}"]
    for finding in examination.findings:
        lines.append(f"  {MARKS[finding.severity]:8}{finding.check:14}{finding.message}")
        shown = list(finding.frames.items())[: SHOWN[finding.severity]]
        lines += [f"{INDENT}  {name}: {why}" if why else f"{INDENT}  {name}" for name, why in shown]
        if more := len(finding.frames) - len(shown):
            lines.append(f"{INDENT}  and {more:,} more")
        if finding.fix:
            lines.append(f"{INDENT}fix: {finding.fix}")
    return "\n".join([*lines, f"  {_verdict(examination)}"])


def as_json(examinations: Sequence[Examination], written: Sequence[Path]) -> dict[str, Any]:
    """Return what `report` says of each scene and more, and the files written, under stable keys."""
    return {
        "sound": all(examination.is_sound for examination in examinations),
        "scenes": [_scene(examination) for examination in examinations],
        "written": [str(path) for path in written],
    }


def _scene(examination: Examination) -> dict[str, Any]:
    scene, trial = examination.scene, examination.trial
    shares = zip(CONVENTIONS, trial.mean_share.tolist(), strict=True)
    return {
        "scene": scene.name,
        "layout": scene.layout,
        "folder": str(scene.folder),
        "sound": examination.is_sound,
        "frames": scene.counts,
        "excluded": scene.excluded,
        "findings": [finding._asdict() for finding in examination.findings],
        "convention": {
            "pairs": len(trial.pairs),
            "share_of_matches": {c.name: round(share, 4) for c, share in shares},
        },
    }


def _verdict(examination: Examination) -> str:
    found = Counter(finding.severity for finding in examination.findings)
    if examination.is_sound:
        return "sound" + (f", with {counted(found['note'], 'note')}" if found["note"] else "")
    faults = [
        counted(found[severity], severity) for severity in reversed(FAULTS) if found[severity]
    ]
    return f"not sound: {', '.join(faults)}"
