"""Labels that cannot be read, and rotations that are not quite rotations."""

from hinted_posenet.doctor.finding import Finding
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.doctor.text import counted

ROUNDING = 1e-3  # of a text file with few digits
HARMLESS = 0.1  # published labels (St Mary's Church) reach 0.045, and point where they should


def check_excluded(scene: Scene) -> list[Finding]:
    """Frames that are left out already; names in exclude.txt that are none."""
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


def check_labels(scene: Scene) -> list[Finding]:
    """Lines and files that the reader refuses: broken, not finite, no rotation, twice the same."""
    findings = [Finding("labels", "error", message) for message in scene.broken]
    if scene.faults:
        frames = {fault.name: fault.message for fault in scene.faults}
        message = f"{counted(scene.faults, 'label')} cannot be used"
        fix = "correct them, or exclude the frames (--write-exclude)"
        findings.append(Finding("labels", "error", message, frames, fix))
    if not findings:
        findings.append(Finding("labels", "ok", f"all {len(scene.views):,} can be read"))
    return findings


def check_rotations(scene: Scene) -> list[Finding]:
    """Rotations that are off unit norm, or off orthonormal, before the reader made them so."""
    off = {view.name: view.rotation_error for view in scene.views if view.rotation_error > ROUNDING}
    far = {name: error for name, error in off.items() if error > HARMLESS}
    ranked = sorted(off, key=lambda name: -off[name])
    if far:
        frames = {name: f"off by {off[name]:.2g}" for name in ranked if name in far}
        message = f"{counted(far, 'rotation')} off unit length by more than {HARMLESS:.0%}"
        fix = "made unit when read; do not trust them: exclude the frames (--write-exclude)"
        return [Finding("rotations", "warning", message, frames, fix)]
    if off:
        message = (
            f"{counted(off, 'rotation')} off unit length by up to {off[ranked[0]]:.2g} "
            f"({ranked[0]}); made unit when read"
        )
        return [Finding("rotations", "note", message)]
    return [Finding("rotations", "ok", "all of unit length")] * bool(scene.views)
