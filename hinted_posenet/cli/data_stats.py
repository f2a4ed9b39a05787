"""hinted-posenet data stats PATH: counts, extents, trajectories and trivial answers of a data set."""

import json as json_module
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable


def run(path: Path, out: Path, picture: bool, json: bool) -> None:
    """Read, draw and print."""
    from hinted_posenet.data.checks.checked_scene import read_checked_scene
    from hinted_posenet.data.checks.pictures import draw_cameras
    from hinted_posenet.data.formats.recognise import recognise_all
    from hinted_posenet.evaluation.scene_stats import scene_stats, stats_text

    if picture:
        check_writable(out / "picture.png")
    found = []
    for number, recognised in enumerate(recognise_all(path)):
        scene = read_checked_scene(recognised, decode=False)
        if not scene.views:
            reason = (*scene.broken, *(fault.message for fault in scene.faults), "it is empty")[0]
            raise InputError(f"{scene.folder}: no frame can be read ({reason})")
        stats = scene_stats(scene.name, scene.splits, scene.has_intrinsics)
        stats |= {"unreadable_labels": len(scene.faults), "excluded": scene.excluded}
        found.append(stats)
        if not json:
            print(("\n" if number else "") + stats_text(stats), flush=True)
        if picture:
            file = out / f"{scene.name.replace('/', '-')}-trajectories.png"
            draw_cameras(file, scene, f"{scene.name}: where the cameras are", {})
            if not json:
                print(f"written: {file}")
    if json:
        print(json_module.dumps({"scenes": found}, indent=1))
