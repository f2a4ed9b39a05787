"""Help texts, read from the config files and their comments without importing anything heavy."""

import re
import textwrap

from hinted_posenet.cli.config_files import Group, first_sentence, groups_of, keys_of
from hinted_posenet.core.extensions import config_folder

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
    "simulate": ["recipe=village_four_seasons", "recipe=naip scene=low flight.random.tilt_deg=10"],
    "train": [
        "data=seven_scenes data.scene=redkitchen method=hinted_residual",
        "data=aerial method=hinted_memory augmented_views=0 trainer.max_epochs=60",
        "data=cambridge data.scene=ShopFacade backbone=resnet34 loss=beta seed=1",
    ],
    "evaluate": [
        "checkpoint=runs/seven_scenes/redkitchen/posenet/seed-0",
        "checkpoint=RUN inference_hint=retrieval refinement_steps=5",
    ],
    "predict": ["checkpoint=RUN images=FOLDER output=poses.txt"],
    "data export": ["data=aerial data.scene=tiny format=colmap_binary out=exported/tiny"],
    "show": [
        "recipe=village_four_seasons what=sheet",
        "what=run run=RUN output=run.mp4",
    ],
}
HYDRA_VERBS = tuple(EXAMPLES)  # the others read their arguments themselves
WIDTH = 96


def main_help() -> str:
    """What hinted-posenet --help prints."""
    return (
        "usage: hinted-posenet VERB [key=value ...]\n\n"
        "Camera relocalization with hinted networks.\n\n"
        f"{_table(VERBS)}\n\nhinted-posenet VERB --help tells a verb's groups and keys; "
        "hinted-posenet --version its version."
    )


def data_help() -> str:
    """What hinted-posenet data --help prints."""
    return (
        f"usage: hinted-posenet data VERB ...\n\n{_table(DATA_VERBS)}\n\n"
        "hinted-posenet data VERB --help tells what a verb takes."
    )


def verb_help(verb: str) -> str:
    """What hinted-posenet VERB --help prints: groups with their choices, and keys."""
    choosable, keys = {}, keys_of(config_folder() / f"{verb.split()[-1]}.yaml")
    for name, group in groups_of(verb).items():
        if len(group.choices) > 1:
            starred = (f"{path.stem}{_star(group, path.stem)}" for path in group.choices)
            choosable[name] = f"{group.comment}\n{', '.join(starred)}"
        else:
            keys |= keys_of(group.choices[0], f"{name}.")
    usage = f"usage: hinted-posenet {verb} {'[GROUP=CHOICE ...] ' * bool(choosable)}[KEY=VALUE ...]"
    examples = "\n".join(f"  hinted-posenet {verb} {words}" for words in EXAMPLES[verb])
    parts = [usage, VERBS.get(verb) or DATA_VERBS[verb.split()[-1]], f"examples:\n{examples}"]
    if choosable:
        parts += [f"groups (* is the default; --help GROUP explains one):\n{_table(choosable)}"]
    parts += [f"keys (??? has to be given):\n{_key_table(keys)}"]
    return "\n\n".join([*parts, f"hinted-posenet {verb} ... --cfg job prints the whole config."])


def group_help(verb: str, name: str) -> str:
    """What hinted-posenet VERB --help GROUP prints: every choice with its keys."""
    group = groups_of(verb)[name]
    parts = [f"{name}: {group.comment}; configs are in {config_folder() / name}"]
    for path in group.choices:
        parts.append(f"{name}={path.stem}{_star(group, path.stem)}  {first_sentence(path)}")
        if not group.sets_others() and (keys := keys_of(path, f"{name}.")):
            parts[-1] += f"\n{_key_table(keys)}"
    return "\n\n".join(parts)


def _star(group: Group, choice: str) -> str:
    return "*" if choice in re.findall(r"\w+", group.default) else ""


def _key_table(keys: dict[str, tuple[str, str]]) -> str:
    return _table({f"{name}={default}": comment for name, (default, comment) in keys.items()}, 32)


def _table(rows: dict[str, str], column: int = 14) -> str:
    """Two columns; what does not fit into the first has a line of its own."""
    lines, indent = [], " " * column
    for left, right in rows.items():
        head = f"  {left} ".ljust(column)
        if len(head) > column or not right:
            lines.append(head.rstrip())
            head = indent
        for line in right.splitlines():
            lines += textwrap.wrap(head + line, WIDTH, subsequent_indent=indent)
            head = indent
    return "\n".join(lines)
