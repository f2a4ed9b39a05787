"""The page's sections of plots: what each shows, and how to read it."""

from typing import NamedTuple

import numpy as np

from hinted_posenet.report.frames import Chosen
from hinted_posenet.report.page.axes import Spec
from hinted_posenet.report.page.behaviour import calibration_figure, hint_figure, pass_figure
from hinted_posenet.report.page.distributions import histogram_figure, recall_figure
from hinted_posenet.report.page.lines import Line
from hinted_posenet.report.page.positions import map_figure, scene_figure
from hinted_posenet.report.page.quantity import QUANTITIES
from hinted_posenet.report.recall import recalls_of

Groups = dict[str, Chosen]  # frames (N,) by name
RECALL = (
    "Share of frames with at most this error: the further up and to the left, the better. "
    "Dotted: the thresholds of the table."
)
HISTOGRAMS = (
    "A row per method, each scaled to its own peak; the thick line and the number are its median."
)
HINTS = (
    "Medians in up to ten bins of equally many frames, over all seeds and hints of a network. "
    "Below the straight line an answer is better than the hint that it was given."
)
PASSES = "Medians. A pass takes the answer of the one before as its hint; pass 0 is the first hint itself."
CALIBRATION = (
    "Who states a standard deviation (per axis, Gaussian) claims that a share of true poses lies "
    "within some distance of the answers; this is the share that does. On the straight line the "
    "claim is right. "
)
POSITIONS = (
    "Large dots: where the camera was. Lines, in the colour of the method: the way to where it was "
    "put. Small dots: training. Pink: the chosen frame, its circle the truth and its square the answer."
)


class Section(NamedTuple):
    """A heading with plots below."""

    id: str
    heading: str
    text: str
    figures: dict[str, dict[str, Spec]]  # id -> group -> figure; "" where groups make no difference


def read_sections(lines: list[Line], groups: Groups) -> list[Section]:
    """Those that these runs have something to show in."""
    results = lines[0].runs[0].results
    recalls = recalls_of(results)
    bounds = ({recall.metres for recall in recalls}, {recall.degrees for recall in recalls})
    recall, histograms = {}, {}
    for quantity, thresholds in zip(QUANTITIES, bounds, strict=True):
        recall[f"recall-{quantity.name}"] = {
            name: recall_figure(lines, rows, quantity, thresholds) for name, rows in groups.items()
        }
        histograms[f"histogram-{quantity.name}"] = {
            name: histogram_figure(lines, rows, quantity) for name, rows in groups.items()
        }
    hints, passes, calibration = (
        {f"{name}-{q.name}": {"": figure} for q in QUANTITIES if (figure := make(lines, q))}
        for name, make in (
            ("hint", hint_figure),
            ("pass", pass_figure),
            ("calibration", calibration_figure),
        )
    )
    overview = map_figure(results["map"])
    sections = [
        Section("recall", "Recall", RECALL, recall),
        Section("histograms", "Error histograms", HISTOGRAMS, histograms),
        Section("hints", "Does it improve on its hint?", HINTS + _oracle_hints(lines), hints),
        Section("passes", "Error by pass", PASSES, passes),
        Section(
            "calibration", "Does it know its error?", CALIBRATION + _own_sigma(lines), calibration
        ),
        Section(
            "above", "Positions from above", POSITIONS, {"map": {"": overview}} if overview else {}
        ),
        Section("space", "Positions in 3-D", POSITIONS, {"scene": {"": scene_figure()}}),
    ]
    return [section for section in sections if section.figures]


def _oracle_hints(lines: list[Line]) -> str:
    """Which curves have answers to hints from the labels in them."""
    names = [str(line.runs[0].results["name"]) for line in lines if line.is_network and line.oracle]
    return (
        f" ORACLE: among the hints of {_list(names)} are some made from the labels."
        if names
        else ""
    )


def _own_sigma(lines: list[Line]) -> str:
    """Which networks state a sigma frame by frame; the others' comes from validation."""
    stated = [line for line in lines if line.is_network and np.isfinite(line.poses.sigma_t_m).any()]
    own = [str(line.runs[0].results["name"]) for line in stated if np.ptp(line.poses.sigma_t_m) > 0]
    return f"{_list(own) or 'No network'}: one for each frame; others: one for all, found on the validation split."


def _list(names: list[str]) -> str:
    return " and ".join(dict.fromkeys(names))
