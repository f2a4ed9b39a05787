"""The folder of a training run: opened fresh, resumed, or refused, so that no finished run is lost."""

import os
import shutil
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text

# none of these changes what is computed
MAY_DIFFER = {
    "resume",
    "overwrite",
    "paths",
    "workers",
    "threads",
    "accelerator",
    "logger",
    "callbacks",
    "image_cache_gb",
}
MAY_DIFFER_IN_DATA = {"data.root"}
# without one of these there is nothing in the folder to lose
BEGUN = ("lightning/last.ckpt", "localizer.ckpt", "results.json")


def is_finished(run: Path, config: dict[str, Any]) -> bool:
    """Whether there is nothing left to do in ``run``; refuses a folder that the config may not continue."""
    begun = any((run / file).is_file() for file in BEGUN)
    if config["overwrite"] or not begun or _is_further_process():
        return False
    finished = (run / "results.json").is_file()
    if not config["resume"]:
        state = "a finished run" if finished else "an unfinished run"
        raise InputError(
            f"{run}: holds {state}; resume=true continues it, overwrite=true starts again, "
            "name=NAME makes another"
        )
    _check_same(OmegaConf.to_container(OmegaConf.load(run / "config.yaml")), config, run)
    return finished


def open_run(run: Path, config: dict[str, Any]) -> None:
    """Make the folder and write the config into it; delete what was there if the config says so."""
    if _is_further_process():
        return
    if config["overwrite"]:
        shutil.rmtree(run, ignore_errors=True)
    write_text(run / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))


def _is_further_process() -> bool:
    """Lightning starts a process per further device; the first one looks after the folder."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def _check_same(before: Any, now: dict[str, Any], run: Path) -> None:
    flat_before, flat_now = _flat(before), _flat(now)
    for key in sorted(flat_before.keys() | flat_now.keys()):
        if key.split(".")[0] in MAY_DIFFER or key in MAY_DIFFER_IN_DATA:
            continue
        if flat_before.get(key) != flat_now.get(key):
            raise InputError(
                f"{run}: was started with {key}={flat_before.get(key)}, not {flat_now.get(key)}; resume with "
                "the same config, or give name=NAME for another run"
            )


def _flat(config: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(config, dict):
        return {prefix[:-1]: config}
    return {
        k: v for key, value in config.items() for k, v in _flat(value, f"{prefix}{key}.").items()
    }
