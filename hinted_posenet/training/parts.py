"""Parts of a training that a config names: a learning-rate schedule, and Weights & Biases."""

import math
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le
from pytorch_lightning.loggers import WandbLogger
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from hinted_posenet.core.errors import InputError


class WarmupCosine(LambdaLR):
    """Per-step schedule; torch's OneCycleLR divides by zero where the warm-up is one step long.

    Args:
        optimizer: its learning rates are the peak.
        total_steps: optimizer steps of the whole run.
        warmup: share of the steps until the peak.
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: int, warmup: Annotated[float, Ge(0), Le(1)]
    ):
        first = max(1, round(warmup * total_steps))

        def factor(step: int) -> float:
            if step < first:
                return (step + 1) / first
            left = max(1, total_steps - first)  # a run of a single step is all warm-up
            return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - first) / left))

        super().__init__(optimizer, factor)


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
