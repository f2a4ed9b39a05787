"""The folder of a training run: opened fresh, resumed, or refused, so that no finished run is lost."""

import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text
from hinted_posenet.simulator.partial import differences

# keys that do not change what is computed
MAY_DIFFER = {
    *("resume", "overwrite", "paths", "workers", "threads", "accelerator", "logger", "callbacks"),
    *("image_cache_gb", "data.root"),
}
# without one of these the folder holds nothing to lose
BEGUN = ("lightning/last.ckpt", "localizer.ckpt", "results.json")


class RunFolder(NamedTuple):
    """Where a training writes, and whether it may go on with or replace what is there."""

    path: Path
    config: dict[str, Any]  # compared and written as a whole
    resume: bool
    overwrite: bool

    def is_finished(self) -> bool:
        """Return whether nothing is left to do; refuse a folder that the config may not continue."""
        begun = any((self.path / file).is_file() for file in BEGUN)
        if self.overwrite or not begun or _is_further_process():
            return False
        finished = (self.path / "results.json").is_file()
        if not self.resume:
            state = "a finished run" if finished else "an unfinished run"
            raise InputError(
                f"{self.path}: holds {state}; resume=true continues it, overwrite=true starts again, "
                "name=NAME makes another"
            )
        before, now = OmegaConf.load(self.path / "config.yaml"), OmegaConf.create(self.config)
        for key in differences(OmegaConf.to_container(before), self.config):
            if not {key, key.partition(".")[0]} & MAY_DIFFER:
                raise InputError(
                    f"{self.path}: was started with {key}={OmegaConf.select(before, key)}, not "
                    f"{OmegaConf.select(now, key)}; resume with the same config, or give name=NAME for another run"
                )
        return finished

    def open(self) -> None:
        """Make the folder and write the config into it; delete an earlier run if asked to overwrite it."""
        if _is_further_process():
            return
        if self.overwrite:
            shutil.rmtree(self.path, ignore_errors=True)
        write_text(self.path / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(self.config)))


def _is_further_process() -> bool:
    """Return whether this process serves a further device; the first one looks after the folder."""
    return os.environ.get("LOCAL_RANK", "0") != "0"
