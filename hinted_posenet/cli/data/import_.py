"""hinted-posenet data import SOURCE --out DIR: split your own posed images and make a data set of them."""

import argparse
from pathlib import Path

from hinted_posenet.cli.parser import VerbParser, one_line_errors

OWN_LAYOUTS = ("auto", "colmap", "transforms", "tum", "csv")
PUBLISHED_LAYOUTS = ("cambridge", "seven_scenes", "twelve_scenes", "aerial")
DESCRIPTION = """\
Make a data set of your own posed images. Frames are held out by whole sequences or by spatial blocks,
never at random: neighbouring frames of a video are nearly the same image, so a random test split
measures memory and not localization."""
EXAMPLES = """examples:
  hinted-posenet data import my_scan --out imported/my_scan
  hinted-posenet data import my_scan --out imported/my_scan --test evening --val noon
  hinted-posenet data import my_scan --out imported/my_scan --split block --margin-m 0.5
"""


def main() -> None:
    """Read, split, write, and print what became of it."""
    arguments = _parser().parse_args()
    with one_line_errors("data import"):
        import yaml

        from hinted_posenet.data.importing.import_images import Plan, import_images, open_source
        from hinted_posenet.data.importing.split import Shares

        options = {key: yaml.safe_load(value) for key, value in arguments.reader}
        source = open_source(arguments.source, arguments.layout, options)
        plan = Plan(
            method="keep" if arguments.keep_split else arguments.split,
            shares=Shares(arguments.test_share, arguments.val_share),
            seed=arguments.seed,
            test=arguments.test,
            val=arguments.val,
            blocks=arguments.blocks,
            margin_m=arguments.margin_m,
        )
        told = import_images(
            source,
            arguments.out,
            plan,
            link=arguments.images == "link",
            overwrite=arguments.overwrite,
            skip_faulty=arguments.skip_faulty,
        )
        print(told)


def _parser() -> argparse.ArgumentParser:
    parser = VerbParser("data import", DESCRIPTION, EXAMPLES)
    add = parser.add_argument
    add(
        "source",
        type=Path,
        help="folder with a COLMAP model, transforms.json, TUM recording or CSV",
    )
    add("--out", type=Path, required=True, help="folder of the new data set; appears when whole")
    add(
        "--layout",
        choices=OWN_LAYOUTS + PUBLISHED_LAYOUTS,
        default="auto",
        metavar="NAME",
        help=f"of the source: {', '.join(OWN_LAYOUTS + PUBLISHED_LAYOUTS)} (%(default)s)",
    )
    add(
        "--reader",
        type=_option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the layout's reader, e.g. model=sparse",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--split",
        choices=("sequence", "block"),
        help="what is held out whole (sequences if there are at least 3, else blocks)",
    )
    how.add_argument("--keep-split", action="store_true", help="use the split that the source has")
    add("--test-share", type=float, default=0.2, metavar="X", help="of frames (%(default)s)")
    add("--val-share", type=float, default=0.1, metavar="X", help="of frames (%(default)s)")
    add("--test", nargs="+", default=[], metavar="NAME", help="sequences for the test")
    add("--val", nargs="+", default=[], metavar="NAME", help="sequences for validation")
    add("--blocks", type=int, default=20, metavar="N", help="how many there are (%(default)s)")
    add(
        "--margin-m",
        type=float,
        default=0.0,
        metavar="M",
        help="with blocks: leave out frames nearer than this to those held out (%(default)s)",
    )
    add("--seed", type=int, default=0, metavar="N", help="of what is drawn (%(default)s)")
    add(
        "--images",
        choices=("link", "copy"),
        default="link",
        help="hard links, where the disk allows them, or copies (%(default)s)",
    )
    add("--skip-faulty", action="store_true", help="leave out frames that cannot be read")
    add("--overwrite", action="store_true", help="replace an earlier import")
    return parser


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text}: expected KEY=VALUE")
    return key, value


if __name__ == "__main__":
    main()
