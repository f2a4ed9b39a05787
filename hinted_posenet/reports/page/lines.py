"""What the page compares: controls and networks, each with one colour and dash in all of its plots."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.run_files import NEAREST_CAMERA, MethodPoses, Run, by_title
from hinted_posenet.reports.page.axes import length_tick

CONTROLS = {"constant pose": "dot", "retrieval": "solid", NEAREST_CAMERA: "dash"}
GREY = "#808890"
# told apart with any kind of colour vision, and at least 3:1 from white and from the dark page
PALETTE = ("#d55e00", "#cc79a7", "#0079c4", "#009e73", "#8a63d2", "#b37a00", "#1a9aa8", "#a0607a")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


class Line(NamedTuple):
    """A control, or a network under one hint."""

    title: str
    runs: list[Run]  # of several seeds, which scored the same frames
    method: str  # its name in poses.csv; of a network: its last pass
    colour: str = GREY
    dash: str = "solid"

    @property
    def poses(self) -> MethodPoses:
        """Of the first seed."""
        return self.runs[0].methods[self.method]

    @property
    def oracle(self) -> bool:
        """Whether its answers or its hints were made from the labels."""
        return "ORACLE" in self.title

    @property
    def is_network(self) -> bool:
        """Whether it was trained, rather than a control."""
        return self.method.startswith("pass ")

    def errors(self, key: str, method: str | None = None) -> Floats:
        """(seeds, N) ``error_t_m`` or ``error_r_deg``."""
        found = [getattr(run.methods[method or self.method], key) for run in self.runs]
        return np.stack(found)


def read_lines(runs: list[Run]) -> list[Line]:
    """Controls of the first run without an oracle, then networks in the order given, their seeds folded."""
    # retrieval looks at a sensor's prior
    first = min(runs, key=lambda run: bool(run.results["oracle"]))
    lines = [
        Line(name, [first], name, dash=dash)
        for name, dash in CONTROLS.items()
        if name in first.methods
    ]
    names = list(dict.fromkeys(str(run.results["name"]) for run in runs))
    hints: dict[str, int] = defaultdict(int)
    for title, same in by_title(runs, _title).items():
        name = str(same[0].results["name"])
        colour = PALETTE[names.index(name) % len(PALETTE)]
        dash = DASHES[hints[name] % len(DASHES)]
        hints[name] += 1
        lines.append(Line(title, same, same[0].last_step, colour, dash))
    return lines


def _title(run: Run) -> str:
    """The run's; simulated sensors of different quality are told apart."""
    if run.start != "oracle":
        return run.title
    sigma_m = run.results["config"]["inference_hint"]["sigma_t_m"]
    return run.title.replace(" from oracle", f" from a sensor of {length_tick(sigma_m)}")
