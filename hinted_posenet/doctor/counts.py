"""How many frames there are, against the card of a published data set."""

from collections.abc import Collection

from hinted_posenet.data.card import card_names, read_card
from hinted_posenet.doctor.finding import Finding
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.doctor.text import counted


def check_counts(scene: Scene) -> list[Finding]:
    """Counts of frames and sequences; what the card says of both."""
    counts = scene.counts
    parts = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    sequences = counted({view.sequence for view in scene.views}, "sequence")
    findings = []
    for split in [split for split, count in counts.items() if not count]:
        if split != "val":
            message = f"the {split} split has no frame that can be read"
            findings.append(Finding("counts", "error", message, fix="see the findings on labels"))
    card = read_card(scene.layout) if scene.layout in card_names() else None
    expected = card.scenes[scene.name].frames if card and scene.name in card.scenes else {}
    if card is None or not expected:
        return [*findings, Finding("counts", "ok", f"{parts} frames in {sequences}")]
    differing = {s: n for s, n in expected.items() if s in counts and counts[s] != n}
    if not differing:
        message = f"{parts} frames in {sequences}, as published"
        return [*findings, Finding("counts", "ok", message)]
    published_parts = ", ".join(f"{count:,} {split}" for split, count in expected.items())
    more = any(counts[split] > count for split, count in differing.items())
    message = f"{parts} frames in {sequences}; published are {published_parts}"
    fix = f"a subset is fine; {card.readme} tells how to get the rest"
    if more:
        fix = f"these are not the published splits; see {card.readme}"
    return [*findings, Finding("counts", "warning" if more else "note", message, fix=fix)]


def check_known(scene: Scene, accused: Collection[str]) -> list[Finding]:
    """Frames that the card lists as wrong, save those that are accused anyway."""
    if scene.layout not in card_names() or scene.name not in read_card(scene.layout).scenes:
        return []
    known = read_card(scene.layout).scenes[scene.name].known_bad
    names = {view.name for view in scene.views} - set(accused)
    here = {name: f"the card: {why}" for name, why in known.items() if name in names}
    if not here:
        return []
    message = f"{counted(here, 'frame')} known to be wrong"
    return [Finding("known frames", "warning", message, here, "exclude them (--write-exclude)")]
