"""What a localizer answered, frame by frame, so that a track that was interrupted continues without asking again.

A line of JSON per answer, after one that says what was asked. An answer is taken from the file if image and hint
are the same to the bit. From the first that is not, the file is cut off, and the localizer is asked again.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.limits import LINE_BYTES
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.load_image import AnyImage
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference.estimate import Estimate, Mode
from hinted_posenet.inference.tracked import Trackable

FORMAT = "hinted_posenet answers 1"


class RecordedLocalizer:
    """A localizer whose answers are kept in a file; for its attributes see `Trackable`.

    Args:
        localizer: what is asked.
        path: file of the answers; it is begun anew where it is of something else than ``asked``.
        asked: what the answers depend on beside image and hint.
    """

    def __init__(self, localizer: Trackable, path: Path, asked: dict[str, str]) -> None:
        self.localizer, self.path = localizer, path
        self.name, self.takes_hints = localizer.name, localizer.takes_hints
        self.combines_hints, self.searches = localizer.combines_hints, localizer.searches
        self.frame = ""  # name of the image that is asked about next
        self.reused = 0
        first = json.dumps({"format": FORMAT, **asked}) + "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._file.seek(0)
        if self._file.readline(LINE_BYTES) != first.encode():
            self._cut(0)
            self._append(first)

    @property
    def origin(self) -> Origin | None:
        """See `Localizer`."""
        return self.localizer.origin

    @property
    def extent(self) -> tuple[Tensor, float]:
        """See `Localizer`."""
        return self.localizer.extent

    def distance_to_scene_m(self, pose: Pose) -> float:
        """See `Localizer`."""
        return self.localizer.distance_to_scene_m(pose)

    def locate(self, image: AnyImage, K: QueryCamera | None, hint: Hint | None) -> Estimate:
        """Return the answer of the file, or else ask the localizer and keep what it says.

        Raises:
            InputError: The localizer raised it, now or when it was asked.
        """
        question = {"name": self.frame, "hint": None if hint is None else _numbers(hint)}
        kept = self._next(question)
        if kept is None:
            kept = _answered(lambda: self.localizer.locate(image, K, hint))
            self._append(json.dumps(question | kept) + "\n")
        else:
            self.reused += 1
        if "error" in kept:
            raise InputError(kept["error"])
        return _estimate(kept["answer"], self.origin)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _next(self, question: dict[str, Any]) -> dict[str, Any] | None:
        """Return the next line if it answers the question; cut the file off where it does not."""
        start = self._file.tell()
        line = self._file.readline(LINE_BYTES)
        try:
            found: Any = json.loads(line) if line.endswith(b"\n") else None
            if isinstance(found, dict) and question.items() <= found.items():
                if "answer" in found:
                    _estimate(found["answer"], None)
                return found
        except (ValueError, KeyError, TypeError, RuntimeError, RecursionError):
            pass  # a damaged line, as one that does not answer
        self._cut(start)
        return None

    def _cut(self, length: int) -> None:
        self._file.truncate(length)
        self._file.seek(0, os.SEEK_END)

    def _append(self, line: str) -> None:
        self._file.write(line.encode())
        self._file.flush()


def _answered(ask: Callable[[], Estimate]) -> dict[str, Any]:
    try:
        found = ask()
    except InputError as error:
        return {"error": str(error)}
    about = {
        "status": found.status,
        "hint": found.hint,
        "steps": found.steps,
        "out_of_map": None if math.isnan(found.out_of_map) else found.out_of_map,
        "landmarks": found.landmarks,
        "fits_map": found.fits_map,
        "modes": [
            [mode.weight, _numbers(Hint(mode.pose, mode.covariance))] for mode in found.modes
        ],
    }
    return {"answer": {"pose": _numbers(Hint(found.pose, found.covariance)), **about}}


def _estimate(kept: dict[str, Any], origin: Origin | None) -> Estimate:
    pose = _hint(kept["pose"])
    modes = [(float(weight), _hint(numbers)) for weight, numbers in kept["modes"]]
    return Estimate(
        pose.pose,
        pose.covariance,
        kept["status"],
        kept["hint"],
        kept["steps"],
        math.nan if kept["out_of_map"] is None else kept["out_of_map"],
        tuple(Mode(weight, one.pose, one.covariance) for weight, one in modes),
        origin,
        kept["landmarks"],
        kept["fits_map"],
    )


def _numbers(hint: Hint) -> list[float]:
    """Return position, quaternion and covariance: 43 numbers, which JSON keeps to the bit."""
    parts = (*hint.pose, hint.covariance.flatten())
    numbers: list[float] = torch.cat([part.double() for part in parts]).tolist()
    return numbers


def _hint(numbers: list[float]) -> Hint:
    parts = torch.tensor(numbers, dtype=torch.float64)
    return Hint(Pose(parts[:3], parts[3:7]), parts[7:].view(6, 6))
