"""The config of a verb as its command line makes it, in plain Python values."""

from typing import Any

import hydra
from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from hinted_posenet.core.extensions import config_folder, extension_configs


class ExtensionConfigs(SearchPathPlugin):
    """The config folders of extensions beside our own."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append their folders."""
        for folder in extension_configs():
            search_path.append("hinted_posenet extension", f"file://{folder}")


def find_extensions() -> None:
    """From now on Hydra finds what extensions bring."""
    Plugins.instance().register(ExtensionConfigs)


def compose(verb: str, *overrides: str) -> dict[str, Any]:
    """The config that ``hinted-posenet VERB OVERRIDES`` runs with, for the engine's function of that name.

    Args:
        verb: a file of configs/: train, evaluate, predict, simulate, show or export.
        overrides: as on the command line, "head.hidden=64".

    Raises:
        hydra.errors.HydraException: for a key or a choice that is not there.
        omegaconf.errors.MissingMandatoryValue: for a key that has to be given, and was not.
    """
    find_extensions()
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = hydra.compose(verb, overrides=list(overrides))
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return dict(plain)
