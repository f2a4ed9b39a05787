"""Blocks of landmarks on disk, so that a map whose fit was interrupted is not begun again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors
from hinted_posenet.core.types import LocalFeatures, Pose
from hinted_posenet.models.landmarks.module_key import module_key

FORMAT = 1  # raise when other landmarks come of the same features
BLOCK = 64  # keyframes of a file, the most that a killed process loses


def fit_key(truth: Pose, local: Sequence[LocalFeatures], matcher: nn.Module, settings: str) -> str:
    """Return a key of what a map is made of: poses (N,), features () of each image, matcher and settings."""
    digest = hashlib.sha256(f"landmarks {FORMAT} {settings} {module_key(matcher)}".encode())
    for image in (truth, *local):
        for part in image:
            digest.update(f" {tuple(part.shape)} {part.dtype} ".encode())
            digest.update(part.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]


def read_block(path: Path) -> dict[str, Tensor] | None:
    """Read what was written of a block; None if there is none, or it is damaged."""
    try:
        content: dict[str, Tensor] = read_tensors(path, "computed anew")
    except InputError:
        return None
    return content
