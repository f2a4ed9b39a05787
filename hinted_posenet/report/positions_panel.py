"""A panel of a figure: a dot where each camera was, a line to where it was put, over the map if there is one."""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from hinted_posenet.report.frames import Floats

Limits = tuple[float, float]
AXES = "xyz"


class Ground(NamedTuple):
    """What all panels of a figure show."""

    axes: tuple[int, int]  # of the world, to the right and up
    x_m: Limits
    y_m: Limits
    overview: dict[str, Any] | None  # image and bounds_m of the scene's map

    def panel_height(self, width: float) -> float:
        """Height that suits a panel so wide, its title of two lines included."""
        ratio = (self.y_m[1] - self.y_m[0]) / (self.x_m[1] - self.x_m[0])
        # the axes take four fifths of the width; the rest are ticks, and above the title
        return 0.8 * width * min(max(ratio, 0.3), 1.5) + 0.9


def ground_of(true_m: Floats, predicted_m: Floats, overview: dict[str, Any] | None) -> Ground:
    """The map, or where cameras (N, 3) were and nearly all answers (M, 3) lie (99 %)."""
    first, second = sorted(np.argsort(np.ptp(true_m, axis=0))[-2:].tolist())  # they moved most so
    axes = (first, second)
    if overview is not None:
        xmin, ymin, xmax, ymax = overview["bounds_m"]
        return Ground(axes, (xmin, xmax), (ymin, ymax), overview)
    true = true_m[:, axes]
    answers = predicted_m[np.isfinite(predicted_m).all(axis=1)][:, axes]
    if len(answers) == 0:
        answers = true
    low = np.minimum(true.min(axis=0), np.quantile(answers, 0.005, axis=0))
    high = np.maximum(true.max(axis=0), np.quantile(answers, 0.995, axis=0))
    margin = 0.03 * (high - low).max() or 1.0
    x_m, y_m = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
    return Ground(axes, x_m, y_m, None)


def draw_positions(
    axes: Axes, ground: Ground, true_m: Floats, predicted_m: Floats, colours: Any
) -> None:
    """True and predicted positions (N, 3), in one colour or one for each."""
    if ground.overview is not None and Path(ground.overview["image"]).is_file():
        picture = mpl.image.imread(ground.overview["image"], format="jpg")
        axes.imshow(picture, extent=(*ground.x_m, *ground.y_m), alpha=0.45)
    true, predicted = true_m[:, ground.axes], predicted_m[:, ground.axes]
    ways = list(np.stack([true, predicted], axis=1))
    axes.add_collection(LineCollection(ways, colors=colours, linewidths=0.9, alpha=0.8))
    axes.scatter(true[:, 0], true[:, 1], s=7, c=colours, linewidths=0)
    axes.set(xlim=ground.x_m, ylim=ground.y_m, aspect="equal")
    axes.locator_params(nbins=5)


def name_axes(axes: Axes, ground: Ground) -> None:
    """Which axes of the world they are."""
    axes.set_xlabel(f"{AXES[ground.axes[0]]} in m")
    axes.set_ylabel(f"{AXES[ground.axes[1]]} in m")
