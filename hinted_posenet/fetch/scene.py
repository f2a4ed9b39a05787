"""One scene: its archives fetched, unpacked beside, and moved to its place in one step.

<root>/archives/<file>                  an archive; .partial while it is fetched
<root>/archives/partial/<scene>/        the scene while it is unpacked, too deep for a reader to find
<root>/<scene>/                         the whole scene
<root>/<scene>/fetched.yaml             what it was unpacked from
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from hinted_posenet.data.card import SceneCard
from hinted_posenet.fetch.download import Fetched, download
from hinted_posenet.fetch.unpack import DamagedArchiveError, unpack

ARCHIVES = "archives"
PARTIAL = "partial"
RECORD = "fetched.yaml"


def is_there(root: Path, scene: str) -> bool:
    """Whether the scene was fetched or unpacked by hand: then it is left as it is."""
    folder = root / scene
    return folder.is_dir() and any(folder.iterdir())


def fetch_scene(card: SceneCard, root: Path, scene: str, url: str | None) -> None:
    """Fetch a scene that is not there; the archives remain.

    Args:
        card: Of the scene.
        root: Folder of the data set.
        scene: Name of the scene, and of its folder in the archives.
        url: Address of a folder with the archives, instead of the card's addresses.

    Raises:
        InputError: what went wrong; the same call goes on from there.
    """
    folder = root / ARCHIVES
    fetched = [download(archive, folder, url) for archive in card.archives]
    partial = folder / PARTIAL / scene.replace("/", "-")
    _begin(partial, fetched)
    for archive in card.archives:
        try:
            unpack(folder / archive.file, partial, scene)
        except DamagedArchiveError as error:
            shutil.rmtree(partial)
            if archive.sha256 is not None:
                raise  # the published file; another download would be the same
            (folder / archive.file).unlink()
            raise DamagedArchiveError(f"{error}; removed, and fetched again next time") from None
    place = root / scene
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rmdir()  # empty
    partial.rename(place)
    if not any(partial.parent.iterdir()):
        partial.parent.rmdir()


def _begin(partial: Path, fetched: list[Fetched]) -> None:
    """A folder that belongs to these very archives; what was unpacked of others is removed."""
    record = partial / RECORD
    known = yaml.safe_load(record.read_text(encoding="utf-8")) if record.is_file() else {}
    if [archive["sha256"] for archive in known.get("archives", [])] == [f.sha256 for f in fetched]:
        return
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    content: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "archives": [archive._asdict() for archive in fetched],
    }
    record.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
