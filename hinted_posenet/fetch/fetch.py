"""Several scenes one after the other; what fails is told, and does not keep the others from coming."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from hinted_posenet.data.card import Card, counts_note, scene_card
from hinted_posenet.data.reader.recognise import LAYOUTS
from hinted_posenet.data.views import missing_images
from hinted_posenet.fetch.scene import ARCHIVES, fetch_scene, is_there
from hinted_posenet.types import Fault, InputError


class Outcome(NamedTuple):
    """What became of a scene."""

    scene: str
    message: str  # one line
    failed: bool


def fetch(
    card: Card,
    scenes: Sequence[str],
    root: Path,
    url: str | None = None,
    keep_archives: bool = False,
) -> Iterator[Outcome]:
    """Fetch scenes; yields what became of each when that is known.

    Args:
        card: Of the data set.
        scenes: Names of its scenes.
        root: Folder that receives them.
        url: Address of a folder with the archives, instead of the card's addresses.
        keep_archives: Do not remove an archive when the last of these scenes is unpacked from it.

    Raises:
        InputError: no such scene, or another process fetches to the same folder.
    """
    needed = [{archive.file for archive in scene_card(card, scene).archives} for scene in scenes]
    archives = root / ARCHIVES
    for scene, files in zip(scenes, needed, strict=True):
        if not files:
            raise InputError(f"{card.name}: {scene} is not for download; {card.readme} tells more")
    kept: set[str] = set()  # archives that failed scenes go on from
    with _only_one(archives):
        for number, scene in enumerate(scenes):
            outcome = _fetch_one(card, scene, root, url)
            if outcome.failed:
                kept |= needed[number]
            still_needed = kept.union(*needed[number + 1 :])
            if not keep_archives:
                for file in needed[number] - still_needed:
                    (archives / file).unlink(missing_ok=True)
            yield outcome


def _fetch_one(card: Card, scene: str, root: Path, url: str | None) -> Outcome:
    there = is_there(root, scene)
    try:
        if not there:
            fetch_scene(card.scenes[scene], root, scene, url)
        return Outcome(
            scene, _completeness(card, root, scene) + there * "; was there", failed=False
        )
    except InputError as error:
        message = (
            f"{error}; it was there already: move it away to fetch it" if there else f"{error}"
        )
    except OSError as error:  # disk full, or no right to write
        message = f"{error.filename or root}: {error.strerror or error}; mend it, and give the same command"
    return Outcome(scene, message, failed=True)


def _completeness(card: Card, root: Path, scene: str) -> str:
    """A scene's frames in a line, those with a missing or wrong pose included, held against the card."""
    read_views = next(layout.read_views for layout in LAYOUTS if layout.name == card.name)
    found = {}
    for split in ("train", "test"):
        faults: list[Fault] = []
        views = read_views(root, scene, split, faults=faults)
        found[split] = len(views) + len(faults) - len(missing_images(views))
    counts = " and ".join(f"{count} {split}" for split, count in found.items())
    known = ", as the card says" if card.scenes[scene].frames else ""
    return counts_note(card, scene, found) or f"{scene}: {counts} frames{known}"


@contextmanager
def _only_one(archives: Path) -> Iterator[None]:
    """One process at a time; the folder goes when nothing is left in it."""
    try:
        archives.mkdir(parents=True, exist_ok=True)
        lock = FileLock(archives / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{archives}: another process fetches to it; wait for it, or set another --root"
        ) from None
    except OSError as error:
        raise InputError(
            f"{archives}: not writable ({error.strerror}); set another --root"
        ) from None
    try:
        yield
    finally:
        (archives / "lock").unlink(missing_ok=True)
        lock.release()
        if not any(archives.iterdir()):
            archives.rmdir()
