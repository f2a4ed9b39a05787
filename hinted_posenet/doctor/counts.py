"""How many frames there are, against the card of a published data set."""

from collections.abc import Collection

from hinted_posenet.data.card import SceneCard, card_names, read_card
from hinted_posenet.doctor.finding import Finding, counted
from hinted_posenet.doctor.scene import Scene


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
    readme = read_card(scene.layout).readme
    if any(counts[split] > count for split, count in differing.items()):
        fix = f"these are not the published splits; see {readme}"
        return [*findings, Finding("counts", "warning", message, fix=fix)]
    fix = f"a subset is fine; {readme} tells how to get the rest"
    return [*findings, Finding("counts", "note", message, fix=fix)]


def check_known(scene: Scene, accused: Collection[str]) -> list[Finding]:
    """Frames that the card lists as wrong, save those that are accused anyway."""
    card = _published(scene)
    names = {view.name for view in scene.views} - set(accused)
    known = card.known_bad if card else {}
    here = {name: f"the card: {why}" for name, why in known.items() if name in names}
    if not here:
        return []
    message = f"{counted(here, 'frame')} known to be wrong"
    return [Finding("known frames", "warning", message, here, "exclude them (--write-exclude)")]


def _published(scene: Scene) -> SceneCard | None:
    if scene.layout in card_names():
        return read_card(scene.layout).scenes.get(scene.name)
    return None


def _by_split(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())
