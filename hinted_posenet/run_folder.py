"""The folder of a training run: opened fresh, resumed, or refused, so that no finished run is lost."""

import os
import shutil
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hinted_posenet.types import InputError

# none of these changes what is computed
MAY_DIFFER = ("resume", "overwrite", "paths", "workers", "threads", "accelerator", "logger", "callbacks")


def open_run(run: Path, config: dict[str, Any]) -> bool:
    """Prepare ``run`` for the config; True if it is finished already and ``resume`` asks for nothing more."""
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return False  # a further process of one run on several devices: the first one opened it
    written = run / "config.yaml"
    if written.is_file() and config["overwrite"]:
        shutil.rmtree(run)
    if written.is_file():
        finished = (run / "results.json").is_file()
        if not config["resume"]:
            state = "finished" if finished else "unfinished"
            raise InputError(
                f"{run}: holds a{'n' if state[0] == 'u' else ''} {state} run; resume=true continues it, "
                "overwrite=true starts again, name=NAME makes another"
            )
        _check_same(OmegaConf.to_container(OmegaConf.load(written)), config, run)
        return finished
    run.mkdir(parents=True, exist_ok=True)
    partial = written.with_suffix(".partial")
    OmegaConf.save(OmegaConf.create(config), partial)
    partial.replace(written)
    return False


def _check_same(before: Any, now: dict[str, Any], run: Path) -> None:
    flat_before, flat_now = _flat(before), _flat(now)
    for key in sorted(flat_before.keys() | flat_now.keys()):
        if key.split(".")[0] in MAY_DIFFER:
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
