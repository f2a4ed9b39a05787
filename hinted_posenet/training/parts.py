"""Parts of a training that a config names: learning rates, and Weights & Biases."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt
from pytorch_lightning.loggers import WandbLogger
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from hinted_posenet.core.errors import InputError
from hinted_posenet.training.settings import OptimSettings


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


class Steps(LambdaLR):
    """Constant learning rates after a linear warm-up, which fall at some steps.

    Args:
        optimizer: its learning rates are the first ones.
        total_steps: optimizer steps of the whole run.
        warmup: share of the steps in which they grow.
        at: shares of the steps after which they fall.
        factor: by which they are multiplied there.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        warmup: Annotated[float, Ge(0), Le(1)],
        at: tuple[Annotated[float, Gt(0), Lt(1)], ...],
        factor: Annotated[float, Gt(0), Lt(1)],
    ):
        first = max(1, round(warmup * total_steps))

        def of_step(step: int) -> float:
            falls = sum(step >= share * total_steps for share in at)
            return min(1.0, (step + 1) / first) * factor**falls

        super().__init__(optimizer, of_step)


def grouped(
    optimizer: Callable[..., Optimizer], backbone: nn.Module, settings: OptimSettings
) -> Callable[[Iterable[nn.Parameter]], Optimizer]:
    """Return what makes an optimizer in which a backbone, or all that is no matrix, is treated otherwise.

    The learning rate of a backbone that comes with its weights is often a tenth of that of a new head.
    """
    lr, decays = settings.backbone_lr, settings.decay_norms
    of_backbone = {id(parameter) for parameter in backbone.parameters()} if lr != 1 else set()

    def of(parameters: Iterable[nn.Parameter]) -> Optimizer:
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for parameter in parameters:
            key = id(parameter) in of_backbone, decays or parameter.ndim > 1
            groups.setdefault(key, []).append(parameter)
        made = optimizer([{"params": group} for group in groups.values()])
        for (is_backbone, decay), group in zip(groups, made.param_groups, strict=True):
            if is_backbone:
                group["lr"] *= lr
            if not decay:
                group["weight_decay"] = 0.0
        return made

    return of


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
