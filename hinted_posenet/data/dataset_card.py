"""Dataset cards: what is known of a published data set, read from ``datasets/<name>/manifest.yaml``.

The manifests are inside an installed package, or beside it in a checkout; a README in the same folder
says the same in prose.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hinted_posenet.core.errors import UsageError


class Archive(NamedTuple):
    """A zip file that holds one or several scenes."""

    file: str
    urls: tuple[str, ...]  # the official address first, then others of the same file
    bytes: int | None  # None: not known
    sha256: str | None  # None: not known


class SceneCard(NamedTuple):
    """The content of a complete scene."""

    # split, or "all" of a set without splits -> images, including those without a valid pose; empty: not known
    frames: dict[str, int]
    known_bad: dict[str, str]  # name of a frame with a wrong label -> what is wrong
    archives: tuple[Archive, ...]  # empty: cannot be downloaded
    note: str  # on the scene as a whole; may be empty


class DatasetCard(NamedTuple):
    """A published data set."""

    name: str
    title: str
    aliases: tuple[str, ...]
    url: str  # of its page
    licence: str
    terms: str  # the licence in a sentence
    citation: str
    ground_truths: dict[str, str]  # name -> what it is
    default_ground_truth: str
    scenes: dict[str, SceneCard]
    manual: str  # exact steps for what cannot be fetched

    @property
    def readme(self) -> str:
        """The card in prose, as a path of the repository."""
        return f"datasets/{self.name}/README.md"


def dataset_card_names() -> list[str]:
    """List the names of all cards."""
    return sorted(path.parent.name for path in datasets_folder().glob("*/manifest.yaml"))


@cache
def read_dataset_card(name: str) -> DatasetCard:
    """Read the card of a data set, by its name or an alias.

    Raises:
        UsageError: There is none; the message names the choices.
    """
    cards = [_read(known) for known in dataset_card_names()]
    found = {known: card for card in cards for known in (card.name, *card.aliases)}
    if name not in found:
        close = difflib.get_close_matches(name, found, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"no data set {name!r}; choose one of {', '.join(sorted(found))}{hint}")
    return found[name]


def scene_card(card: DatasetCard, scene: str) -> SceneCard:
    """Return a scene of a card.

    Raises:
        UsageError: The card has no such scene; the message names the choices.
    """
    if scene not in card.scenes:
        raise UsageError(
            f"{card.name}: no scene {scene!r}; its scenes are {', '.join(card.scenes)}"
        )
    return card.scenes[scene]


def counts_note(card: DatasetCard, scene: str, found: Mapping[str, int]) -> str | None:
    """Describe in one line how the numbers of frames, ``found`` by split, differ from the card.

    None if they agree in all splits that were found, or if the card does not know the scene or its numbers.
    """
    known = card.scenes[scene].frames if scene in card.scenes else {}
    found = as_published(known, found)
    differing = [
        f"{found[split]} of {count} {split} frames"
        for split, count in known.items()
        if found.get(split, count) != count
    ]
    if not differing:
        return None
    missing = any(found.get(split, count) < count for split, count in known.items())
    what = "how to get the rest" if missing else "what there should be"
    return f"{scene}: {', '.join(differing)} ({card.readme} says {what})"


def as_published(known: Mapping[str, int], found: Mapping[str, int]) -> Mapping[str, int]:
    """Return numbers of frames by split as a card counts them, whose set may have no splits of its own."""
    return {"all": sum(found.values())} if "all" in known else found


def datasets_folder() -> Path:
    """Return the folder of the manifests: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "datasets"
    return inside if inside.is_dir() else package.parent / "datasets"


def _read(name: str) -> DatasetCard:
    path = datasets_folder() / name / "manifest.yaml"
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    scenes = {}
    for scene, entry in fields.pop("scenes").items():
        archives = entry.get("archives", ())
        scenes[str(scene)] = SceneCard(
            dict(entry["frames"]),
            dict(entry.get("known_bad", {})),
            tuple(Archive(**{**archive, "urls": tuple(archive["urls"])}) for archive in archives),
            entry.get("note", ""),
        )
    aliases = tuple(fields.pop("aliases"))
    return DatasetCard(**fields, name=name, aliases=aliases, scenes=scenes)
