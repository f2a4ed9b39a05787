"""Run all checks on a scene and report the findings, for people and for machines."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hinted_posenet.data.checks.checked_scene import FAULTS, Finding, Scene, counted, read_scene
from hinted_posenet.data.checks.convention import (
    CONVENTIONS,
    Trial,
    check_convention,
    try_conventions,
)
from hinted_posenet.data.checks.duplicates import check_duplicates, check_leakage
from hinted_posenet.data.checks.labels import (
    check_counts,
    check_excluded,
    check_images,
    check_known,
    check_labels,
    check_rotations,
)
from hinted_posenet.data.checks.outliers import check_flips, check_positions
from hinted_posenet.data.formats.recognise import Recognised

CHECKS = (check_excluded, check_counts, check_labels)
CHECKS_OF_VIEWS = (  # where there are any
    check_images,
    check_rotations,
    check_positions,
    check_flips,
    check_duplicates,
    check_leakage,
)
EXCLUDABLE = ("labels", "images", "rotations", "positions", "flips", "known frames")


class Examination(NamedTuple):
    """All that is known of a scene after its examination."""

    scene: Scene
    findings: list[Finding]
    trial: Trial  # of conventions

    @property
    def is_sound(self) -> bool:
        """Whether nothing needs to be done; notes are allowed."""
        return not any(finding.severity in FAULTS for finding in self.findings)


def examine(found: Recognised, decode: bool = True) -> Examination:
    """Read a scene and check everything.

    Args:
        found: the scene, of `data.reader.recognise`.
        decode: decode all images; otherwise read their headers.
    """
    scene = read_scene(found, decode)
    trial = try_conventions(scene)
    checks = CHECKS + CHECKS_OF_VIEWS if scene.views else CHECKS
    findings = [finding for check in checks for finding in check(scene)]
    flagged = {name for f in findings if f.severity in FAULTS for name in f.frames}
    findings += [*check_known(scene, flagged), *check_convention(scene, trial)]
    return Examination(scene, findings, trial)


def to_exclude(examination: Examination) -> dict[str, str]:
    """Frames that no training should use -> why; first those that are excluded already, unchanged."""
    return examination.scene.excluded | flagged_frames(examination, EXCLUDABLE)


def flagged_frames(examination: Examination, checks: Collection[str]) -> dict[str, str]:
    """Frames that some of the checks find fault with -> all that they say."""
    reasons: dict[str, list[str]] = {}
    for finding in examination.findings:
        if finding.check in checks and finding.severity in FAULTS:
            for name, why in finding.frames.items():
                reasons.setdefault(name, []).append(why)
    return {name: ", ".join(why) for name, why in reasons.items()}


SHOWN = {"ok": 3, "note": 3, "warning": 10, "error": 10}  # frames of one finding
MARKS = {"ok": "ok", "note": "note", "warning": "WARNING", "error": "ERROR"}
INDENT = " " * 24


def report(examination: Examination) -> str:
    """Several lines on one scene."""
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
    """All that `report` says and more, under keys that stay.

    Args:
        examinations: one a scene.
        written: pictures and lists that were written.
    """
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
