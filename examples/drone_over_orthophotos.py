"""A drone over real orthophotos: those of earlier dates are the map, a flight on the latest is located on it.

    python examples/drone_over_orthophotos.py [--orthophotos FOLDER] [--altitude-m M] [--images N] [--epochs N]

FOLDER holds GeoTIFFs of one place, each with its date as YYYYMMDD in its name; by default the NAIP photos in
$HINTED_POSENET_DATA/aerial/naip_north_dakota. The drone's satellite navigation is poor (jammed, say): good to
100 m per axis, with a bias that wanders. What is simulated, trained and drawn lies in simulated/ and runs/ of the
current folder; a finished step is not repeated.
"""

import argparse
import os
from pathlib import Path

from hinted_posenet.cli.compose import compose
from hinted_posenet.cli.verb import call
from hinted_posenet.core.errors import InputError, one_line_errors
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.reports.compare import comparison
from hinted_posenet.reports.page.page import write_page
from hinted_posenet.reports.positions_figure import positions_figure
from hinted_posenet.simulator.world.geotiff import dated_files

SCENE = "drone"
NAIP = "aerial/naip_north_dakota"
GNSS = [
    "navigation.gnss.horizontal_sigma_m=60",
    "navigation.gnss.vertical_sigma_m=60",
    "navigation.gnss.attitude_sigma_deg=5",
    "navigation.gnss.bias_sigma_m=80",
    *(f"+flights.{name}.navigation=${{navigation.gnss}}" for name in ("val", "test_new_dates")),
]
SURVEY = [  # the flight to locate: strips; those of the map are at random places
    "flights.test_new_dates.plan=${flight.lawnmower}",
    "flight.lawnmower.forward_overlap=0.4",
    "flight.lawnmower.side_overlap=0.2",
]
TRAIN = ["data=aerial", f"data.scene={SCENE}", "augmented_views=0", "logger=none", "resume=true"]
METHODS = {  # the first hint is what the navigation says, for those that take one
    "posenet": [],
    "null_hint": [],
    "hinted_residual": ["inference_hint=prior"],
    "hinted_memory": ["inference_hint=prior"],
}


def main() -> None:
    """Simulate, train, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    data = Path(os.environ.get("HINTED_POSENET_DATA", "data"))
    parser.add_argument("--orthophotos", type=Path, default=data / NAIP, metavar="FOLDER")
    parser.add_argument("--altitude-m", type=float, default=650, help="above ground")
    parser.add_argument("--images", type=int, default=200, help="of the map, at each date")
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    with one_line_errors():
        simulate(arguments.orthophotos, arguments.altitude_m, arguments.images)
        words = [*TRAIN, f"trainer.max_epochs={arguments.epochs}"]
        runs = []
        for method, own in METHODS.items():
            config = compose("train", *words, f"method={method}", *own)
            call("train", config)
            runs.append(Path(config["paths"]["run"]))
        show(runs)


def simulate(orthophotos: Path, altitude_m: float, images: int) -> None:
    """Fly over the photos: at random places on the earlier dates, in strips on the latest."""
    if not orthophotos.is_dir():
        raise InputError(
            f"{orthophotos}: no such folder; give --orthophotos a folder of GeoTIFFs of one place with YYYYMMDD "
            "in their names, such as NAIP's (USA, free, from USGS EarthExplorer), or set HINTED_POSENET_DATA"
        )
    *earlier, latest = dated_files(orthophotos)
    if not earlier:
        raise InputError(f"{orthophotos}: photos of one date only; at least two are needed")
    config = compose(
        "simulate",
        "recipe=naip",
        f"scene={SCENE}",
        "expected=null",
        f"world.source={orthophotos}",
        f"flight.random.altitude_m=[{0.9 * altitude_m},{1.1 * altitude_m}]",
        f"train_dates=[{','.join(earlier)}]",
        f"test_dates=[{latest}]",
        "~flights.test_known_dates",
        f"flights.train.images={images}",
        f"flights.val.images={max(4, images // 10)}",
        "flights.test_new_dates.images=48",
        *GNSS,
        *SURVEY,
    )
    if not Path(config["root"], SCENE).is_dir():
        call("simulate", config)


def show(folders: list[Path]) -> None:
    """One table, one picture over the map, one page."""
    runs = read_runs(folders)
    print(comparison(runs).text())
    picture, page = Path("runs/drone.jpg"), Path("runs/drone.html")
    positions_figure(picture, runs)
    write_page(page, runs, "A drone over orthophotos")
    print(f"written: {picture}, {page}")


if __name__ == "__main__":
    main()
