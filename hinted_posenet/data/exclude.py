"""The list of frames to leave out, ``<scene>/exclude.txt``: loaders obey it, results carry it.

Layout::

    # a header, skipped as all lines that begin with #
    seq2/frame00036.png # 15.1 m off the frames beside it
    a frame without a reason.png

A name may contain spaces; what follows the first `` # `` is the reason.
"""

from collections.abc import Mapping
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text

EXCLUDE_FILE = "exclude.txt"  # in the folder of a scene
HEADER = "# Frames that are left out: name # reason\n"
SEPARATOR = " # "


def read_exclude(path: Path) -> dict[str, str]:
    """Frames to leave out -> why ("" where the file does not say); none where there is no file.

    Raises:
        InputError: if the file is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as text ({error}); write lines `name # reason`, or remove it"
        ) from None
    frames = {}
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            name, _, reason = line.partition(SEPARATOR)
            frames[name.strip()] = reason.strip()
    return frames


def write_exclude(path: Path, frames: Mapping[str, str]) -> None:
    """Write what `read_exclude` reads, in one step.

    Args:
        path: the file; its folder must exist.
        frames: name of a frame -> why it is left out; line breaks become spaces.

    Raises:
        InputError: if a name cannot be told from a comment.
    """
    for name in frames:
        if name.startswith("#") or SEPARATOR in name or name != " ".join(name.splitlines()).strip():
            raise InputError(f"{path}: {name!r} cannot be listed; rename the frame")
    lines = [
        f"{name}{SEPARATOR}{' '.join(reason.split())}" if reason.strip() else name
        for name, reason in frames.items()
    ]
    write_text(path, HEADER + "".join(f"{line}\n" for line in lines))
