"""Errors along an axis as text: a block per curve, then what each hint gains."""

from hinted_posenet.report.bootstrap import bootstrap_interval, difference, median
from hinted_posenet.report.growth import CONTROLS, ORACLE_ANSWER, Axis, Curve, fit_growth
from hinted_posenet.report.study import NULL
from hinted_posenet.report.table import text_table


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
        lines += [_ratio_line(curve, over, under) for over, under in ratios(curve.rows)]
        blocks.append(text_table([line + [""] * (len(header) - len(line)) for line in lines]))
    return "\n\n".join(blocks)


def place(x: float) -> str:
    """Two digits: 0.25, 3.9, 300."""
    return f"{float(f'{x:.2g}'):g}"


def ratios(rows: list[str]) -> list[tuple[str, str]]:
    """Rows to divide: a hinted network by the one that never gets a hint, and by the hint that it was told."""
    hinted = [row for row in rows if row not in (*CONTROLS, "posenet", NULL)]
    pairs = [(row, NULL) for row in hinted if NULL in rows]
    return pairs + [(row, ORACLE_ANSWER) for row in hinted if "ORACLE" in row]


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
