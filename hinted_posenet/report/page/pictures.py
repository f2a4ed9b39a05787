"""Frames worth a look, and their pictures: small, inside the page, within a budget."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.report.frames import Floats, Frames
from hinted_posenet.report.page.lines import Line

SIDE_PX = 240
QUALITY = 62  # WebP; 8 kB a picture
# of pictures as text; with plotly and the numbers of 2,000 frames the page stays below 5 MB
BUDGET_BYTES = 1_900_000
EACH = 4  # picked of each kind


def picks(error: Floats) -> dict[str, list[int]]:
    """Frames of the best, the median and the worst of errors (N,), those of a video not all from one place."""
    order = np.argsort(error, kind="stable")
    from_middle = order[np.argsort(np.abs(np.arange(len(order)) - len(order) // 2), kind="stable")]
    return {
        "best": _apart(order),
        "median": _apart(from_middle),
        "worst": _apart(order[::-1]),
    }


def pictures(
    lines: list[Line], neighbours: list[str], queries: Frames, train: Frames | None
) -> dict[str, dict[str, str | None]]:
    """Picture of each picked frame, and of the training image beside it, as many as the budget allows.

    Args:
        lines: whose picks are shown, the first ones of each line first.
        neighbours: (N,) names of training images; empty: none.
        queries: the N frames.
        train: frames of training, if they are known.

    Returns:
        "query" and "train", each name -> data URI, or None where the file is not there.
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
                picture = _thumbnail(images[kind][name])
                found[kind][name] = picture
                spent += len(picture or "")
    return found


def data_uri(image: NDArray[Any], side_px: int) -> str:
    """A BGR image, its longer side at most ``side_px``."""
    scale = side_px / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _thumbnail(path: str) -> str | None:
    image = cv2.imread(path) if path and Path(path).is_file() else None
    return None if image is None else data_uri(image, SIDE_PX)


def _apart(order: NDArray[np.int64]) -> list[int]:
    """The first rows of an order that are a fiftieth of all from each other."""
    gap = len(order) / 50
    found: list[int] = []
    for row in order.tolist():
        if len(found) < EACH and all(abs(row - other) >= gap for other in found):
            found.append(row)
    return found
