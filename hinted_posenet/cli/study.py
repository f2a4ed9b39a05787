"""hinted-posenet study: methods x seeds x hints on one scene, resumed where it was left."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Gt
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from hinted_posenet.cli.check_line import check_line
from hinted_posenet.cli.compose import compose
from hinted_posenet.cli.grammar import read_line
from hinted_posenet.cli.train import SCHEMAS as TRAIN_SCHEMAS
from hinted_posenet.cli.train import SET_ELSEWHERE as SET_ELSEWHERE
from hinted_posenet.core.errors import UsageError
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.training.settings import Seed, Text

INTERRUPTED = "interrupted; the same command resumes the study"
SCHEMAS = {node: schema for node, schema in TRAIN_SCHEMAS.items() if node}
HINTS = ("none", "constant", "retrieval", "nearest")
Table = Literal["errors", "recall", "other image", "gains", "calibration", "modes"]


def run(
    methods: list[Text],
    seeds: list[Seed],
    hints: list[Text],
    sensors_m: list[Annotated[float, Gt(0)]],
    groups: list[Text],
    tables: list[Table],
    out: Path | None,
    figure: Path | None,
) -> None:
    """Run every cell, print the table as it fills, and write tables and figure where asked."""
    own = run.__annotations__.keys()
    given = [w for w in HydraConfig.get().overrides.task if w.partition("=")[0] not in own]
    for method in methods:
        check_line("train", read_line("train", _cell(given, method)))
    # PoseNet comes first, since its answers are a hint for the others
    ordered = sorted(methods, key=lambda method: method != "posenet")
    configs = {
        (method, seed): compose("train", *_cell(given, method), f"seed={seed}", "resume=true")
        for method in ordered
        for seed in seeds
    }
    asked = inference_hints(hints, sensors_m)
    # not earlier: mistakes are reported before torch is imported
    from hinted_posenet.core.figures import FIGURES
    from hinted_posenet.core.files import check_writable, write_text
    from hinted_posenet.reports.study_table import read_study, study_tables
    from hinted_posenet.training.run import reads_same_features, run_folder
    from hinted_posenet.training.study import SceneStudy

    if out:
        check_writable(out)
    if figure:
        check_writable(figure, "figure", FIGURES)
    scene = SceneStudy(asked)
    names = {*asked, "none", "network"}
    folders: list[Path] = []
    started = time.monotonic()
    for (method, seed), config in configs.items():
        folders.append(run_folder(config).path)
        network = configs.get(("posenet", seed))
        shares = network is not None and reads_same_features(network, config)
        if scene.run(config, run_folder(network).path if network and shares else None):
            minutes = (time.monotonic() - started) / 60
            done = f"{len(folders)} of {len(configs)}"
            print(f"{done}: {method}, seed {seed} ({minutes:.1f} minutes so far)")
            partly = study_tables(read_study(folders, names, groups), ["errors"])
            print(next(partly).text(), flush=True)
    found = read_study(folders, names, groups)
    written = list(study_tables(found, tables))
    print("\n\n".join(table.text() for table in written))
    if out:
        write_text(out, "\n\n".join(table.markdown() for table in written) + "\n")
    if figure:
        from hinted_posenet.reports.study_figure import study_figure

        study_figure(figure, found)
        print(f"written: {figure}")


def inference_hints(names: list[str], sensors_m: list[float]) -> dict[str, dict[str, Any]]:
    """Return configs of hints by name: choices of configs/inference_hint, and simulated sensors."""
    hints: dict[str, Any] = {}
    for name in names:
        file = config_folder() / "inference_hint" / f"{name}.yaml"
        if not file.is_file() or name in ("network", "oracle"):
            raise UsageError(
                f"hints: {name}: choose among {', '.join(HINTS)}; the network's own comes by itself"
            )
        hints[name] = OmegaConf.to_container(OmegaConf.load(file))
    oracle: Any = OmegaConf.load(config_folder() / "inference_hint" / "oracle.yaml")
    for sigma_t_m in sensors_m:
        sensor = OmegaConf.merge(oracle, {"sigma_t_m": sigma_t_m, "sigma_r_deg": None})
        hints[f"sensor-{sigma_t_m:g}m"] = OmegaConf.to_container(sensor)
    return hints


def _cell(given: list[str], method: str) -> list[str]:
    """Return the training words of a method: with experiment=SCENE, those of SCENE_METHOD where it exists."""
    for word in given:
        group, _, scene = word.partition("=")
        row = f"{scene}_{method}"
        if group == "experiment" and (config_folder() / group / f"{row}.yaml").is_file():
            return [*(other for other in given if other != word), f"{group}={row}"]
    return [*given, f"method={method}"]
