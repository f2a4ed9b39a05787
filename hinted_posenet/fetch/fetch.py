"""Several scenes one after the other; what fails is told, and does not keep the others from coming."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from hinted_posenet.data.card import Card, scene_card
from hinted_posenet.fetch.count import completeness
from hinted_posenet.fetch.scene import ARCHIVES, fetch_scene, is_there
from hinted_posenet.fetch.transfer import PAUSES_S
from hinted_posenet.types import InputError


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
    pauses_s: Sequence[float] = PAUSES_S,
) -> Iterator[Outcome]:
    """Fetch scenes; yields what became of each when that is known.

    Args:
        card: Of the data set.
        scenes: Names of its scenes.
        root: Folder that receives them.
        url: Address of a folder with the archives, instead of the card's addresses.
        keep_archives: Do not remove an archive when the last of these scenes is unpacked from it.
        pauses_s: Waits before further tries of a download.

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
            outcome = _fetch_one(card, scene, root, url, pauses_s)
            if outcome.failed:
                kept |= needed[number]
            still_needed = kept.union(*needed[number + 1 :])
            if not keep_archives:
                for file in needed[number] - still_needed:
                    (archives / file).unlink(missing_ok=True)
            yield outcome


def _fetch_one(
    card: Card, scene: str, root: Path, url: str | None, pauses_s: Sequence[float]
) -> Outcome:
    there = is_there(root, scene)
    try:
        if not there:
            fetch_scene(card.scenes[scene], root, scene, url, pauses_s)
        return Outcome(scene, completeness(card, root, scene) + there * "; was there", failed=False)
    except InputError as error:
        message = (
            f"{error}; it was there already: move it away to fetch it" if there else f"{error}"
        )
    except OSError as error:  # disk full, or no right to write
        message = f"{error.filename or root}: {error.strerror or error}; mend it, and give the same command"
    return Outcome(scene, message, failed=True)


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
