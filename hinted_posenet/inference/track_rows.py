"""The rows of a tracked path, written one by one while it is tracked."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Hint
from hinted_posenet.inference.estimate_row import EstimateRow
from hinted_posenet.inference.tracked import Tracked
from hinted_posenet.inference.write_estimates import csv_columns, csv_values

NOTE = "note"


def row_of(name: str, frame: Tracked) -> EstimateRow:
    """Return what is written of a frame."""
    time_s, estimate = frame.stamp_s, frame.estimate
    if frame.pose is None or frame.covariance is None:
        return EstimateRow.unanswered(name, frame.status, time_s)._replace(hint=frame.hint)
    row = EstimateRow(name, frame.pose, frame.covariance, frame.status, time_s, frame.hint)
    if estimate is None:
        return row
    return row._replace(steps=estimate.steps, out_of_map=estimate.out_of_map)


class PathWriter:
    """Writes frames to an open CSV; the columns are those of `write_estimates`, and a note."""

    def __init__(self, path: Path, origin: Origin | None, covariance: bool) -> None:
        self.origin, self.covariance = origin, covariance
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow([*csv_columns(origin, covariance), NOTE])

    def add(self, name: str, frame: Tracked) -> None:
        """Write a row, at once."""
        (values,) = csv_values([row_of(name, frame)], self.origin, self.covariance)
        self._writer.writerow([*values, frame.note])
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def path_writer(path: Path, origin: Origin | None, covariance: bool) -> Iterator[PathWriter]:
    """Open a path for writing."""
    writer = PathWriter(path, origin, covariance)
    try:
        yield writer
    finally:
        writer.close()


def smoothed_file(path: Path) -> Path:
    """Return where the smoothed path beside a tracked one is written."""
    return path.with_name(f"{path.stem}.smoothed{path.suffix}")


def answers_file(path: Path) -> Path:
    """Return where the answers of the localizer beside a tracked path are kept."""
    return path.with_name(f"{path.stem}.answers.jsonl")


def write_smoothed(
    path: Path,
    about: Sequence[tuple[str, float]],
    smoothed: Sequence[Hint | None],
    origin: Origin | None,
    covariance: bool,
) -> None:
    """Write the smoothed poses () of frames with names and stamps, whole or not at all."""
    with atomic_write(path) as partial, path_writer(partial, origin, covariance) as writer:
        for (name, stamp_s), hint in zip(about, smoothed, strict=True):
            if hint is None:
                writer.add(name, Tracked(stamp_s, "lost"))
            else:
                writer.add(name, Tracked(stamp_s, "ok", "", hint.pose, hint.covariance))
