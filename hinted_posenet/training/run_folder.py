"""The folder of a training run: opened fresh, resumed, or refused, so that nothing that lies there is lost."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from hinted_posenet.core.errors import InputError, UsageError
from hinted_posenet.core.files import write_text
from hinted_posenet.core.text import check_encodable, read_yaml
from hinted_posenet.data.splits import SEPARATOR
from hinted_posenet.simulator.partial import differences

# keys that do not change what is computed
MAY_DIFFER = {
    *(
        "resume",
        "overwrite",
        "verbose",
        "paths",
        "workers",
        "threads",
        "accelerator",
        "logger",
        "callbacks",
    ),
    *("image_cache_gb", "data.root"),
}
CONFIG, LOCK = "config.yaml", ".lock"
OURS = ("backbone", "head", "train_hint", "inference_hint")  # keys that tell the config of a run
# without one of these the folder holds nothing to lose
BEGUN = (
    "lightning/last.ckpt",
    "lightning/previous.ckpt",
    "lightning/best.ckpt",
    "localizer.ckpt",
    "results.json",
)
WRITTEN = (CONFIG, "history.csv", "poses.csv", "frames.csv", "lightning", *BEGUN)


class RunFolder(NamedTuple):
    """Where a training writes, and whether it may go on with or replace what is there."""

    path: Path
    config: dict[str, Any]  # compared and written as a whole
    resume: bool
    overwrite: bool

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one training at a time use the folder; where nothing was written, nothing stays.

        The lock belongs to the process, so that a killed one leaves none behind.

        Raises:
            InputError: Another training uses it, or it cannot be written.
        """
        if _is_further_process():
            yield
            return
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        lock = FileLock(self.path / LOCK, timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise InputError(
                f"{self.path}: another training uses it; wait for that, or give name=NAME for another run"
            ) from None
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"{self.path}: cannot be written ({reason}); set paths.runs to another folder"
            ) from None
        try:
            yield
        finally:
            if not self._is_run():
                (self.path / LOCK).unlink(missing_ok=True)
                with suppress(OSError):  # not empty
                    for folder in made:
                        folder.rmdir()
            lock.release()

    def is_finished(self) -> bool:
        """Return whether nothing is left to do; refuse a folder that the config may not continue or replace."""
        if _is_further_process():
            return False
        self._check_ours()
        begun = any((self.path / file).is_file() for file in BEGUN)
        if self.overwrite or not begun:
            return False
        finished = (self.path / "results.json").is_file()
        if not self.resume:
            state = "a finished run" if finished else "an unfinished run"
            raise InputError(
                f"{self.path}: holds {state}; resume=true continues it, overwrite=true starts again, "
                "name=NAME makes another"
            )
        before = read_yaml(self.path / CONFIG, "overwrite=true starts again")
        for key in differences(before, self.config):
            if not {key, key.partition(".")[0]} & MAY_DIFFER:
                then, now = (
                    OmegaConf.select(OmegaConf.create(c), key) for c in (before, self.config)
                )
                raise InputError(
                    f"{self.path}: was started with {key}={then}, not {now}; resume with the same config, or "
                    "give name=NAME for another run"
                )
        return finished

    def open(self) -> None:
        """Write the config into the folder; delete an earlier run if asked to overwrite it."""
        if _is_further_process():
            return
        if self.overwrite:
            self._check_ours()
            for path in self._content():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        write_text(self.path / CONFIG, OmegaConf.to_yaml(OmegaConf.create(self.config)))

    def _check_ours(self) -> None:
        """Refuse to write over or to delete what no training has written."""
        found = [path.name for path in self._content()]
        if self._is_run():
            if self.overwrite and Path.cwd().is_relative_to(self.path.resolve()):
                raise InputError(
                    f"{self.path}: contains the working directory, so it is not deleted; choose another paths.run"
                )
            return
        clash = next((name for name in WRITTEN if (self.path / name).exists()), None)
        if found and (self.overwrite or clash):
            raise InputError(
                f"{self.path}: holds {clash or min(found)}, but is no folder of a run, so nothing is deleted; "
                "choose another paths.run, or move it away"
            )

    def _content(self) -> list[Path]:
        """Return what lies in the folder besides the lock."""
        if not self.path.is_dir():
            return []
        return [path for path in self.path.iterdir() if path.name != LOCK]

    def _is_run(self) -> bool:
        """Return whether the folder has the config of a training, which no other folder has."""
        if not (self.path / CONFIG).is_file():
            return False
        try:
            known = read_yaml(self.path / CONFIG)
        except InputError:
            return False
        return isinstance(known, dict) and all(key in known for key in OURS)


def check_names(config: dict[str, Any]) -> None:
    """Refuse names that lead out of the folder that is made of them.

    Raises:
        UsageError: A name has a path in it.
        InputError: It has what no file system takes.
    """
    _check_part("name", config["name"], config["name"])
    data = config["data"]
    _check_part("data.name", data["name"], data["name"])
    for scene in data["scene"].split(SEPARATOR):
        for part in scene.split("/"):  # a scene may be a folder within another
            _check_part("data.scene", data["scene"], part)


def _check_part(key: str, value: str, part: str) -> None:
    check_encodable(value, key)
    if part in ("", ".", "..") or len(PurePosixPath(part).parts) != 1 or part.startswith("/"):
        raise UsageError(f"{key}={value}: is no name of a folder; give one without / and ..")


def _is_further_process() -> bool:
    """Return whether this process serves a further device; the first one looks after the folder."""
    return os.environ.get("LOCAL_RANK", "0") != "0"
