"""Figure: true and predicted positions of one split while a network is trained."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hinted_posenet.report.figure import SEEN
from hinted_posenet.report.frames import Floats
from hinted_posenet.report.positions_panel import draw_positions, ground_of, name_axes
from hinted_posenet.report.save_figure import save_figure

WIDTH = 7.0  # inches


def predictions_figure(
    path: Path, title: str, true_m: Floats, predicted_m: Floats, overview: dict[str, Any] | None
) -> None:
    """Positions (N, 3) over the map ``overview`` if there is one; an answer that is not finite is no line."""
    ground = ground_of(true_m, predicted_m, overview)
    figure = Figure(figsize=(WIDTH, ground.panel_height(WIDTH)), layout="constrained")
    axes = figure.subplots()
    draw_positions(axes, ground, true_m, predicted_m, SEEN)
    name_axes(axes, ground)
    axes.set_title(f"{title}\ntrue position, and the way to the answer", fontsize=11)
    save_figure(figure, path)
