"""Plots of where cameras were and were put: a map of aerial scenes, a scene in 3-D.

The figures here are empty: the page fills them with the frames of a group and the answers of a method, so that
each position stands in the file once.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hinted_posenet.report.frames import Floats
from hinted_posenet.report.page.lines import GREY, Line
from hinted_posenet.report.page.pictures import data_uri

MAP_PX = 1000
TRAIN_DOTS = 1500  # more are a cloud that says the same
PINK = "#e8308c"
WHITE = {"size": 6, "color": "#ffffff", "line": {"color": "#000000", "width": 1}}


def position_data(lines: list[Line], train_m: Floats | None) -> dict[str, Any]:
    """True (N, 3) and training positions, and answers (N, 3) of each line: metres, 4 digits of their extent."""
    true_m = lines[0].poses.true_m
    step = float(np.ptp(true_m, axis=0).max()) / 10_000 or 1.0
    decimals = max(0, int(np.ceil(-np.log10(step))))
    train = np.empty((0, 3)) if train_m is None else train_m[:: -(-len(train_m) // TRAIN_DOTS)]
    return {
        "true": _points(true_m, decimals),
        "train": _points(train, decimals),
        "answers": [_points(line.poses.predicted_m, decimals) for line in lines],
        "sequence": _sequence(lines[0]),
    }


def map_figure(overview: dict[str, Any] | None) -> dict[str, Any] | None:
    """Positions from above, over the orthophoto; None where there is no map."""
    if overview is None:
        return None
    xmin, ymin, xmax, ymax = overview["bounds_m"]
    image = cv2.imread(overview["image"]) if Path(overview["image"]).is_file() else None
    images = []
    if image is not None:
        placed = {"x": xmin, "y": ymax, "sizex": xmax - xmin, "sizey": ymax - ymin}
        source = {"source": data_uri(image, MAP_PX), "layer": "below", "opacity": 0.85}
        images = [placed | source | {"xref": "x", "yref": "y", "sizing": "stretch"}]
    axis = {"ticksuffix": " m", "showgrid": False, "zeroline": False, "nticks": 4, "tickangle": 0}
    return {
        "data": _traces(
            "scatter", {"size": 2.5, "color": "#000000", "opacity": 0.45}, WHITE, 2, 15
        ),
        "layout": {
            "images": images,
            "xaxis": {"range": [xmin, xmax], "constrain": "domain", **axis},
            "yaxis": {"range": [ymin, ymax], "scaleanchor": "x", "constrain": "domain", **axis},
            "meta": {"aspect": (ymax - ymin) / (xmax - xmin)},
        },
    }


def scene_figure() -> dict[str, Any]:
    """Positions in 3-D."""
    axis = {"ticksuffix": " m", "title": {"text": ""}, "showbackground": False}
    camera = {"eye": {"x": 1.45, "y": 1.45, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.15}}
    axes = {
        f"{name}axis": {**axis, "nticks": count} for name, count in (("x", 6), ("y", 6), ("z", 3))
    }
    return {
        "data": _traces("scatter3d", {"size": 1.5, "color": GREY}, {"size": 2}, 4, 7),
        "layout": {"scene": {"aspectmode": "data", "camera": camera, **axes}, "height": 520},
    }


def _traces(
    kind: str, train: dict[str, Any], true: dict[str, Any], width: float, size: float
) -> list[dict[str, Any]]:
    """In the order in which the page fills them: training, truth, ways to the answers, chosen frame."""
    chosen = {"size": size, "symbol": ["circle-open", "square-open"], "color": PINK}
    traces: list[dict[str, Any]] = [
        {"mode": "markers", "marker": train, "hoverinfo": "skip"},
        {"mode": "lines+markers", "marker": true, "line": {"width": 3}, "hoverinfo": "none"},
        {"mode": "lines", "line": {"width": width}, "hoverinfo": "skip"},
        {"mode": "lines+markers", "marker": {**chosen, "line": {"width": 3}}, "hoverinfo": "skip"}
        | {"line": {"color": PINK, "width": 3}},
    ]
    return [{"type": kind, **trace} for trace in traces]


def _points(points_m: Floats, decimals: int) -> list[list[float | None]]:
    """Columns x, y and z; None where an answer is not finite."""
    columns = points_m.round(decimals).T.tolist()
    return [[x if np.isfinite(x) else None for x in column] for column in columns]


def _sequence(line: Line) -> list[int] | None:
    """Number of each frame's sequence, along which the page draws a path; None where views are single ones."""
    run = line.runs[0]
    sequences = run.sequences(run.in_group("all"))
    if sequences is None:
        return None
    numbers = {name: number for number, name in enumerate(dict.fromkeys(sequences))}
    return [numbers[name] for name in sequences]
