"""Real against simulated values: medians, ranges and a verdict, as Markdown; a picture sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from realism_photos import Photos

from hinted_posenet.core.figures import save_figure

TOLERANCE = 0.1  # of the real range, added at both of its ends
DETAIL_PX = 160  # side of the sheet's close-ups

Values = Mapping[str, Sequence[float]]  # measure -> one value a date, or one a pair of dates


class Row(NamedTuple):
    """One measure."""

    measure: str
    real: Sequence[float]
    simulated: Sequence[float]

    @property
    def inside(self) -> float:
        """Share of the simulated values in the real range, widened by `TOLERANCE`; nan without values."""
        if not len(self.real) or not len(self.simulated):
            return float("nan")
        low, high = self._range()
        return float(np.mean([low <= value <= high for value in self.simulated]))

    @property
    def verdict(self) -> str:
        """Where the simulated median lies."""
        if not len(self.real) or not len(self.simulated):
            return "not comparable"
        (low, high), median = self._range(), float(np.median(self.simulated))
        return "low" if median < low else "high" if median > high else "inside"

    def _range(self) -> tuple[float, float]:
        low, high = min(self.real), max(self.real)
        margin = TOLERANCE * (high - low)
        return low - margin, high + margin


def rows_of(real: Values, simulated: Values) -> list[Row]:
    """Make one row per measure of either column."""
    return [
        Row(name, real.get(name, ()), simulated.get(name, ()))
        for name in dict.fromkeys([*real, *simulated])
    ]


def markdown(rows: Sequence[Row]) -> str:
    """Format the table, with values as median [lowest, highest]."""
    lines = [
        "| measure | real | simulated | in range | verdict |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        share = "" if np.isnan(row.inside) else f"{100 * row.inside:.0f} %"
        verdict = f"**{row.verdict}**" if row.verdict in ("low", "high") else row.verdict
        lines.append(
            f"| {row.measure} | {spread(row.real)} | {spread(row.simulated)} | {share} | {verdict} |"
        )
    return "\n".join(lines)


def cover_table(table: Mapping[str, Values]) -> str:
    """Format statistics of the simulated photos by true land cover; empty where it is unknown."""
    if not table:
        return ""
    names = list(next(iter(table.values())))
    lines = ["", f"| simulated cover | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for cover, row in table.items():
        lines.append(f"| {cover} | {' | '.join(spread(row[name]) for name in names)} |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Format median [lowest, highest] to three digits."""
    if not len(values):
        return ""
    low, middle, high = (f"{q:.3g}" for q in np.quantile(values, (0, 0.5, 1)))
    return f"{middle} [{low}, {high}]"


def sheet(path: Path, columns: Mapping[str, Photos]) -> None:
    """Draw the dates of every column side by side: the whole extent, and a close-up of its center below."""
    most = max(len(photos.rgb) for photos in columns.values())
    figure = Figure(figsize=(2.6 * most, 4.9 * len(columns)), layout="constrained")
    axes = figure.subplots(2 * len(columns), most, squeeze=False)
    for panel in axes.ravel():
        panel.set_axis_off()
    for line, (name, photos) in enumerate(columns.items()):
        for number, (capture, rgb) in enumerate(photos.rgb.items()):
            top, left = ((size - DETAIL_PX) // 2 for size in rgb.shape[:2])
            whole, detail = axes[2 * line : 2 * line + 2, number]
            whole.imshow(rgb, interpolation="antialiased")
            whole.set_title(f"{name}: {capture.date}, {capture.season}", fontsize=8)
            close_up = rgb[top : top + DETAIL_PX, left : left + DETAIL_PX]
            detail.imshow(close_up, interpolation="nearest")
    save_figure(figure, path, dpi=110)
