"""Simulated seasons beside the real NAIP dates, compared alike: do they lie in the real range?

    python benchmarks/realism.py world=generated climate=naip_dates world.size_m=4700 \
        [--quick] [--json FILE] [--figure FILE] [--page docs/simulator.md]

Arguments are those of `hinted-posenet simulate`; the world that they name is compared with recipe=naip.
Both are cut to the same extent and ground pixel, laid flat, and flown over with that recipe's camera and plan.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path

import torch
from realism_photos import Photos, photos_of
from realism_retrieval import retrieval_errors
from realism_statistics import keypoints, matched, of_cover, of_date, of_pair
from realism_table import cover_table, markdown, rows_of, sheet
from tqdm import tqdm

from hinted_posenet.cli.compose import compose
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tables import insert_text
from hinted_posenet.inference.build import build

REAL = ["recipe=naip"]
VIEWS, QUICK_VIEWS = 600, 96  # of the database, at each date


def main() -> None:
    """Measure both columns and print them."""
    arguments = _arguments()
    start = time.perf_counter()
    torch.set_num_threads(1)
    config, real_config = (compose("simulate", *o) for o in (arguments.overrides, REAL))
    real_world, world = build(real_config["world"], "world"), build(config["world"], "world")
    views = QUICK_VIEWS if arguments.quick else VIEWS
    columns = {"real": photos_of(real_world, real_world.pixel_grid)}
    columns["simulated"] = photos_of(world, real_world.pixel_grid)
    camera, plan = (
        build(real_config["camera"], "camera"),
        build(real_config["flight"]["random"], "plan"),
    )
    cache = Path(real_config["paths"]["cache"])
    measured = [
        measure(photos) | retrieval_errors(photos, camera, plan, views, cache)
        for photos in columns.values()
    ]
    rows = rows_of(*measured)
    for name, photos in columns.items():
        print(f"{name}: {photos.title()}, {views} + {views // 6} views a date")
    print(markdown(rows), cover_table(of_cover(columns["simulated"])), sep="\n")
    verdicts = Counter(row.verdict for row in rows)
    counted = "medians: " + ", ".join(f"{n} {verdict}" for verdict, n in verdicts.most_common())
    print(f"\n{counted}; {time.perf_counter() - start:.0f} s")
    if arguments.page:
        insert_text(arguments.page, "realism", f"{markdown(rows)}\n\n{counted}.")
    if arguments.json:
        content = {row.measure: row._asdict() | {"verdict": row.verdict} for row in rows}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n")
    if arguments.figure:
        sheet(arguments.figure, columns)


def measure(photos: Photos) -> dict[str, list[float]]:
    """Measure all statistics that need no flight: one value a date, or one a pair of dates."""
    values: dict[str, list[float]] = defaultdict(list)
    found = {capture: keypoints(rgb) for capture, rgb in photos.rgb.items()}
    values["keypoints"] = [float(len(places)) for places, _ in found.values()]
    for a, b in tqdm(photos.pairs(), "pairs", leave=False):
        count, fewest = matched(found[a], found[b]), min(len(found[a][0]), len(found[b][0]))
        kind = "same season" if a.season == b.season else "across seasons"
        values["matched keypoints"].append(count)
        values["matched share, %"].append(100 * count / max(fewest, 1))
        values[f"matched keypoints, {kind}"].append(count)
    dates = [of_date(rgb, photos.resolution_m) for rgb in photos.rgb.values()]
    changes = [of_pair(photos.rgb[a], photos.rgb[b]) for a, b in photos.pairs()]
    for name, value in chain.from_iterable(row.items() for row in dates + changes):
        values[name].append(value)
    return dict(values)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="as for hinted-posenet simulate")
    parser.add_argument("--quick", action="store_true", help="96 views a date instead of 600")
    parser.add_argument("--json", type=Path, help="write all values there")
    parser.add_argument("--page", type=Path, help="put the table between its markers there")
    parser.add_argument("--figure", type=Path, help="write a picture sheet there (.png, .jpg)")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
