"""The examination in words, for people and for machines."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hinted_posenet.doctor.conventions import CONVENTIONS
from hinted_posenet.doctor.examine import Examination
from hinted_posenet.doctor.finding import FAULTS, counted

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
