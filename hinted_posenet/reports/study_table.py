"""Tables of a study: methods x hints, their controls, and what hints gain."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hinted_posenet.core.formatting import length, length_interval, short_length
from hinted_posenet.core.tables import markdown_table, text_table
from hinted_posenet.evaluation.bootstrap import bootstrap_interval, difference, median
from hinted_posenet.evaluation.frames_file import Chosen, Floats
from hinted_posenet.evaluation.run_files import HINT_ANSWER, NEAREST_CAMERA
from hinted_posenet.reports.study_results import NULL, OWN, Point, Study, sigma_m, sweep_points

TITLES = {
    "errors": " ({} frames)",
    "recall": ", within 5 % of the scene's extent",
    "other image": ", with another image",
    "gains": ", gains",
}
KINDS = tuple(TITLES)
CONTROLS = ("constant pose", NEAREST_CAMERA, "retrieval", "k-NN", "kernel regression")
NO_FEATURES = 2  # of them, which the first are


class StudyTable(NamedTuple):
    """A title, a header and lines of cells; each kind and group of frames has columns of its own."""

    title: str
    rows: list[list[str]]

    def text(self) -> str:
        """To read in a terminal."""
        return f"{self.title}\n{text_table(self.rows)}"

    def markdown(self) -> str:
        """For a page."""
        return f"**{self.title}**\n\n{markdown_table(self.rows)}"


def study_tables(study: Study, kinds: Sequence[str] = KINDS) -> Iterator[StudyTable]:
    """Tables of some kinds for each group of frames, made as they are read; without those that would be empty."""
    rows_of = {
        "errors": _error_rows,
        "recall": _recall_rows,
        "other image": _shuffled_rows,
        "gains": _gain_rows,
    }
    for name, frames in study.groups().items():
        for kind in kinds:
            rows = rows_of[kind](study, frames)
            if len(rows) > 1:
                yield StudyTable(f"{name}{TITLES[kind].format(frames.sum())}", rows)


def _error_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Median position and rotation, with the interval of the position; hints across, methods down."""
    hints = study.hints
    rows = [["median errors", *(_hint_title(hint) for hint in hints)]]
    blank = [""] * (len(hints) - 1)
    sequences = study.first.sequences(frames)

    def cell(errors: Floats | None) -> str:
        if errors is None:
            return "-"
        t_m, r_deg = errors[:, :, frames]
        position = length_interval(median(t_m), *bootstrap_interval(t_m, sequences))
        return f"{position}, {median(r_deg):.1f}°"

    for number, methods in enumerate(study.readers):
        whose = f", features of {methods[0]}" if number else ""
        answers = [_any(study, methods, HINT_ANSWER, hint) for hint in hints]
        rows.append([f"{HINT_ANSWER}{whose}", *map(cell, answers)])
        rows += [
            [f"{name}{whose}", cell(_any(study, methods, name)), *blank]
            for name in (CONTROLS[NO_FEATURES:] if number else CONTROLS)
        ]
    for method in study.methods:
        rows.append([method, *(cell(study.errors(method, hint)) for hint in hints)])
    return rows


def _recall_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Share of frames nearer to the truth than a twentieth of the side of the scene's box."""
    if not study.curves:
        return []
    within_m = 0.05 * 2 * next(iter(study.curves.values()))[0]["half_extent_m"]
    rows = [[f"within {length(within_m)}", *(_hint_title(hint) for hint in study.hints)]]
    for method in study.methods:
        found = [study.errors(method, hint) for hint in study.hints]
        shares = (None if e is None else float((e[0][:, frames] < within_m).mean()) for e in found)
        rows.append([method, *("-" if share is None else f"{share:.0%}" for share in shares)])
    return rows


def _shuffled_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Median positions with another image: as good as with the right one where a network copies its hint."""
    hints = [hint for hint in study.hints if hint != OWN]
    rows = [["another image", *(_hint_title(hint) for hint in hints)]]
    for method in study.methods:
        found = [study.errors(method, hint, "shuffled image") for hint in hints]
        if any(errors is not None for errors in found):
            rows.append(
                [method, *("-" if e is None else length(median(e[0][:, frames])) for e in found)]
            )
    return rows


def _any(study: Study, methods: list[str], row: str, hint: str | None = None) -> Floats | None:
    """Errors (2, seeds, N) of a row that is the same for all methods that read the same features."""
    for method, asked in study.runs:
        wanted = method in methods and hint in (None, asked)
        found = study.errors(method, asked, row) if wanted else None
        if found is not None:
            return found
    return None


def _hint_title(hint: str) -> str:
    if hint.startswith("sensor-"):
        return f"GPS {short_length(sigma_m(hint))} (ORACLE)"
    return {"none": "no hint", "nearest": "nearest (ORACLE)"}.get(hint, hint)


def _gain_rows(study: Study, frames: Chosen) -> list[list[str]]:
    """Ratios of median position errors; below 1 is a gain. Retrieval is in the method's own features."""
    if NULL not in study.methods:
        return []
    null = study.errors(NULL, OWN)
    assert null is not None
    null_t_m = null[0][:, frames]
    null_m = median(null_t_m)
    free = [hint for hint in study.hints if hint in ("none", "constant", "network", "retrieval")]
    header = ["ratios", *(f"{_hint_title(hint)}: of null hint" for hint in free)]
    header += ["last of them: of retrieval", "worst of sweep (ORACLE): of min(hint, null)"]
    rows = [[*header, "of ideal fusion"]]
    sequences = study.first.sequences(frames)

    for method in study.methods:
        found = [study.errors(method, hint) for hint in free]
        t_m = [None if e is None else e[0][:, frames] for e in found]
        cells = ["-" if e is None else difference(e, null_t_m, sequences).text for e in t_m]
        # not the best of them: that would choose by the test split
        last = next((e for e in reversed(t_m) if e is not None), None)
        retrieval = _any(study, [method], "retrieval")
        assert retrieval is not None
        cells.append(
            "-" if last is None else difference(last, retrieval[0][:, frames], sequences).text
        )
        points = sweep_points(study.curves.get(method, []), frames)
        worst: list[Callable[[Point], float]] = [
            lambda point: point.answer_m / min(point.hint_m, null_m),
            lambda point: point.answer_m * np.hypot(point.hint_m, null_m) / (point.hint_m * null_m),
        ]
        ratios = [f"{max(map(of, points)):.2f}" if points else "-" for of in worst]
        rows.append([method, *cells, *ratios])
    return rows
