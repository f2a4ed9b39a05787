"""The learning curve of a run: loss and median errors against epochs."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.figures import logarithmic, save_figure
from hinted_posenet.core.text import check_row, read_table

SPLITS = {"train": ("training images", "#6e7781"), "val": ("validation", "#1f6feb")}
FIX = "delete the file; a training that is resumed begins it anew"
CHOSEN = "#d1242f"
PANELS = {
    "loss": "loss",
    "median_t_m": "median position error",
    "median_r_deg": "median rotation error in °",
}


def read_history(path: Path) -> list[dict[str, str]]:
    """Read a history.csv, a row per epoch; no rows if there is no file, empty where nothing was measured."""
    if not path.exists():
        return []
    columns, table = read_table(path, FIX)
    if not {"epoch", "val/score"} <= set(columns):
        raise InputError(f"{path} line 1: no columns epoch and val/score; {FIX}")
    rows = []
    for where, row in table:
        check_row(row, where, FIX)
        try:
            int(row["epoch"])
            [float(number) for number in row.values() if number]
        except ValueError:
            raise InputError(f"{where}: expected numbers; {FIX}") from None
        rows.append(row)
    return rows


def learning_curve(path: Path, history: Path) -> None:
    """Draw loss, metres and degrees of both splits; a line marks the chosen checkpoint's epoch."""
    rows = read_history(history)
    if not rows:  # trained by a version that wrote none
        return
    column = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    epoch = column["epoch"]
    # the first of the best, which is the checkpoint that is kept
    chosen = int(epoch[np.nan_to_num(column["val/score"], nan=np.inf).argmin()])
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    grid = figure.subplots(1, 3)
    for axes, (name, title) in zip(grid, PANELS.items(), strict=True):
        for split, (label, colour) in SPLITS.items():
            values = column.get(f"{split}/{name}", np.full(len(epoch), np.nan))
            shown = np.isfinite(values) & ((values > 0) | (name == "loss"))
            if shown.any():
                axes.plot(epoch[shown], values[shown], ".-", color=colour, label=label)
        axes.axvline(chosen, color=CHOSEN, linestyle=":", label=f"chosen: epoch {chosen}")
        axes.set_title(title, loc="left")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    if len(grid[1].lines) > 1:  # otherwise all answers failed
        logarithmic(grid[1], "y")
    grid[2].set_ylim(bottom=0)
    handles, labels = grid[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, path)
