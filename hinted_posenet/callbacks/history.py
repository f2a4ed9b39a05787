"""History: what every epoch came to, in a file of the run, whatever logger was chosen."""

import csv
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from hinted_posenet.report.learning_curve import read_history
from hinted_posenet.whole_file import whole_file

VALIDATED = (
    *("train/median_t_m", "train/median_r_deg"),
    *("val/median_t_m", "val/median_r_deg", "val/score"),
)
COLUMNS = ("epoch", "step", "train/loss", *VALIDATED)


class History(pl.Callback):
    """Keeps a CSV file with a line per epoch, counted from 1.

    A resumed run goes on in the file of the run before: an epoch that is repeated takes the place of its
    first line and of all lines after. What was not measured in an epoch stays empty.
    """

    def __init__(self, path: Path):
        self.path = path
        self._validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning keeps the last validation's numbers: tell whether they are this epoch's."""
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file anew, whole or not at all."""
        measured = self._validated
        self._validated = False
        if not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch + 1
        row: dict[str, Any] = {"epoch": epoch, "step": trainer.global_step}
        for name in ("train/loss", *(VALIDATED if measured else ())):
            row[name] = trainer.callback_metrics[name].item()
        before = [row for row in read_history(self.path) if int(row["epoch"]) < epoch]
        with whole_file(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows([*before, row])
