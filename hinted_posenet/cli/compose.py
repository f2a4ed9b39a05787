"""The config of a verb, with what extensions bring."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import hydra
from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from hinted_posenet.cli.help import config_file
from hinted_posenet.core.extensions import config_folder, extension_configs


class ExtensionConfigs(SearchPathPlugin):
    """The config folders of extensions beside our own, and that of --config-dir."""

    own: ClassVar[list[str]] = []

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append their folders."""
        for folder in [*extension_configs(), *self.own]:
            search_path.append("hinted_posenet extension", f"file://{folder}")


def compose(verb: str, *overrides: str) -> dict[str, Any]:
    """Return the config that ``hinted-posenet VERB OVERRIDES`` runs with, in plain Python values.

    Raises:
        hydra.errors.HydraException: for a key or a choice that does not exist.
        omegaconf.errors.MissingMandatoryValue: for a key that has to be given, and was not.
    """
    config = composed(verb, overrides)
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return dict(plain)


def composed(
    verb: str, overrides: Sequence[str], options: Mapping[str, str] | None = None
) -> DictConfig:
    """Return the config as Hydra composes it, also with its options --config-name and --config-dir."""
    options = options or {}
    name = options.get("--config-name") or options.get("-cn") or config_file(verb).stem
    folder = options.get("--config-dir") or options.get("-cd")
    ExtensionConfigs.own = [str(Path(folder).absolute())] if folder else []
    Plugins.instance().register(ExtensionConfigs)
    GlobalHydra.instance().clear()  # that of a running verb: a study composes its trainings
    try:
        with initialize_config_dir(str(config_folder()), version_base="1.3"):
            return hydra.compose(name, overrides=list(overrides))
    finally:
        GlobalHydra.instance().clear()
