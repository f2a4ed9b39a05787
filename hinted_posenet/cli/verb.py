"""A Hydra verb: answer mistakes in one line, compose the config, run the engine's function of that name."""

import sys
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from hinted_posenet.cli.overrides import check_overrides, overrides_of
from hinted_posenet.cli.parser import fail, one_line_errors
from hinted_posenet.core.extensions import config_folder


def run_verb(title: str) -> None:
    """Run ``engine.<verb>`` with the config that the command line asks for; `data export` is verb export."""
    verb = title.split()[-1]
    check_overrides(verb, overrides_of(sys.argv[1:]))

    @hydra.main(config_path=str(config_folder()), config_name=verb, version_base="1.3")
    def task(config: DictConfig) -> None:
        with one_line_errors(title):
            try:
                plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
            except MissingMandatoryValue as error:
                key = error.full_key or str(error)
                fail(f"{key}: required; give {key}=VALUE")
            from hinted_posenet.training import engine  # imports torch

            getattr(engine, verb)(plain)

    task()
