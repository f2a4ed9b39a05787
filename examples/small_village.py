"""What the examples share: a small generated village, flown over in three seasons, and how they end.

A drone's images of 96 x 96 pixels from 100 m above 0.16 km2, each with a simulated GNSS prior good to 20 m and
5 degrees. The test flight also sees winter, which no training flight does.
"""

import contextlib
import io
import os
from pathlib import Path

from hinted_posenet.cli.compose import compose
from hinted_posenet.cli.verb import call
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.reports.compare import comparison
from hinted_posenet.reports.positions_figure import positions_figure

# this folder is on Python's path, since the examples are run from it; so its package may be named
os.environ.setdefault("HINTED_POSENET_EXTENSIONS", "my_parts")

SCENE = "small_village"
TRAIN = ["data=aerial", f"data.scene={SCENE}", "data.height=96", "data.width=96"]
TRAIN += ["augmented_views=3", "trainer.max_epochs=20", "logger=none", "resume=true"]
GNSS = [
    "navigation.gnss.horizontal_sigma_m=20",
    "navigation.gnss.vertical_sigma_m=20",
    "navigation.gnss.attitude_sigma_deg=5",
    *(f"+flights.{name}.navigation=${{navigation.gnss}}" for name in ("train", "val", "test")),
]
SIZE = ["camera.width=96", "camera.height=96"]
SIZE += ["flights.train.images=100", "flights.val.images=30", "flights.test.images=40"]


def simulate(*overrides: str) -> Path:
    """Write the data set once, into simulated/ of the current folder; the folder of the scene."""
    config = compose(
        "simulate", "recipe=tiny", f"scene={SCENE}", "expected=null", *SIZE, *GNSS, *overrides
    )
    folder = Path(config["root"], SCENE)
    if not folder.is_dir():
        call("simulate", config)
    return folder


def train(*overrides: str) -> Path:
    """Train and test as ``hinted-posenet train`` does; the run's folder. A finished run is not repeated."""
    config = compose("train", *TRAIN, *overrides)
    print(f"training {config['name']} ...", flush=True)
    with contextlib.redirect_stdout(io.StringIO()):  # the table of one run; `compare` has all
        call("train", config)
    return Path(config["paths"]["run"])


def compare(folders: list[Path], picture: str) -> None:
    """Print one table and draw one picture into runs/, as ``hinted-posenet compare`` does."""
    runs = read_runs(folders)
    print(comparison(runs).text())
    positions_figure(Path("runs", picture), runs)
    print(f"written: runs/{picture}")


if __name__ == "__main__":
    simulate()
