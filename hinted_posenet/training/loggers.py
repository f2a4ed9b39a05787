"""Weights & Biases, which is not installed unless asked for."""

from pathlib import Path

from pytorch_lightning.loggers import WandbLogger

from hinted_posenet.core.errors import InputError


class WandbRun(WandbLogger):
    """Logs to a W&B run of its own; a training that is resumed goes on in that of its folder.

    Args:
        save_dir: folder of the training.
        project, name: of the run at W&B.
        offline: keep all in the folder; ``wandb sync`` sends it later.
    """

    def __init__(self, save_dir: str, project: str, name: str, offline: bool):
        # wandb names them run-TIME-ID and offline-run-TIME-ID
        before = sorted(path.name for path in Path(save_dir).glob("wandb/*run-*-*"))
        version = before[-1].rpartition("-")[2] if before else None
        try:
            super().__init__(name, save_dir, version, offline, project=project)
        except ModuleNotFoundError:
            raise InputError(
                "logger=wandb: wandb is not installed; pip install 'hinted_posenet[wandb]', or give "
                "logger=tensorboard"
            ) from None

    def finalize(self, status: str) -> None:
        """End the run, or else the next training of this process would go on in it."""
        super().finalize(status)
        if self._experiment is not None:
            self._experiment.finish()
