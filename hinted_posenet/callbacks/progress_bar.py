"""The progress bar of a training, and what stands for it in a log."""

import sys
import time
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.callbacks.progress.rich_progress import (
    BatchesProcessedColumn,
    CustomBarColumn,
    RichProgressBarTheme,
)
from rich.progress import TextColumn

from hinted_posenet.report.table import length

BAR_WIDTH = 16  # characters; with it the line fits into 80


class LiveProgressBar(RichProgressBar):
    """Epoch, loss, the validation split's median errors, and the time that is left.

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
