"""A world of four coloured quarters on a slope, and a data set simulated over it."""

from pathlib import Path

import numpy as np
import pytest

from hinted_posenet.show.subject import Subject
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.plan import LawnmowerPlan, RandomPlan
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import ArrayWorld, Capture, PixelGrid, World

QUARTERS = {"nw": (200, 30, 30), "ne": (30, 200, 30), "sw": (30, 30, 200), "se": (200, 200, 30)}
SUMMER = Capture("summer", "summer", "2025-07-10", 11.5)
WINTER = Capture("winter", "winter", "2025-01-20")
CAMERA = Camera(32, 24, hfov_deg=50.0)


def quarters(rows: int = 256, cols: int = 320, res: float = 1.0) -> World:
    """A world around (0, 0) that rises by a tenth to the east and a fifth to the north; winter is paler."""
    colours = np.array(list(QUARTERS.values()), np.uint8).reshape(2, 2, 3)
    photo = colours.repeat(rows // 2, axis=0).repeat(cols // 2, axis=1)
    pixel_grid = PixelGrid(-0.5 * cols * res, 0.5 * rows * res, res, rows, cols)
    x = np.linspace(pixel_grid.bounds.xmin, pixel_grid.bounds.xmax, cols // 4 + 1)
    y = np.linspace(pixel_grid.bounds.ymax, pixel_grid.bounds.ymin, rows // 4 + 1)
    heights_m = slope_m(*np.meshgrid(x, y)).astype(np.float32)
    return ArrayWorld(pixel_grid, {SUMMER: photo, WINTER: 128 + photo // 2}, heights_m, node_px=4)


def slope_m(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    return 0.1 * x_m + 0.2 * y_m


def quarter_of(x_m: float, y_m: float) -> tuple[int, int, int]:
    """The colour of summer at a place."""
    return QUARTERS[("n" if y_m > 0 else "s") + ("e" if x_m > 0 else "w")]


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A data set: a strip flight for training, places at random for the rest."""
    root: Path = tmp_path_factory.mktemp("aerial")
    strips = LawnmowerPlan([60, 60], [0, 0], 0.0, forward_overlap=0.5, side_overlap=0.2)
    random = RandomPlan([50, 70], [-180, 180], 3.0)
    flights = {
        "strips": Flight("train", ["summer", "winter"], 20, strips),
        "val": Flight("val", ["summer"], 5, random),
        "test": Flight("test", ["winter"], 8, random),
    }
    simulate(quarters(), flights, CAMERA, root, "quarters", seed=4, threads=1)
    return Subject(quarters, root, "quarters", seed=4, threads=1)
