"""The page's table by group of frames: medians with their intervals, claims, recalls and the copy check."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hinted_posenet.core.formatting import bounds, fine_degrees, length
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, median
from hinted_posenet.evaluation.calibration import claims_held
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.metrics import recalls_of
from hinted_posenet.evaluation.predictions import HINT_ANSWER, SHUFFLED_IMAGE
from hinted_posenet.reports.page.curves import Line


class Cell(NamedTuple):
    """A number as text, and the value to sort by."""

    text: str
    value: float
    interval: str = ""


class Row(NamedTuple):
    """A method on a group of frames."""

    line: Line
    cells: list[Cell]
    drawn: Floats  # (3,) median position error and its interval, in percent of a shared logarithmic scale


def summary_lines(lines: list[Line]) -> list[Line]:
    """Return the lines of the plots, and before them hints that no row shows yet, and first steps."""
    rows = []
    for line in lines:
        if line.runs[0].has_hint_of_its_own and line.is_network:
            title = f"{line.title}: the hint as the answer"
            rows.append(line._replace(title=title, method=HINT_ANSWER))
        first = line.runs[0].steps[0]
        if line.is_network and line.method != first.method:
            rows.append(line._replace(title=f"{line.title}, {first.title}", method=first.method))
            rows.append(line._replace(title=f"{line.title}, {line.poses.title}"))
        else:
            rows.append(line)
    return rows


def header(lines: list[Line]) -> list[str]:
    """Return the titles of the columns."""
    titles = ["method", "position, median [95 %]", "rotation, median [95 %]"]
    recalls = recalls_of(lines[0].runs[0].results)
    titles += ["position, 95th percentile", *["claimed 95 % holds"] * any(map(claims, lines))]
    titles += [recall.title for recall in recalls]
    return [*titles, "with another image", "seeds"] if _shuffled(lines) else [*titles, "seeds"]


def summary_rows(lines: list[Line], frames: Chosen) -> list[Row]:
    """Return a row per line, on the frames (N,) of a group."""
    first = lines[0].runs[0]
    recalls, sequences = recalls_of(first.results), first.sequences(frames)
    cells_of, positions = [], []
    for line in lines:
        t_m, r_deg = (line.errors(key)[:, frames] for key in ("error_t_m", "error_r_deg"))
        position = (median(t_m), *bootstrap_interval(t_m, sequences))
        rotation = (median(r_deg), *bootstrap_interval(r_deg, sequences))
        p95 = float(np.mean(np.quantile(t_m, 0.95, axis=1, method="lower")))
        cells = [_interval(position, length), _interval(rotation, fine_degrees)]
        cells.append(Cell(length(p95), p95))
        if any(map(claims, lines)):
            held = claims_held(line.errors("nees_position")[:, frames])
            cells.append(Cell("", np.inf) if held is None else Cell(f"{held:.0%}", held))
        shares = (recall.share(t_m, r_deg) for recall in recalls)
        cells += [Cell(f"{share:.0%}", share) for share in shares]
        if _shuffled(lines):
            cells.append(_other_image(line, frames))
        cells.append(Cell(str(len(line.runs)), len(line.runs)))
        cells_of.append(cells)
        positions.append(position)
    scale = np.log(np.maximum(positions, 1e-9))
    finite = scale[np.isfinite(scale)]
    low, high = finite.min(), finite.max() + 1e-9
    drawn = np.clip(100 * (scale - low) / (high - low), 0, 100)
    return [Row(*row) for row in zip(lines, cells_of, drawn, strict=True)]


def claims(line: Line) -> bool:
    """Return whether a line states the uncertainty of any position."""
    return claims_held(line.errors("nees_position")) is not None


def _shuffled(lines: list[Line]) -> bool:
    return any(SHUFFLED_IMAGE in line.runs[0].methods for line in lines)


def _other_image(line: Line, frames: Chosen) -> Cell:
    """Return the error with a wrong image; where it equals the median itself, the network copies its hint."""
    if not line.is_network or SHUFFLED_IMAGE not in line.runs[0].methods:
        return Cell("", np.inf)
    error_m = median(line.errors("error_t_m", SHUFFLED_IMAGE)[:, frames])
    return Cell(length(error_m), error_m)


def _interval(found: tuple[float, float, float], text: Callable[[float], str]) -> Cell:
    middle, low, high = found
    return Cell(text(middle), middle, bounds(text(middle), low, high))
