"""Run a verb: report mistakes in one line, compose the config, call the verb's typed function.

A verb is a module with a function ``run`` whose parameters are keys of configs/VERB.yaml; their type hints check
the values. A parameter ``config`` takes the whole config. Where a module has ``SCHEMAS``, node -> dataclass, these
check the keys of nodes; ``INTERRUPTED`` is what it prints after Ctrl-C.
"""

import inspect
import os
import sys
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from hinted_posenet.cli.check_line import check_line, module_of
from hinted_posenet.cli.grammar import read_line
from hinted_posenet.cli.help import config_file
from hinted_posenet.cli.main import raise_at_interrupt
from hinted_posenet.core.errors import MISTAKE, UsageError, one_line_errors
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.schema import checked, hints_of

QUIET = [  # Hydra changes no folder, writes no files of its own and configures no logging
    *("hydra.run.dir=.", "hydra.sweep.subdir=.", "hydra.output_subdir=null"),
    *("hydra/job_logging=none", "hydra/hydra_logging=none"),
]
IN_FOLDER = ("seed", "data", "data.scene", "data.name", "name", "paths.run")  # parts of paths.run


def run_verb(verb: str, words: list[str]) -> None:
    """Call ``run`` of the module of "train", "data check", ... with the config that its words ask for."""
    with one_line_errors(code=MISTAKE):
        interrupted = getattr(module_of(verb), "INTERRUPTED", "interrupted")
        line = read_line(verb, words)
        check_line(verb, line)
    given = [*line.flags(), *QUIET, *line.overrides]  # flags come first for argparse

    @hydra.main(str(config_folder()), config_file(verb).stem, version_base="1.3")
    def task(config: DictConfig) -> Any:
        # Lightning starts the further processes of a run on several devices with this command line
        sys.argv[1:] = [*verb.split(), *given]
        with one_line_errors(interrupted):
            job = HydraConfig.get()
            if job.mode == RunMode.MULTIRUN and OmegaConf.select(config, "paths.run"):
                config.name += swept_suffix(line.overrides, job.overrides.task)
            plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
            raise_at_interrupt()
            return call(verb, plain)

    sys.argv[1:] = given
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors arrive here instead of being printed by Hydra
    with one_line_errors(interrupted):
        try:
            task()
        except HydraException as error:  # of the sweep itself
            raise UsageError(" ".join(str(error).split())) from error


def call(verb: str, config: dict[str, Any]) -> Any:
    """Call a verb's function with a config, which `compose` makes.

    Raises:
        InputError: for a value of another type than the function's parameter.
    """
    run = module_of(verb).run
    hints = hints_of(run)
    names = inspect.signature(run).parameters
    values = {n: config if n == "config" else checked(n, config[n], hints[n]) for n in names}
    return run(**values)


def swept_suffix(given: list[str], job: list[str]) -> str:
    """Return what distinguishes the run of a job from the others of a sweep: "-lr=0.001-head=film".

    ``given`` are the words of the command line, ``job`` those with one value of each sweep.
    """
    parser = OverridesParser.create()
    parsed = parser.parse_overrides(given)
    fixed = {override.get_key_element() for override in parsed if not override.is_sweep_override()}
    named = {*fixed, *IN_FOLDER} | ({"method", "experiment"} if "name" not in fixed else set())
    overrides = {override.get_key_element(): override for override in parser.parse_overrides(job)}
    swept = {key: override for key, override in overrides.items() if key not in named}
    last = [key.rpartition(".")[2] for key in swept]
    suffix = ""
    for (key, override), short in zip(swept.items(), last, strict=True):
        shown = short if last.count(short) == 1 else key
        suffix += f"-{shown.lstrip('+')}={override.get_value_element_as_str()}".replace("/", "_")
    return suffix
