"""How many frames of a scene are there, by split."""

from pathlib import Path

from hinted_posenet.data.card import Card, counts_note
from hinted_posenet.data.reader import cambridge, seven_scenes, twelve_scenes
from hinted_posenet.data.reader.layout import ReadViews
from hinted_posenet.data.views import missing_images
from hinted_posenet.types import Fault

READERS: dict[str, ReadViews] = {
    "cambridge": cambridge.read_views,
    "seven_scenes": seven_scenes.read_views,
    "twelve_scenes": twelve_scenes.read_views,
}


def count_frames(card: Card, root: Path, scene: str) -> dict[str, int]:
    """Images by split, those included whose pose is missing or wrong."""
    found = {}
    for split in ("train", "test"):
        faults: list[Fault] = []
        views = READERS[card.name](root, scene, split, faults=faults)
        found[split] = len(views) + len(faults) - len(missing_images(views))
    return found


def completeness(card: Card, root: Path, scene: str) -> str:
    """A scene's frames in a line, held against the card."""
    found = count_frames(card, root, scene)
    counts = " and ".join(f"{count} {split}" for split, count in found.items())
    known = ", as the card says" if card.scenes[scene].frames else ""
    return counts_note(card, scene, found) or f"{scene}: {counts} frames{known}"
