"""Help texts, read from the config files without importing anything heavy."""

import re
from pathlib import Path

from hinted_posenet.extensions import extension_configs

VERBS = {
    "simulate": "write an aerial data set from a generated or a real world",
    "train": "train a network and score it on the test split",
    "evaluate": "score a checkpoint beside its controls",
    "predict": "write poses for a folder of images without ground truth",
    "show": "draw a world, its data set or a run: contact sheet, map, mesh, scene in 3-D, film",
    "score": "score a file of poses of any method, as our own are",
    "compare": "one table, and a map, of several runs",
    "report": "one HTML page of several runs: tables, plots, frames; opens without a network",
    "study": "methods x seeds x hints on one scene: tables and curves of when a hint helps",
    "growth": "how errors grow with area, months and altitude: tables and a figure of runs of many scenes",
    "toy": "why a hint helps, in one dimension: trains small networks and draws a figure",
    "data": "check, fetch, import, export, count and cache data sets",
}
DATA_VERBS = {
    "check": "find what is wrong with a data set: files, labels, conventions",
    "fetch": "download a published data set",
    "import": "split your own posed images and make a data set of them",
    "export": "write a data set as 7-Scenes, Cambridge, COLMAP, transforms.json or CSV",
    "stats": "count a data set, draw its trajectories, score the pose-only baselines",
    "cache": "list or prune the images that training has decoded",
}
EXAMPLES = {
    "simulate": "hinted-posenet simulate recipe=village_four_seasons",
    "train": "hinted-posenet train data=seven_scenes data.scene=redkitchen method=hinted_residual",
    "evaluate": "hinted-posenet evaluate checkpoint=runs/seven_scenes/redkitchen/posenet/seed-0",
    "predict": "hinted-posenet predict checkpoint=RUN images=FOLDER output=poses.txt",
    "data export": "hinted-posenet data export data=aerial data.scene=tiny format=colmap_binary out=exported/tiny",
    "show": "hinted-posenet show recipe=village_four_seasons what=sheet",
}
HYDRA_VERBS = tuple(EXAMPLES)  # the others read their arguments themselves


def config_folder() -> Path:
    """The configs: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def main_help() -> str:
    """What hinted-posenet --help prints."""
    verbs = "\n".join(f"  {verb:10}{text}" for verb, text in VERBS.items())
    return (
        "usage: hinted-posenet VERB [key=value ...]\n\n"
        "Camera relocalization with hinted networks.\n\n"
        f"{verbs}\n\nhinted-posenet VERB --help tells a verb's groups and keys."
    )


def data_help() -> str:
    """What hinted-posenet data --help prints."""
    verbs = "\n".join(f"  {verb:10}{text}" for verb, text in DATA_VERBS.items())
    return (
        f"usage: hinted-posenet data VERB ...\n\n{verbs}\n\n"
        "hinted-posenet data VERB --help tells what a verb takes."
    )


def verb_help(verb: str) -> str:
    """What hinted-posenet VERB --help prints: the verb's groups with their choices, then its own keys."""
    name = verb.split()[-1]
    text = (config_folder() / f"{name}.yaml").read_text()
    own = text.partition("\n\n")[2]
    lines = [
        f"  {group:14}{_choices(group, default)}" for group, default in groups_of(name).items()
    ]
    keys = own.split("\n\nhydra:")[0].rstrip()
    what = VERBS.get(verb) or DATA_VERBS[name]
    return (
        f"usage: hinted-posenet {verb} [group=choice ...] [key=value ...]\n\n{what}; for example\n"
        f"  {EXAMPLES[verb]}\n\ngroups (* default):\n" + "\n".join(lines) + f"\n\nkeys:\n{keys}\n\n"
        f"A group's keys are in {config_folder()}/GROUP/CHOICE.yaml; set them as GROUP.KEY=VALUE.\n"
        f"hinted-posenet {verb} ... --cfg job prints the whole config."
    )


def groups_of(verb: str) -> dict[str, str]:
    """Config groups of a verb, each with its default."""
    defaults = (config_folder() / f"{verb}.yaml").read_text().partition("\n\n")[0]
    return dict(re.findall(r"^  - (\w+): *(\S+)", defaults, flags=re.MULTILINE))


def _choices(group: str, default: str) -> str:
    folders = [config_folder(), *extension_configs()]
    names = sorted(path.stem for folder in folders for path in folder.glob(f"{group}/*.yaml"))
    return ", ".join(f"{name}*" if name == default else name for name in names)
