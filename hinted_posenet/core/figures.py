"""Figures: atomic saving, and logarithmic axes of lengths."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.formatting import short_length

FIGURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf")  # what matplotlib writes of what people give


def save_figure(figure: Figure, path: Path, dpi: float = 100) -> None:
    """Write .png, .jpg, .svg or .pdf atomically."""
    with atomic_write(path) as partial:
        figure.savefig(partial, dpi=dpi)


def logarithmic(axes: Axes, *names: str) -> None:
    """Make axes of lengths logarithmic, with round ticks: as many as fit, and at least two."""
    axes.set(**{f"{name}scale": "log" for name in names})
    for name in names:
        scale = axes.xaxis if name == "x" else axes.yaxis
        low, high = scale.get_view_interval()
        decades = np.log10(high / low)
        if decades > 1.5 and name == "x":
            subs: tuple[float, ...] = (1.0,)
        else:
            subs = (1.0, 2.0, 5.0) if decades > 0.7 else (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
        scale.set_major_locator(LogLocator(subs=subs))
        scale.set_minor_locator(NullLocator())
        scale.set_major_formatter(lambda metres, _: short_length(metres))
