"""hinted-posenet data fetch DATASET [SCENE...]: download a published data set."""

import argparse
import os
import textwrap
from pathlib import Path

from hinted_posenet.cli.parser import VerbParser, fail, one_line_errors

DESCRIPTION = """\
Downloads scenes of a published data set from the addresses that its card names, checks and unpacks them, and
counts their frames."""
EXAMPLES = """\
examples:
  hinted-posenet data fetch --list
  hinted-posenet data fetch cambridge KingsCollege ShopFacade --accept-licence
  hinted-posenet data fetch 7scenes redkitchen --accept-licence

A stopped download goes on where it stopped when the same command is given again. Archives that you got by
hand belong into DIR/archives: they are checked and unpacked from there.
"""


def main() -> None:
    """Fetch scenes; exit code 1 if one of them failed."""
    parser = VerbParser("data fetch", DESCRIPTION, EXAMPLES)
    add = parser.add_argument
    add("dataset", nargs="?", metavar="DATASET", help="cambridge, 7scenes or 12scenes")
    add("scenes", nargs="*", metavar="SCENE", help="all of them if none is named")
    add(
        "--root",
        type=Path,
        metavar="DIR",
        help="folder of the data set; default: its name in $HINTED_POSENET_DATA, or in data/",
    )
    add("--url", help="address of a folder with the archives, instead of the card's addresses")
    add("--accept-licence", action="store_true", help="you have read the licence and accept it")
    add("--keep-archives", action="store_true", help="do not remove them when they are unpacked")
    add("--list", action="store_true", help="list data sets and scenes, and download nothing")
    arguments = parser.parse_args()
    if not arguments.dataset and not arguments.list:
        parser.error("name a DATASET, or --list")
    with one_line_errors("data fetch"):
        if arguments.list:
            _list(arguments.dataset)
        else:
            _fetch(arguments)


def _fetch(arguments: argparse.Namespace) -> None:
    from hinted_posenet.data.dataset_card import read_dataset_card
    from hinted_posenet.data.download.fetch import fetch

    card = read_dataset_card(arguments.dataset)
    root = arguments.root or Path(os.environ.get("HINTED_POSENET_DATA", "data")) / card.name
    manual = "By hand:\n" + textwrap.indent(card.manual.replace("<data.root>", str(root)), "  ")
    if not any(scene.archives for scene in card.scenes.values()):
        print(manual, flush=True)
        fail(f"{card.name}: is not for download")
    if arguments.url and not arguments.url.startswith(("http://", "https://")):
        fail(f"--url {arguments.url}: expected an address that begins with http:// or https://")
    print(f"{card.title}, {card.licence}: {card.terms}\n{card.url}")
    print("Downloading it means that you accept these terms.", flush=True)
    if not arguments.accept_licence:
        fail("read the licence, and give the command again with --accept-licence")
    scenes = list(dict.fromkeys(arguments.scenes)) or list(card.scenes)
    failed = []
    for outcome in fetch(card, scenes, root, arguments.url, arguments.keep_archives):
        print(f"failed: {outcome.message}" if outcome.failed else outcome.message, flush=True)
        if outcome.failed:
            failed.append(outcome.scene)
    if failed:
        print(f"\n{manual}", flush=True)
        fail(f"not fetched: {', '.join(failed)}; the same command tries again and goes on")
    print(f"next: hinted-posenet data check {root / scenes[0]}")


def _list(dataset: str | None) -> None:
    from hinted_posenet.data.dataset_card import dataset_card_names, read_dataset_card
    from hinted_posenet.data.download.transfer import gigabytes

    for card in (
        read_dataset_card(name) for name in ([dataset] if dataset else dataset_card_names())
    ):
        print(f"{' or '.join((card.name, *card.aliases))}: {card.title}, {card.licence}")
        for name, scene in card.scenes.items():
            counts = ", ".join(f"{count} {split}" for split, count in scene.frames.items())
            files = ", ".join(
                archive.file + (f", {gigabytes(archive.bytes)}" if archive.bytes else "")
                for archive in scene.archives
            )
            print(f"  {name:22}{counts:32}{files}".rstrip())
    if dataset:
        card = read_dataset_card(dataset)
        truths = "".join(f"  {name}: {what}\n" for name, what in card.ground_truths.items())
        print(f"\nGround truths:\n{truths}\nBy hand:\n{textwrap.indent(card.manual, '  ')}")
        print(f"Terms: {card.terms}\nPage: {card.url}\nCite: {card.citation}")


if __name__ == "__main__":
    main()
