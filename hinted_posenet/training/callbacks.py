"""Callbacks of a training: history.csv, figures of predictions, and the progress bar."""

import csv
import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from matplotlib.image import imread
from pytorch_lightning.callbacks import ProgressBar
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.formatting import length
from hinted_posenet.reports.learning_curve import read_history
from hinted_posenet.reports.positions_figure import predictions_figure
from hinted_posenet.training.data_module import PosedImagesModule

VALIDATED = (
    *("train/median_t_m", "train/median_r_deg"),
    *("val/median_t_m", "val/median_r_deg", "val/score"),
)
COLUMNS = ("epoch", "step", "train/loss", *VALIDATED)


class History(pl.Callback):
    """Writes a CSV file with one row per epoch, counted from 1; values that were not measured stay empty.

    A resumed run continues the file: a repeated epoch replaces its first row and all rows after it.
    """

    def __init__(self, path: Path):
        self.path = path
        self._validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that the validation metrics, which Lightning keeps, are of this epoch."""
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Rewrite the file atomically with the row of this epoch."""
        measured, self._validated = self._validated, False
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


class StopNotFinite(pl.Callback):
    """Stops a training whose loss or weights are not finite any more, before a checkpoint holds them."""

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the weights that are about to be validated, and kept if they are the best."""
        self._check(trainer, pl_module, torch.tensor(0.0))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the mean loss of the epoch, and at weights that are not validated."""
        self._check(trainer, pl_module, trainer.callback_metrics["train/loss"])

    def _check(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: torch.Tensor
    ) -> None:
        weights = (weight for weight in pl_module.parameters() if weight.requires_grad)
        if loss.isfinite() and all(weight.isfinite().all() for weight in weights):
            return
        rates = {f"{group['lr']:g}" for one in trainer.optimizers for group in one.param_groups}
        epoch = trainer.current_epoch + 1
        kept = f"; the state after epoch {epoch - 1} is kept" if epoch > 1 else ""
        raise InputError(
            f"epoch {epoch} of {trainer.max_epochs}: the loss or the weights are not finite{kept}; try a smaller "
            f"optim.optimizer.lr (it was at {', '.join(sorted(rates))}), with overwrite=true"
        )


TAG = "val/predictions"


class PredictionFigures(pl.Callback):
    """Draws predictions.png of the run every few epochs and after the last, and sends it to TensorBoard or W&B.

    On several devices it shows the images of the first one.
    """

    def __init__(self, every_epochs: int):
        if every_epochs < 1:
            raise InputError(
                f"callbacks.predictions.every_epochs={every_epochs}: must be at least 1; "
                "~callbacks.predictions draws none"
            )
        self.every_epochs = every_epochs
        self._positions: list[Tensor] = []  # (2, B, 3) true and predicted, not drawn yet
        self._epoch = 0  # of these positions

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the positions of the last validation."""
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
        """Draw every few epochs."""
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
        title = f"validation, epoch {self._epoch}: median {_validation_medians(trainer)}"
        path = Path(trainer.default_root_dir) / "predictions.png"
        data: PosedImagesModule = trainer.datamodule  # type: ignore[attr-defined]  # set while fitting
        offset_m = data.offset_m.numpy()
        predictions_figure(path, title, true_m + offset_m, predicted_m + offset_m, data.overview)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                pixels = imread(path)
                logger.experiment.add_image(TAG, pixels, trainer.global_step, dataformats="HWC")
            elif isinstance(logger, WandbLogger):
                logger.log_image(TAG, [str(path)], trainer.global_step)


class LiveProgressBar(ProgressBar):
    """Shows epoch, loss, the validation split's median errors, and the time that is left.

    Args:
        refresh_rate: updates per second; 0 shows nothing.
        line_every_s: interval of the lines that are printed instead where the output is no terminal.
    """

    def __init__(self, refresh_rate: float, line_every_s: float):
        super().__init__()
        self.refresh_rate = refresh_rate
        self.line_every_s = line_every_s
        self._enabled = refresh_rate > 0
        self._bar: tqdm[None] | None = None  # none where nothing is shown
        self._terminal = False
        self._shown_s = 0.0  # time of the last update or line
        self._is_printed = True

    def disable(self) -> None:
        """Show nothing, as in the further processes of a run on several devices."""
        self._enabled = False

    def enable(self) -> None:
        """Show progress."""
        self._enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start measuring the time."""
        if not self._enabled:
            return
        self._terminal = sys.stdout.isatty()
        steps = trainer.estimated_stepping_batches
        bar = "  {bar:16} {n_fmt}/{total_fmt}" if self._terminal else ""
        self._bar = tqdm(
            total=int(steps) if math.isfinite(steps) else None,
            initial=trainer.global_step,
            file=sys.stdout if self._terminal else io.StringIO(),
            bar_format=f"{{desc}}{bar}{{postfix}}, {{remaining}} left",
            smoothing=0,
        )
        self._shown_s = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Update a terminal no more often than asked: reading the loss waits for the GPU."""
        due = time.monotonic() - self._shown_s > 1 / max(self.refresh_rate, 1e-9)
        if self._bar is not None and self._terminal and due:
            self._update(self._bar, trainer, outputs["loss"].item())

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the mean loss of the epoch; without a terminal print a line, if the last one is old enough."""
        if self._bar is None:
            return
        due = time.monotonic() - self._shown_s >= self.line_every_s
        self._update(self._bar, trainer, trainer.callback_metrics["train/loss"].item())
        self._is_printed = self._terminal or due
        if due and not self._terminal:
            print(self._bar, flush=True)
            self._shown_s = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the state of the last epoch in place."""
        if self._bar is not None:
            if not self._is_printed:
                print(self._bar, flush=True)
            self._bar.close()

    def _update(self, bar: "tqdm[None]", trainer: pl.Trainer, loss: float) -> None:
        shown = f"loss {loss:.3f}"
        if "val/median_t_m" in trainer.callback_metrics:
            shown += f", val {_validation_medians(trainer)}"
        bar.n = trainer.global_step
        bar.set_description_str(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", False)
        bar.set_postfix_str(shown, refresh=self._terminal)
        if self._terminal:
            self._shown_s = time.monotonic()


def _validation_medians(trainer: pl.Trainer) -> str:
    """Return the median errors of the last validation for people."""
    found = trainer.callback_metrics
    return f"{length(found['val/median_t_m'].item())}, {found['val/median_r_deg'].item():.1f}°"
