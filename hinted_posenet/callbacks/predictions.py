"""Figures of where the validation images were taken, and where the network puts them."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from matplotlib.image import imread
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from hinted_posenet.report.positions_figure import predictions_figure
from hinted_posenet.report.table import length
from hinted_posenet.types import InputError

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
