"""Smooth a tracked path afterwards: what later images say corrects earlier poses too.

The smoother of Rauch, Tung and Striebel goes back over the filter's beliefs once. It solves the block tridiagonal
system of all frames exactly for the filter's model, with the error that successive images share and the velocity,
in time and memory proportional to the frames. Where the track was lost, a new part begins.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.types import Hint
from hinted_posenet.inference.track_filter import Belief
from hinted_posenet.inference.tracked import Tracked
from hinted_posenet.inference.tracker import Tracker

JITTER = 1e-12  # of a prediction's variances, so that standing still can be inverted


class Past(NamedTuple):
    """One frame of a track."""

    predicted: Belief | None  # from the frame before; None: a new part begins, or nothing is known
    believed: Belief | None  # None: the camera was lost, or the frame was skipped


class Smoother:
    """Keeps what a tracker believed, frame by frame, and smooths it."""

    def __init__(self) -> None:
        self._past: list[Past] = []

    def add(self, tracker: Tracker, frame: Tracked) -> None:
        """Take the frame that a tracker has just answered."""
        if frame.status in ("lost", "skipped"):
            self._past.append(Past(None, None))
            return
        predicted, believed = tracker.beliefs
        begins = frame.status in ("started", "recovered")
        self._past.append(Past(None if begins else predicted, believed))

    def path(self) -> list[Hint | None]:
        """Return the smoothed pose () of every frame; None where it is not known."""
        return list(self._backwards())[::-1]

    def _backwards(self) -> Iterator[Hint | None]:
        later: Belief | None = None  # the smoothed belief of the next frame that has one
        link: Belief | None = None  # and its prediction from here
        for past in reversed(self._past):
            if past.believed is None:
                yield None
                continue
            here = past.believed
            if later is not None and link is not None and link.transition is not None:
                here = _corrected(here, link, later)
            yield here.hint
            later, link = here, past.predicted


def _corrected(here: Belief, predicted: Belief, later: Belief) -> Belief:
    """Correct a belief by what became of its prediction in the next frame."""
    F, C, P = predicted.transition, here.covariance, predicted.covariance
    assert F is not None
    P = P + JITTER * P.diagonal().diag()
    gain = torch.linalg.solve(P, F @ C).T
    change = torch.cat([offset(predicted.pose, later.pose), later.rest - predicted.rest])
    move = gain @ change
    covariance = C + gain @ (later.covariance - P) @ gain.T
    covariance = 0.5 * (covariance + covariance.T)
    return Belief(moved(here.pose, move[:6]), here.rest + move[6:], covariance)
