"""Learning-rate schedule: a linear warm-up, then half a cosine down to zero."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class WarmupCosine(LambdaLR):
    """Per-step schedule; torch's OneCycleLR divides by zero where the warm-up is one step long.

    Args:
        optimizer: its learning rates are the peak.
        total_steps: optimizer steps of the whole run.
        warmup: share of the steps until the peak.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, warmup: float):
        first = max(1, round(warmup * total_steps))

        def factor(step: int) -> float:
            if step < first:
                return (step + 1) / first
            left = max(1, total_steps - first)  # a run of a single step is all warm-up
            return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - first) / left))

        super().__init__(optimizer, factor)
