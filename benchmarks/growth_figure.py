"""Errors along an axis as text: a block per curve, then what each hint gains."""

from pathlib import Path

import numpy as np
from growth_fit import CONTROLS, NEAREST, ORACLE_ANSWER, Axis, Curve, Growth, fit_growth
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.tables import text_table
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, difference, median
from hinted_posenet.reports.study_table import NULL


def growth_table(axis: Axis, curves: list[Curve]) -> str:
    """Median position errors in metres with their bootstrap 95 % intervals, and what hints change in them."""
    blocks = [f"Median position error in m [95 %] by {axis.title}"]
    for curve in curves:
        header = [curve.title, *(f"{place(point.x)} {axis.unit}" for point in curve.points)]
        if axis.grows:
            header.append("exponent [95 %]")
        lines = [header, _counts("training views", [point.train_views for point in curve.points])]
        frames = [next(iter(point.errors_m.values())).shape[1] for point in curve.points]
        lines.append(_counts("test frames", frames))
        lines += [_error_line(axis, curve, row) for row in curve.rows]
        lines += [_ratio_line(curve, over, under) for over, under in ratios(curve)]
        blocks.append(text_table([line + [""] * (len(header) - len(line)) for line in lines]))
    return "\n\n".join(blocks)


def place(x: float) -> str:
    """Two digits: 0.25, 3.9, 300."""
    return f"{float(f'{x:.2g}'):g}"


def ratios(curve: Curve) -> list[tuple[str, str]]:
    """Return the rows to divide: a hinted network by the one that never gets a hint, and by its own hint."""
    hinted = [row for row in curve.rows if row not in (*CONTROLS, "posenet", NULL)]
    pairs = [(row, NULL) for row in hinted if NULL in curve.rows]
    return pairs + [(row, ORACLE_ANSWER) for row in hinted if row in curve.oracle]


def _counts(title: str, numbers: list[int]) -> list[str]:
    return [f"  {title}", *(f"{number:,}" for number in numbers)]


def _error_line(axis: Axis, curve: Curve, row: str) -> list[str]:
    cells = ["-"] * len(curve.points)
    for index, point in enumerate(curve.points):
        if row in point.errors_m:
            low, high = bootstrap_interval(point.errors_m[row])
            cells[index] = f"{median(point.errors_m[row]):.0f} [{low:.0f}, {high:.0f}]"
    if axis.grows:
        growth = fit_growth(curve.points, row)
        cells.append(
            "-"
            if growth is None
            else f"{growth.exponent:.2f} [{growth.low:.2f}, {growth.high:.2f}]"
        )
    return [f"  {row}", *cells]


def _ratio_line(curve: Curve, over: str, under: str) -> list[str]:
    cells = []
    for point in curve.points:
        if over in point.errors_m and under in point.errors_m:
            cells.append(difference(point.errors_m[over], point.errors_m[under]).text)
        else:
            cells.append("-")
    return [f"  {over} / {under}", *cells]


COLOURS = {
    "constant": "#afb8c1",
    "retrieval": "black",
    "hint": "#e08600",  # as the answer
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
        or not (row == NEAREST or any(other.startswith(f"{row} from") for other in rows))
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
    style = "--" if row in (*curve.oracle, ORACLE_ANSWER) else "-"
    growth = _firm_growth(curve, row) if fitted else None
    axes.plot(x, growth.at(x) if growth else medians, style, color=colour, lw=1.8)


def _firm_growth(curve: Curve, row: str) -> Growth | None:
    """Return the fitted growth if the points lie on a line; those of retrieval, for one, do not."""
    growth = fit_growth(curve.points, row)
    return growth if growth and growth.high - growth.low < WIDEST_INTERVAL else None


def _names(axes: Axes, curve: Curve, rows: list[str], colours: dict[str, str]) -> None:
    """Write the lines' names at their right ends, pushed apart."""
    low, high = np.log(axes.get_ylim())
    last = {row: np.log(median(curve.points[-1].errors_m[row])) for row in rows}
    at = -np.inf
    for row in sorted(rows, key=last.__getitem__):
        at = max((last[row] - low) / (high - low), at + LABEL_GAP)
        growth = _firm_growth(curve, row)
        axes.annotate(
            row + (f"  ~ x$^{{{growth.exponent:.2f}}}$" if growth else ""),
            (curve.points[-1].x, np.exp(last[row])),
            (1.03, at),
            textcoords="axes fraction",
            color=colours[row],
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colours[row], "lw": 0.6},
        )
