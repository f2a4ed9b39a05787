"""What exclude.txt, the labels and the image files hold: frames that cannot be used, and why."""

from hinted_posenet.doctor.finding import Finding, counted
from hinted_posenet.doctor.scene import Scene

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
    return findings or [Finding("labels", "ok", f"all {len(scene.views):,} can be read")]


def check_images(scene: Scene) -> list[Finding]:
    """Images that are missing, unreadable, or of another size than their intrinsics."""
    if not scene.has_images:
        message = f"none of the {len(scene.images):,} images is there; labels alone were checked"
        return [Finding("images", "error", message, fix="fetch or unpack them")]
    missing, unreadable, sizes = {}, {}, {}
    for view in scene.views:
        image = scene.images[view.image]
        if not image.is_there:
            missing[view.name] = image.error
        elif image.size is None:
            unreadable[view.name] = image.error
        elif view.size is not None and image.size != view.size:
            width, height = image.size
            sizes[view.name] = f"{width}x{height}, intrinsics are for {view.size[0]}x{view.size[1]}"
    kinds = {
        "missing": missing,
        "cannot be decoded": unreadable,
        "of another size than the intrinsics are for": sizes,
    }
    fix = "fetch or write them again, or exclude the frames (--write-exclude)"
    findings = [
        Finding("images", "error", f"{counted(frames, 'image')} {what}", frames, fix)
        for what, frames in kinds.items()
        if frames
    ]
    message = f"all {len(scene.images):,} are there and readable"
    return findings or [Finding("images", "ok", message)]


def check_rotations(scene: Scene) -> list[Finding]:
    """Rotations that are off unit norm, or off orthonormal, before the reader made them so."""
    off = {view.name: view.rotation_error for view in scene.views if view.rotation_error > ROUNDING}
    if not off:
        return [Finding("rotations", "ok", "all of unit length")]
    ranked = sorted(off, key=lambda name: -off[name])
    far = {name: f"off by {off[name]:.2g}" for name in ranked if off[name] > HARMLESS}
    if far:
        message = f"{counted(far, 'rotation')} off unit length by more than {HARMLESS:.0%}"
        fix = "made unit when read; do not trust them: exclude the frames (--write-exclude)"
        return [Finding("rotations", "warning", message, far, fix)]
    message = (
        f"{counted(off, 'rotation')} off unit length by up to {off[ranked[0]]:.2g} ({ranked[0]}); "
        "made unit when read"
    )
    return [Finding("rotations", "note", message)]
