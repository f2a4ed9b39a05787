"""hinted-posenet data import SOURCE out=DIR: split your own posed images and make a data set of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge

from hinted_posenet.training.settings import Count, NonNegative

General = Literal["auto", "colmap", "transforms", "tum", "csv"]
Published = Literal["cambridge", "seven_scenes", "twelve_scenes", "aerial"]


def run(
    source: Path,
    out: Path,
    layout: Literal[General, Published],
    reader: dict[str, Any] | None,
    split: Literal["sequence", "block", "keep"] | None,
    test_share: float,
    val_share: float,
    test: list[str],
    val: list[str],
    blocks: Count,
    margin_m: Annotated[float, Ge(0)],
    seed: NonNegative,
    images: Literal["link", "copy"],
    skip_faulty: bool,
    overwrite: bool,
) -> None:
    """Read, split, write, and print what became of it."""
    from hinted_posenet.data.import_images import Plan, import_images, open_source
    from hinted_posenet.data.import_splits import Shares

    plan = Plan(split, Shares(test_share, val_share), seed, test, val, blocks, margin_m)
    options = {"link": images == "link", "overwrite": overwrite, "skip_faulty": skip_faulty}
    print(import_images(open_source(source, layout, reader), out, plan, **options))
