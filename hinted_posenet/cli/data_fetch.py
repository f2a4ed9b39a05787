"""hinted-posenet data fetch DATASET [SCENE...]: download a published data set."""

import os
import textwrap
from pathlib import Path

from hinted_posenet.core.errors import UsageError, fail

INTERRUPTED = "interrupted; the same command resumes the download"


def run(
    dataset: str | None,
    scenes: list[str],
    root: Path | None,
    url: str | None,
    accept_licence: bool,
    keep_archives: bool,
    list: bool,
) -> None:
    """Fetch scenes, or list what there is; exit with 1 if one of them failed."""
    if list:
        _list(dataset)
        return
    if dataset is None:
        raise UsageError("dataset: name a DATASET, or give list=true")
    from hinted_posenet.data.dataset_card import read_dataset_card
    from hinted_posenet.data.download.fetch import fetch

    card = read_dataset_card(dataset)
    root = root or Path(os.environ.get("HINTED_POSENET_DATA", "data")) / card.name
    manual = "By hand:\n" + textwrap.indent(card.manual.replace("<data.root>", str(root)), "  ")
    if not any(scene.archives for scene in card.scenes.values()):
        print(manual, flush=True)
        fail(f"{card.name}: is not for download")
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"url={url}: expected an address that begins with http:// or https://")
    print(f"{card.title}, {card.licence}: {card.terms}\n{card.url}")
    print("Downloading it means that you accept these terms.", flush=True)
    if not accept_licence:
        fail("read the licence, and give the command again with accept_licence=true")
    chosen = [*dict.fromkeys(scenes or card.scenes)]
    failed = []
    for outcome in fetch(card, chosen, root, url, keep_archives):
        print(f"failed: {outcome.message}" if outcome.failed else outcome.message, flush=True)
        if outcome.failed:
            failed.append(outcome.scene)
    if failed:
        print(f"\n{manual}", flush=True)
        fail(f"not fetched: {', '.join(failed)}; the same command tries again")
    print(f"next: hinted-posenet data check {root / chosen[0]}")


def _list(dataset: str | None) -> None:
    """Print data sets and their scenes."""
    from hinted_posenet.data.dataset_card import dataset_card_names, read_dataset_card
    from hinted_posenet.data.download.transfer import gigabytes

    for card in map(read_dataset_card, [dataset] if dataset else dataset_card_names()):
        print(f"{' or '.join((card.name, *card.aliases))}: {card.title}, {card.licence}")
        for name, scene in card.scenes.items():
            counts = ", ".join(f"{count} {split}" for split, count in scene.frames.items())
            files = ", ".join(
                archive.file + (f", {gigabytes(archive.bytes)}" if archive.bytes else "")
                for archive in scene.archives
            )
            print(f"  {name:22}{counts:32}{files}".rstrip())
    if dataset:
        truths = "".join(f"  {name}: {what}\n" for name, what in card.ground_truths.items())
        print(f"\nGround truths:\n{truths}\nBy hand:\n{textwrap.indent(card.manual, '  ')}")
        print(f"Terms: {card.terms}\nPage: {card.url}\nCite: {card.citation}")
