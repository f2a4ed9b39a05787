"""Callbacks of a training: history.csv, figures of predictions, and the progress bar."""

import csv
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from matplotlib.image import imread
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.callbacks.progress.rich_progress import (
    BatchesProcessedColumn,
    CustomBarColumn,
    RichProgressBarTheme,
)
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from rich.progress import TextColumn
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.formatting import length
from hinted_posenet.reports.learning_curve import read_history
from hinted_posenet.reports.positions_figure import predictions_figure

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
        with atomic_write(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows([*before, row])


TAG = "val/predictions"


class PredictionFigures(pl.Callback):
    """Draws predictions.png of the run every few epochs, and sends it to TensorBoard or W&B.

    On several devices these are the first one's images.

    Args:
        every_epochs: so often, and after the last epoch.
    """

    def __init__(self, every_epochs: int):
        if every_epochs < 1:
            raise InputError(
                f"callbacks.predictions.every_epochs={every_epochs}: must be at least 1; "
                "~callbacks.predictions draws none"
            )
        self.every_epochs = every_epochs
        self._positions: list[Tensor] = []  # (2, B, 3) true and predicted, not drawn yet
        self._epoch = 0  # that they are of

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the last ones."""
        self._positions = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the positions of the validation split, which is the first dataloader's."""
        if dataloader_idx == 0:
            self._positions.append(torch.stack([batch.T_world_cam.t, outputs["t"]]))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw, if it is time."""
        self._epoch = trainer.current_epoch + 1
        if self._epoch % self.every_epochs == 0 and not trainer.sanity_checking:
            self._draw(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the last validation, unless it was drawn."""
        if self._positions:
            self._draw(trainer)

    def _draw(self, trainer: pl.Trainer) -> None:
        true_m, predicted_m = torch.cat(self._positions, dim=1).double().cpu().numpy()
        self._positions = []
        if not trainer.is_global_zero:
            return
        found = trainer.callback_metrics
        t_m, r_deg = (found[f"val/median_{name}"].item() for name in ("t_m", "r_deg"))
        title = f"validation, epoch {self._epoch}: median {length(t_m)}, {r_deg:.1f}°"
        path = Path(trainer.default_root_dir) / "predictions.png"
        overview = trainer.datamodule.overview  # type: ignore[attr-defined]  # Lightning sets it while fitting
        predictions_figure(path, title, true_m, predicted_m, overview)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                pixels = imread(path)
                logger.experiment.add_image(TAG, pixels, trainer.global_step, dataformats="HWC")
            elif isinstance(logger, WandbLogger):
                logger.log_image(TAG, [str(path)], trainer.global_step)


BAR_WIDTH = 16  # characters; with it the line fits into 80


class LiveProgressBar(RichProgressBar):
    """Capture, loss, the validation split's median errors, and the time that is left.

    Args:
        refresh_rate: times a second; 0 shows nothing.
        line_every_s: where the output is no terminal, so often the same is printed as a line.
    """

    def __init__(self, refresh_rate: int, line_every_s: float):
        super().__init__(refresh_rate, theme=RichProgressBarTheme(metrics_text_delimiter="  "))
        self.line_every_s = line_every_s
        self._lines = False
        self._begun = (0.0, 0)  # seconds, step
        self._shown_s = 0.0  # when the bar or a line was last made
        self._line = ""  # to be printed
        self._loss = 0.0

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Choose between bar and lines; rich would take a log for a terminal where FORCE_COLOR is set."""
        super().setup(trainer, pl_module, stage)
        if self.is_enabled and not sys.stdout.isatty():
            self.disable()
            self._lines = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on time is measured."""
        super().on_train_start(trainer, pl_module)
        self._shown_s = time.monotonic()
        self._begun = (self._shown_s, trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, *arguments: Any) -> None:
        """Show no more often than asked for: on a GPU, reading the loss waits for it."""
        pl_module, outputs, batch, batch_idx = arguments
        now = time.monotonic()
        last = batch_idx + 1 == self.total_train_batches
        if self.is_enabled and (last or now - self._shown_s > 1 / self.refresh_rate):
            self._shown_s = now
            self._loss = outputs["loss"].item()
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The epoch's mean loss; in a log a line, unless the last one was just now."""
        self._loss = trainer.callback_metrics["train/loss"].item()
        super().on_train_epoch_end(trainer, pl_module)
        if not self._lines:
            return
        found = self.get_metrics(trainer, pl_module)
        parts = (f"{name} {value}" for name, value in found.items())
        self._line = "  ".join([self._get_train_description(trainer.current_epoch), *parts])
        if time.monotonic() - self._shown_s >= self.line_every_s:
            self._print_line()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last epoch gets its line at once."""
        super().on_train_end(trainer, pl_module)
        if self._line:
            self._print_line()

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """What is shown, by name."""
        shown = {"loss": f"{self._loss:.3f}"}
        found = trainer.callback_metrics
        if "val/median_t_m" in found:
            t_m, r_deg = (found[f"val/median_{name}"].item() for name in ("t_m", "r_deg"))
            shown["val"] = f"{length(t_m)} {r_deg:.1f}°"
        begun_s, step = self._begun
        done = trainer.global_step - step
        left = trainer.estimated_stepping_batches - trainer.global_step
        if done and 0 < left < float("inf"):
            left_s = (time.monotonic() - begun_s) / done * left
            shown["left"] = str(timedelta(seconds=round(left_s)))
        return shown

    def configure_columns(self, trainer: pl.Trainer) -> list[Any]:
        """Narrow ones; what ``get_metrics`` gives stands behind them."""
        style = self.theme.progress_bar
        bar = CustomBarColumn(BAR_WIDTH, complete_style=style, finished_style=style)
        return [TextColumn("{task.description}"), bar, BatchesProcessedColumn(style="")]

    def _get_train_description(self, current_epoch: int) -> str:
        return f"epoch {current_epoch + 1}/{self.trainer.max_epochs}"

    def _print_line(self) -> None:
        print(self._line, flush=True)
        self._line, self._shown_s = "", time.monotonic()
