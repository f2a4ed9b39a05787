"""Files of tensors and plain values, as ``torch.save`` writes them: read without running code, within limits."""

import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write
from hinted_posenet.core.limits import PICKLE_BYTES, TENSOR_FILE_BYTES
from hinted_posenet.core.text import check_file

DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, pickle.UnpicklingError, RuntimeError),
    *(OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(MemoryError, OverflowError, RecursionError),
)


def write_tensors(path: Path, content: Any) -> None:
    """Write tensors, lists, dictionaries and plain values to a file, atomically."""
    with atomic_write(path) as partial:
        save_tensors(partial, content)


def save_tensors(path: Path, content: Any) -> None:
    """Write a file and wait until the disk has it, so that it may take another one's name after that.

    A Ctrl-C on the way stays one: torch, which closes its archive then, tells of a broken archive instead.
    """
    with path.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise error.__context__ from None
            raise
        file.flush()
        os.fsync(file.fileno())


def read_tensors(
    path: Path, fix: str, pickle_bytes: int = PICKLE_BYTES, mapped: bool = False
) -> Any:
    """Read what `write_tensors` wrote, onto the CPU; nothing in the file is executed.

    Tensors are dense and no larger than what the file holds of them, so that a small file never becomes a large
    tensor by repetition. Its names and values may take ``pickle_bytes``. Tensors that are ``mapped``
    are read when they are used.

    Raises:
        InputError: The file is missing, damaged, compressed, or holds more than that; ends with ``fix``.
    """
    check_file(path, TENSOR_FILE_BYTES, fix)
    try:
        reason = _fault_of_archive(path, pickle_bytes)
        content = (
            None if reason else torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        )
    except pickle.UnpicklingError:  # torch's message advises to execute what the file holds
        reason = "it holds more than tensors and plain values, so it is not opened"
    except DAMAGED:
        reason = "it is damaged or cut off"
    reason = reason or _fault_of_tensors(content, path.stat().st_size)
    if reason:
        raise InputError(f"{path}: not readable ({reason}); {fix}") from None
    return content


def _fault_of_archive(path: Path, pickle_bytes: int) -> str | None:
    """Say what is wrong with the archive, whose files torch would read whole into memory."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":
            return "no file of torch.save"
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        return "its content is compressed, which torch.save never does"
    if sum(member.file_size for member in members) > path.stat().st_size:
        return "it announces more bytes than it has"
    if any(m.filename.endswith(".pkl") and m.file_size > pickle_bytes for m in members):
        return f"it lists more than {pickle_bytes / 1e6:.0f} MB of names and values"
    return None


def _fault_of_tensors(content: Any, file_bytes: int) -> str | None:
    """Say which tensors are not what `write_tensors` writes, if any."""
    total, seen, left = 0, set(), [content]
    while left:
        value = left.pop()
        if isinstance(value, Tensor):
            if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
                return "it holds tensors that are sparse, quantized or empty shells"
            size = value.numel() * value.element_size()
            if size > value.untyped_storage().nbytes():
                return "it holds a tensor that repeats its content"
            total += size
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, dict) else value
    # what is saved twice may share its bytes, but not much is
    return "its tensors share their content" if total > 4 * file_bytes else None
