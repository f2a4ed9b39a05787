"""Pictures in the page: example frames, maps and scenes in 3-D."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.data.decode import thumbnail
from hinted_posenet.evaluation.frames_file import Floats, Frames
from hinted_posenet.reports.page.curves import GREY, Line

SIDE_PX = 240
QUALITY = 62  # WebP; 8 kB a picture
# of pictures as text; with plotly and the numbers of 2,000 frames the page stays below 5 MB
BUDGET_BYTES = 1_900_000
EACH = 4  # picked of each kind


def picks(error: Floats) -> dict[str, list[int]]:
    """Return frames with the best, median and worst of errors (N,), spread over a video."""
    order = np.argsort(error, kind="stable")
    from_middle = order[np.argsort(np.abs(np.arange(len(order)) - len(order) // 2), kind="stable")]
    orders = {"best": order, "median": from_middle, "worst": order[::-1]}
    return {kind: _apart(of_kind) for kind, of_kind in orders.items()}


def pictures(
    lines: list[Line], neighbours: list[str], queries: Frames, train: Frames | None
) -> dict[str, dict[str, str | None]]:
    """Return thumbnails of the picked frames and of the training images beside them, within the budget.

    Neighbours (N,) are names of training images; empty: none. The result has "query" and "train", each name ->
    data URI, or None where the file is missing.
    """
    chosen = [picks(line.poses.error_t_m) for line in lines]
    rows = dict.fromkeys(
        of_line[kind][rank]
        for rank in range(EACH)
        for kind in ("worst", "median", "best")
        for of_line in chosen
        if rank < len(of_line[kind])
    )
    images = {"query": dict(zip(queries.name, queries.image, strict=True))}
    images["train"] = dict(zip(train.name, train.image, strict=True)) if train else {}
    found: dict[str, dict[str, str | None]] = {"query": {}, "train": {}}
    spent = 0
    for row in rows:
        for kind, name in (("query", queries.name[row]), ("train", neighbours[row])):
            if name in images[kind] and name not in found[kind] and spent < BUDGET_BYTES:
                picture = _encoded(images[kind][name], SIDE_PX)
                found[kind][name] = picture
                spent += len(picture or "")
    return found


def _encoded(path: str, side_px: int) -> str | None:
    """Return an image, its longer side at most ``side_px``, as a data URI; None if there is none."""
    image = thumbnail(Path(path), side_px) if path else None
    if image is None:
        return None
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _apart(order: NDArray[np.int64]) -> list[int]:
    """Return the first rows of an order that are at least a fiftieth of all rows apart."""
    gap = len(order) / 50
    found: list[int] = []
    for row in order.tolist():
        if len(found) < EACH and all(abs(row - other) >= gap for other in found):
            found.append(row)
    return found


MAP_PX = 1000
TRAIN_DOTS = 1500  # more add nothing to the cloud
PINK = "#e8308c"
WHITE = {"size": 6, "color": "#ffffff", "line": {"color": "#000000", "width": 1}}


def position_data(lines: list[Line], train_m: Floats | None) -> dict[str, Any]:
    """Return true and training positions and each line's answers (N, 3) in metres, to 4 digits of their extent."""
    true_m = lines[0].poses.true_m
    step = float(np.ptp(true_m, axis=0).max()) / 10_000 or 1.0
    decimals = max(0, int(np.ceil(-np.log10(step))))
    run = lines[0].runs[0]
    sequences = run.sequences(run.in_group("all"))
    names = list(dict.fromkeys(sequences or ()))
    train = np.empty((0, 3)) if train_m is None else train_m[:: -(-len(train_m) // TRAIN_DOTS)]
    return {
        "true": _points(true_m, decimals),
        "train": _points(train, decimals),
        "answers": [_points(line.poses.predicted_m, decimals) for line in lines],
        # the page draws each sequence as a path; None for independent frames
        "sequence": sequences and [names.index(name) for name in sequences],
    }


def map_figure(overview: dict[str, Any] | None) -> dict[str, Any] | None:
    """Draw positions from above over the orthophoto; None where there is no map."""
    if overview is None:
        return None
    xmin, ymin, xmax, ymax = overview["bounds_m"]
    image = _encoded(overview["image"], MAP_PX)
    placed = {"x": xmin, "y": ymax, "sizex": xmax - xmin, "sizey": ymax - ymin}
    placed |= {"source": image, "layer": "below", "opacity": 0.85}
    placed |= {"xref": "x", "yref": "y", "sizing": "stretch"}
    axis = {"ticksuffix": " m", "showgrid": False, "zeroline": False, "nticks": 4, "tickangle": 0}
    train = {"size": 2.5, "color": "#000000", "opacity": 0.45}
    return {
        "data": _traces("scatter", train, WHITE, 2, 15),
        "layout": {
            "images": [placed] if image else [],
            "xaxis": {"range": [xmin, xmax], "constrain": "domain", **axis},
            "yaxis": {"range": [ymin, ymax], "scaleanchor": "x", "constrain": "domain", **axis},
            "meta": {"aspect": (ymax - ymin) / (xmax - xmin)},
        },
    }


def scene_figure() -> dict[str, Any]:
    """Draw positions in 3-D."""
    axis = {"ticksuffix": " m", "title": {"text": ""}, "showbackground": False}
    camera = {"eye": {"x": 1.45, "y": 1.45, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.15}}
    axes = {
        f"{n}axis": {**axis, "nticks": count} for n, count in zip("xyz", (6, 6, 3), strict=True)
    }
    return {
        "data": _traces("scatter3d", {"size": 1.5, "color": GREY}, {"size": 2}, 4, 7),
        "layout": {"scene": {"aspectmode": "data", "camera": camera, **axes}, "height": 520},
    }


def _traces(
    kind: str, train: dict[str, Any], true: dict[str, Any], width: float, size: float
) -> list[dict[str, Any]]:
    """Return the empty traces that the page fills: training, truth, lines to the answers, chosen frame."""
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
    """Return columns x, y and z; None where an answer is not finite."""
    columns = points_m.round(decimals).T.tolist()
    return [[x if np.isfinite(x) else None for x in column] for column in columns]
