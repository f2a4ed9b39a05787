"""hinted-posenet train."""

from typing import Any

from hinted_posenet.training import settings

INTERRUPTED = "interrupted; run again with resume=true to continue"
SCHEMAS = {
    "": settings.TrainSettings,
    "data": settings.DataSettings,
    "paths": settings.PathSettings,
    "optim": settings.OptimSettings,
    "optim.optimizer": settings.OptimizerSettings,
    "trainer": settings.TrainerSettings,
}
SET_ELSEWHERE = {  # arguments that training passes itself -> the key that they come from
    "trainer.accelerator": "accelerator",
    "trainer.callbacks": "callbacks",
    "trainer.logger": "logger",
    "trainer.default_root_dir": "paths.run",
    "logger.save_dir": "paths.run",
    "augment.crop_px": "data.crop",
    "head.rotation": "rotation",
}


def run(config: dict[str, Any]) -> float:
    """Train; return val/score, for Hydra's sweepers."""
    from hinted_posenet.training.train import train

    return train(config)
