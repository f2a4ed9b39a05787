"""hinted-posenet data import SOURCE out=DIR: split your own posed images and make a data set of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge

from hinted_posenet.training.settings import Count, Seed

General = Literal["auto", "colmap", "transforms", "tum", "csv"]
Captured = Literal["llff", "kapture", "polycam", "record3d"]
Published = Literal["cambridge", "seven_scenes", "twelve_scenes", "ace", "aerial"]
OverMaps = Literal["ortholoc", "anyvisloc", "uav_visloc"]


def run(
    source: Path,
    out: Path,
    layout: Literal[General, Captured, Published, OverMaps],
    reader: dict[str, Any] | None,
    split: Literal["sequence", "block", "keep"] | None,
    test_share: float,
    val_share: float,
    test: list[str],
    val: list[str],
    blocks: Count,
    margin_m: Annotated[float, Ge(0)],
    seed: Seed,
    images: Literal["link", "copy"],
    skip_faulty: bool,
    overwrite: bool,
    priors: str | None,
    georeference: bool,
    prior_sigma_m: list[float] | None,
    prior_sigma_r_deg: float | Literal["ignore"] | None,
    altitude_above: str | None,
    takeoff_altitude_m: float | None,
    ground_m: float | None,
    time_tolerance_s: Annotated[float, Ge(0)],
    utc_offset_h: float | None,
    far_priors: Literal["refuse", "ignore"],
) -> None:
    """Read, split, write, and print what became of it."""
    from hinted_posenet.core.errors import UsageError
    from hinted_posenet.data.import_images import Plan, import_images, open_source
    from hinted_posenet.data.import_priors import ImportPriors
    from hinted_posenet.data.import_splits import Shares
    from hinted_posenet.data.priors.load import PriorSource
    from hinted_posenet.data.priors.place import prior_keys

    given = None
    if priors is not None:
        keys = prior_keys(
            prior_sigma_m, prior_sigma_r_deg, altitude_above, takeoff_altitude_m, ground_m
        )
        stated = PriorSource(priors, keys, time_tolerance_s, utc_offset_h)
        given = ImportPriors(stated, georeference, far_priors)
    elif georeference:
        raise UsageError("georeference=true: takes positions of the images; give priors too")

    plan = Plan(split, Shares(test_share, val_share), seed, test, val, blocks, margin_m)
    options = {"link": images == "link", "overwrite": overwrite, "skip_faulty": skip_faulty}
    print(import_images(open_source(source, layout, reader), out, plan, **options, priors=given))
