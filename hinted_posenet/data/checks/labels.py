"""Checks of counts against the dataset card, of exclude.txt, labels and image files."""

from collections.abc import Collection

from hinted_posenet.data.checks.checked_scene import Finding, Scene, counted
from hinted_posenet.data.dataset_card import SceneCard, dataset_card_names, read_dataset_card


def check_counts(scene: Scene) -> list[Finding]:
    """Counts of frames and sequences; what the card says of both."""
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
    differing = {s: n for s, n in card.frames.items() if s in counts and counts[s] != n}
    if not differing:
        return [*findings, Finding("counts", "ok", f"{message}, as published")]
    message += f"; published are {_by_split(card.frames)}"
    readme = read_dataset_card(scene.layout).readme
    if any(counts[split] > count for split, count in differing.items()):
        fix = f"these are not the published splits; see {readme}"
        return [*findings, Finding("counts", "warning", message, fix=fix)]
    fix = f"a subset is fine; {readme} tells how to get the rest"
    return [*findings, Finding("counts", "note", message, fix=fix)]


def check_known(scene: Scene, flagged: Collection[str]) -> list[Finding]:
    """Frames that the card lists as wrong, save those that are flagged anyway."""
    card = _published(scene)
    names = {view.name for view in scene.views} - set(flagged)
    known = card.known_bad if card else {}
    here = {name: f"the card: {why}" for name, why in known.items() if name in names}
    if not here:
        return []
    message = f"{counted(here, 'frame')} known to be wrong"
    return [Finding("known frames", "warning", message, here, "exclude them (--write-exclude)")]


def _published(scene: Scene) -> SceneCard | None:
    if scene.layout in dataset_card_names():
        return read_dataset_card(scene.layout).scenes.get(scene.name)
    return None


def _by_split(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())


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
