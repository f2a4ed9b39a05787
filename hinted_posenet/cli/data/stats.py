"""hinted-posenet data stats PATH: counts, extents, trajectories and trivial answers of a data set."""

import argparse

from hinted_posenet.cli.parser import data_set_parser, one_line_errors

DESCRIPTION = """\
Counts a data set, draws where its cameras were, and scores two answers that look at no image: the training
camera nearest to the true place (an oracle: retrieval cannot do better in position), and one constant pose.
A network that does not beat the constant pose has learnt nothing. PATH is a scene, or a folder of scenes; its
layout is recognised, and frames that its exclude.txt names are left out."""
EPILOG = """\
example:
  hinted-posenet data stats data/cambridge/ShopFacade"""


def main() -> None:
    """Read, draw, print."""
    arguments = data_set_parser("data stats", DESCRIPTION, EPILOG).parse_args()
    with one_line_errors("data stats"):
        _stats(arguments)


def _stats(arguments: argparse.Namespace) -> None:
    import json

    from hinted_posenet.core.errors import InputError
    from hinted_posenet.data.checks.checked_scene import read_scene
    from hinted_posenet.data.checks.pictures import draw_cameras
    from hinted_posenet.data.formats.recognise import recognise_all
    from hinted_posenet.evaluation.scene_stats import scene_stats, stats_text

    found = []
    for number, recognised in enumerate(recognise_all(arguments.path)):
        scene = read_scene(recognised, decode=False)
        if not scene.views:
            reason = (*scene.broken, *(fault.message for fault in scene.faults), "it is empty")[0]
            raise InputError(f"{scene.folder}: no frame can be read ({reason})")
        stats = scene_stats(scene.name, scene.splits, scene.has_intrinsics)
        stats |= {"unreadable_labels": len(scene.faults), "excluded": scene.excluded}
        found.append(stats)
        if not arguments.json:
            print(("\n" if number else "") + stats_text(stats), flush=True)
        if not arguments.no_picture:
            picture = arguments.out / f"{scene.name.replace('/', '-')}-trajectories.png"
            draw_cameras(picture, scene, f"{scene.name}: where the cameras are", {})
            if not arguments.json:
                print(f"written: {picture}")
    if arguments.json:
        print(json.dumps({"scenes": found}, indent=1))


if __name__ == "__main__":
    main()
