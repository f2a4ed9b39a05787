"""Checkpoints of a training that goes on: written so that no kill costs more than an epoch, and found again."""

import logging
from pathlib import Path
from typing import Any

from lightning_fabric.plugins import TorchCheckpointIO

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.tensor_files import read_tensors, save_tensors

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"

log = logging.getLogger(__name__)


class KeptCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and keeps the last one as ``previous.ckpt``.

    Lightning's own writes to the system's temporary folder and moves from there, which a kill may cut short.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write the state of a training."""
        target = Path(path)
        with atomic_write(target) as partial:
            save_tensors(partial, checkpoint)
            if target.name == LAST and target.exists():
                target.replace(target.with_name(PREVIOUS))


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint of a training's folder that can be read, None if there is none at all.

    Raises:
        InputError: None of those that are there can be read.
    """
    faults = []
    for name in (LAST, PREVIOUS, BEST):
        path = folder / name
        if path.is_file():
            try:
                epoch = int(read_tensors(path, "overwrite=true starts again")["epoch"]) + 1
            except (InputError, TypeError, KeyError, ValueError) as error:
                faults.append(
                    str(error) if isinstance(error, InputError) else f"{path}: no training"
                )
                continue
            if faults or name != LAST:
                why = faults[0] if faults else f"{folder / LAST}: missing"
                log.warning("%s; going on from %s, after epoch %d", why, path.name, epoch)
            return path
    if faults:
        raise InputError(faults[0])
    return None
