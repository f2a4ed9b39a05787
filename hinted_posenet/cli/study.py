"""hinted-posenet study: methods x seeds x hints on one scene, resumed where it was left."""

import argparse
import time
from pathlib import Path
from typing import Any

from hinted_posenet.cli.help import VERBS
from hinted_posenet.cli.parser import VerbParser, fail, one_line_errors
from hinted_posenet.core.extensions import config_folder

METHODS = ["posenet", "null_hint", "hinted_embedding", "hinted_residual", "hinted_fusion"]
TABLES = ["errors", "recall", "other image", "gains"]
HINTS = ["none", "constant", "retrieval", "nearest"]


def main() -> None:
    """Run every cell, print the table as it fills, write table and figure where asked."""
    example = "hinted-posenet study data=aerial data.scene=naip --seeds 0 1 2 --sensors-m 5 50 500"
    parser = VerbParser("study", VERBS["study"], f"example: {example}")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="as hinted-posenet train takes them"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        default=METHODS,
        metavar="METHOD[,KEY=VALUE...]",
        help="choices of configs/method, each with what is special to it here",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    parser.add_argument("--hints", nargs="+", default=HINTS, metavar="START_HINT")
    parser.add_argument(
        "--sensors-m",
        nargs="+",
        type=float,
        default=[],
        metavar="SIGMA",
        help="simulated sensors, which know positions to so many metres per axis and no rotation",
    )
    parser.add_argument(
        "--insert",
        nargs=2,
        metavar=("FILE", "MARKER"),
        help="also put the tables, as Markdown, between <!-- begin MARKER --> and <!-- end MARKER --> of FILE",
    )
    parser.add_argument(
        "--groups", nargs="+", default=[], metavar="GROUP", help="frames, as in results.json"
    )
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--figure", type=Path, help="also draw the curves (.png, .jpg, .svg, .pdf)")
    arguments = parser.parse_intermixed_args()
    from hinted_posenet.cli.overrides import check_overrides  # imports hydra

    for method in arguments.methods:
        check_overrides("train", _cell(arguments.overrides, method))
    with one_line_errors("study"):
        study(arguments)


def study(arguments: argparse.Namespace) -> None:
    """All cells, then the tables and the figure."""
    from hinted_posenet.core.tables import insert_text
    from hinted_posenet.reports.study_results import read_study
    from hinted_posenet.reports.study_table import study_tables
    from hinted_posenet.training.study import SceneStudy

    hints = _hints(arguments)
    scene = SceneStudy(hints)
    shown = {*hints, "none", "network"}
    # PoseNet comes first, since its answers are a hint for the others
    methods = sorted(arguments.methods, key=lambda method: method != "posenet")
    configs = {
        (method, seed): _config(arguments.overrides, method, seed)
        for method in methods
        for seed in arguments.seeds
    }
    started = time.monotonic()
    for number, ((method, seed), config) in enumerate(configs.items(), start=1):
        network = configs.get(("posenet", seed), {})
        same = all(network.get(key) == config[key] for key in ("backbone", "pool"))
        if scene.run(config, Path(network["paths"]["run"]) if same else None):
            minutes = (time.monotonic() - started) / 60
            print(
                f"{number} of {len(configs)}: {method}, seed {seed} ({minutes:.1f} minutes so far)"
            )
            done = [Path(c["paths"]["run"]) for c in list(configs.values())[:number]]
            found = read_study(done, shown, arguments.groups)
            print(next(study_tables(found, ["errors"])).text(), flush=True)
    done = [Path(config["paths"]["run"]) for config in configs.values()]
    found = read_study(done, shown, arguments.groups)
    tables = list(study_tables(found, arguments.tables))
    print("\n\n".join(table.text() for table in tables))
    if arguments.insert:
        file, marker = arguments.insert
        insert_text(Path(file), marker, "\n\n".join(table.markdown() for table in tables))
    if arguments.figure:
        from hinted_posenet.reports.study_figure import study_figure

        study_figure(arguments.figure, found)
        print(f"written: {arguments.figure}")


def _hints(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Start hints by name: the choices of configs/inference_hint, and the simulated sensors."""
    from omegaconf import OmegaConf

    hints: dict[str, Any] = {}
    for name in arguments.hints:
        file = config_folder() / "inference_hint" / f"{name}.yaml"
        if not file.is_file() or name in ("network", "oracle"):
            fail(f"--hints {name}: choose among {', '.join(HINTS)}; the network's comes by itself")
        hints[name] = OmegaConf.to_container(OmegaConf.load(file))
    oracle: Any = OmegaConf.load(config_folder() / "inference_hint" / "oracle.yaml")
    for sigma_t_m in arguments.sensors_m:
        sensor = OmegaConf.merge(oracle, {"sigma_t_m": sigma_t_m, "sigma_r_deg": None})
        hints[f"sensor-{sigma_t_m:g}m"] = OmegaConf.to_container(sensor)
    return hints


def _config(overrides: list[str], method: str, seed: int) -> dict[str, Any]:
    """The training config of a cell: what is special to the method comes last."""
    from hinted_posenet.cli.compose import compose

    return compose("train", *_cell(overrides, method), f"seed={seed}", "resume=true")


def _cell(overrides: list[str], method: str) -> list[str]:
    name, *special = method.split(",")
    return [*overrides, f"method={name}", *special]


if __name__ == "__main__":
    main()
