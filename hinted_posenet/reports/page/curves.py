"""The lines that the page compares, each with one colour and dash, and their Plotly curves and axes as dicts."""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from hinted_posenet.core.formatting import fine_degrees, length, round_numbers, short_length
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.predictions import CONSTANT, NEAREST_CAMERA, RETRIEVAL
from hinted_posenet.evaluation.run_files import MethodPoses, Run, by_title

CONTROLS = {CONSTANT: "dot", RETRIEVAL: "solid", NEAREST_CAMERA: "dash"}
GREY = "#808890"
# legible to colour-blind readers, and with a contrast of at least 3:1 in light and dark mode
PALETTE = ("#d55e00", "#cc79a7", "#0079c4", "#009e73", "#8a63d2", "#b37a00", "#1a9aa8", "#a0607a")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


class Line(NamedTuple):
    """A control, or a network under one hint."""

    title: str
    runs: list[Run]  # of several seeds, which scored the same frames
    method: str  # its name in poses.csv; of a network: its last refinement step
    colour: str = GREY
    dash: str = "solid"

    @property
    def name(self) -> str:
        """Name of the runs, the same under all hints."""
        return str(self.runs[0].results["name"])

    @property
    def poses(self) -> MethodPoses:
        """Poses of the first seed."""
        return self.runs[0].methods[self.method]

    @property
    def oracle(self) -> bool:
        """Whether its answers or its hints were made from the labels."""
        return self.poses.oracle

    @property
    def is_network(self) -> bool:
        """Whether it was trained, rather than a control."""
        return self.poses.role == "network"

    def errors(self, key: str, method: str | None = None) -> Floats:
        """Return a column of `MethodPoses` for all seeds (seeds, N), such as ``error_t_m``."""
        return np.stack([getattr(run.methods[method or self.method], key) for run in self.runs])


def read_lines(runs: list[Run]) -> list[Line]:
    """Return the controls of the first run without an oracle, then the networks in the order given."""
    # retrieval uses a sensor's prior
    first = min(runs, key=lambda run: bool(run.results["oracle"]))
    controls = ((name, dash) for name, dash in CONTROLS.items() if name in first.methods)
    lines = [Line(first.methods[name].title, [first], name, dash=dash) for name, dash in controls]
    style: dict[str, tuple[str, Iterator[str]]] = {}  # by name: a color, and a dash for each hint
    for title, same in by_title(runs).items():
        name = same[0].results["name"]
        colour, dashes = style.setdefault(name, (PALETTE[len(style) % len(PALETTE)], cycle(DASHES)))
        lines.append(Line(title, same, same[0].steps[-1].method, colour, next(dashes)))
    return lines


class Quantity(NamedTuple):
    """An error of the pose."""

    name: str
    key: str  # of MethodPoses
    nees: str  # likewise
    text: Callable[[float], str]
    tick: Callable[[float], str]


POSITION = Quantity("position", "error_t_m", "nees_position", length, short_length)
ROTATION = Quantity("rotation", "error_r_deg", "nees_rotation", fine_degrees, "{:g}°".format)
QUANTITIES = (POSITION, ROTATION)
# the ticks in each decade of an axis that spans more than so many decades
STEPS: tuple[tuple[float, Sequence[int]], ...] = ((3.5, (1,)), (2, (1, 3)), (0.8, (1, 2, 5)))


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from low to high: decades, and what lies between them where those are few."""
    steps = next((s for least, s in STEPS if np.log10(high / low) > least), range(1, 10))
    return round_numbers(low, high, steps)


Spec = dict[str, Any]  # data and layout of a figure, or a part of them
NOTE: Spec = {"showarrow": False, "font": {"size": 12, "color": GREY}}


def curve(line: Line, x: Floats, y: Floats, texts: list[str]) -> Spec:
    """Return a line's trace; texts (N,) appear on hover, and ``meta`` lets the page show and hide it."""
    return {
        "x": x,
        "y": y,
        "text": texts,
        "hovertemplate": f"{line.title}<br>%{{text}}<extra></extra>",
        "meta": [line.title],
        "mode": "lines",
        "line": {"color": line.colour, "dash": line.dash, "width": 2.2 if line.is_network else 1.6},
    }


def reference(x: list[float], y: list[float]) -> Spec:
    """Return a thin straight line."""
    line = {"color": GREY, "width": 1}
    return {"x": x, "y": y, "mode": "lines", "hoverinfo": "skip", "line": line}


def shown_range(values: list[Floats], low: float = 0.01, high: float = 0.99) -> tuple[float, float]:
    """Return the range of an axis: quantiles of all positive and finite values."""
    shown = (of_line[np.isfinite(of_line) & (of_line > 0)] for of_line in values)
    ends = [np.quantile(of_line, [low, high]) for of_line in shown if of_line.size]
    lows, highs = np.array(ends).T if ends else ([0.1], [1.0])
    first, last = float(min(lows)), float(max(highs))
    return (first, last) if last > 1.1 * first else (first / 2, first * 2)


def log_axis(title: str, low: float, high: float, quantity: Quantity) -> Spec:
    """Return a logarithmic axis with round ticks."""
    ticks = log_ticks(low, high)
    texts = [quantity.tick(tick) for tick in ticks]
    axis = {"type": "log", "range": [np.log10(low), np.log10(high)]}
    return axis | {"title": {"text": title}, "tickvals": ticks, "ticktext": texts}


def share_axis(title: str) -> Spec:
    """Return an axis from 0 to 100 %."""
    return {"title": {"text": title}, "range": [-0.01, 1.02], "tickformat": ".0%", "dtick": 0.25}
