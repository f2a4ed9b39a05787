"""Figure: errors along each axis; the first is drawn large, with its fitted growth and the names of all lines."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hinted_posenet.report.bootstrap import bootstrap_interval, median
from hinted_posenet.report.growth import Axis, Curve, Growth, fit_growth
from hinted_posenet.report.growth_table import place
from hinted_posenet.report.runs import NEAREST_CAMERA
from hinted_posenet.report.save_figure import save_figure

COLOURS = {
    "constant": "#afb8c1",
    "retrieval": "black",
    "the": "#e08600",  # ORACLE hint as the answer
    "posenet": "#d1242f",
    "null_hint": "#6e7781",
    "hinted_embedding": "#2da44e",
    "hinted_residual": "#1f6feb",
}
OTHERS = ("#8250df", "#bf3989", "#1b7c83", "#953800")
LABEL_GAP = 0.05  # of the panel's height, between names
WIDEST_INTERVAL = 0.7  # of an exponent that is drawn


def growth_figure(path: Path, curves: dict[Axis, list[Curve]]) -> None:
    """One panel per axis: medians with their bootstrap intervals, dashed where the hint is an oracle's.

    Of an axis with several curves, the second (another world) is drawn in open markers; a second
    group of frames of the same worlds is left to the table.
    """
    first, *others = curves
    figure = Figure(figsize=(12, 7.5) if others else (8, 7.5), layout="constrained")
    ratios = [1.7, 1] if others else [1]
    grid = figure.add_gridspec(len(others) or 1, len(ratios), width_ratios=ratios)
    places = [grid[:, 0], *(grid[row, 1] for row in range(len(others)))]
    panels = [figure.add_subplot(at) for at in places]
    rows = _shown(curves[first][0].rows)
    colours = _colours(rows)
    for axes, (axis, drawn) in zip(panels, curves.items(), strict=True):
        for curve, face in zip(drawn[: 1 if axis.grows else 2], (None, "white"), strict=False):
            for row in [row for row in rows if row in curve.rows]:
                _draw(axes, curve, row, colours[row], face, fitted=axis is first and axis.grows)
        axes.set(yscale="log", title=_title(axis, drawn))
        axes.set_xlabel(f"{axis.title}, {axis.unit}", loc="right")
        if axis.grows:
            axes.set_xscale("log")
        ticks = sorted({point.x for point in drawn[0].points})
        axes.set_xticks(ticks, [place(x) for x in ticks])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda metres, _: f"{metres:g} m")
        axes.spines[["top", "right"]].set_visible(False)
    _names(panels[0], curves[first][0], rows, colours)
    save_figure(figure, path)


def _shown(rows: list[str]) -> list[str]:
    """Without the hinted networks' answers to no hint, where they have one: the null hint is near enough.

    The nearest camera is left to the table: it says how dense the training views are.
    """
    return [
        row
        for row in rows
        if row == "retrieval"
        or not (row == NEAREST_CAMERA or any(other.startswith(f"{row} from") for other in rows))
    ]


def _colours(rows: list[str]) -> dict[str, str]:
    methods = dict.fromkeys(row.split()[0] for row in rows)
    unknown = [method for method in methods if method not in COLOURS]
    known = COLOURS | dict(zip(unknown, OTHERS, strict=False))
    return {row: known[row.split()[0]] for row in rows}


def _title(axis: Axis, drawn: list[Curve]) -> str:
    if axis.grows:
        return drawn[0].title
    return f"{drawn[0].title} (open: {drawn[1].title})" if len(drawn) > 1 else drawn[0].title


def _draw(axes: Axes, curve: Curve, row: str, colour: str, face: str | None, fitted: bool) -> None:
    """Points with their intervals, joined by the fitted growth or by straight lines."""
    points = [point for point in curve.points if row in point.errors_m]
    x = np.array([point.x for point in points])
    medians = np.array([median(point.errors_m[row]) for point in points])
    low, high = np.array([bootstrap_interval(point.errors_m[row]) for point in points]).T
    axes.errorbar(
        x, medians, (medians - low, high - medians), fmt="o", ms=5, color=colour, mfc=face or colour
    )
    style = "--" if "ORACLE" in row else "-"
    growth = _firm_growth(curve, row) if fitted else None
    axes.plot(x, growth.at(x) if growth else medians, style, color=colour, lw=1.8)


def _firm_growth(curve: Curve, row: str) -> Growth | None:
    """The fitted growth where the points are on a line at all; retrieval, for one, breaks down at once."""
    growth = fit_growth(curve.points, row)
    return growth if growth and growth.high - growth.low < WIDEST_INTERVAL else None


def _names(axes: Axes, curve: Curve, rows: list[str], colours: dict[str, str]) -> None:
    """The lines' names at their right ends, pushed apart."""
    low, high = np.log(axes.get_ylim())
    last = {row: np.log(median(curve.points[-1].errors_m[row])) for row in rows}
    at = -np.inf
    for row in sorted(rows, key=last.__getitem__):
        at = max((last[row] - low) / (high - low), at + LABEL_GAP)
        growth = _firm_growth(curve, row)
        text = row.replace(" from oracle (ORACLE hint)", " from ORACLE")
        axes.annotate(
            text + (f"  ~ x$^{{{growth.exponent:.2f}}}$" if growth else ""),
            (curve.points[-1].x, np.exp(last[row])),
            (1.03, at),
            textcoords="axes fraction",
            color=colours[row],
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colours[row], "lw": 0.6},
        )
