"""Polycam's raw export of a scan: a JSON file per keyframe.

Layout::

    <root>/<scene>/keyframes/corrected_cameras/<time>.json   after Polycam's adjustment; preferred
    <root>/<scene>/keyframes/corrected_images/<time>.jpg
    <root>/<scene>/keyframes/cameras/<time>.json, images/<time>.jpg   as recorded
    <root>/<scene>/train.txt, ...                            names of images, see `listed`

``t_00`` to ``t_23`` are the rows of a 3x4 camera-to-world matrix with ARKit's axes: the camera's x right, y up, z
backwards as in OpenGL, the world's y up. ``fx fy cx cy width height`` are in pixels. The files do not say how
accurate a pose is, and state no lens; the depth images have another size than the images and are not read. A scan
is one sequence.
"""

from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import whole_number
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import CSV_PINHOLE, parse_csv_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.listed import CARD, listed
from hinted_posenet.data.poses import parse_opengl_matrix

MARKERS = ("keyframes/corrected_cameras", "keyframes/cameras")
LAST_ROW = [0.0, 0.0, 0.0, 1.0]


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scan, see `ReadViews`; "all" has them in the order of time."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, MARKERS[0], CARD, *MARKERS[1:])
    cameras = next(marker for marker in MARKERS if (folder / marker).exists())
    images = cameras.replace("cameras", "images")
    files = sorted(layout.file_names(folder / cameras))
    labels = {
        f"{images}/{file.removesuffix('.json')}.jpg": folder / cameras / file
        for file in files
        if file.endswith(".json")
    }
    views = []
    for name, path in listed(folder, split, labels, faults):
        with layout.collecting(faults, name):
            camera = layout.read_json(path, CARD)
            if not isinstance(camera, dict):
                raise InputError(f"{path}: expected an object with t_00, fx and others; see {CARD}")
            rows = [[camera.get(f"t_{row}{column}") for column in range(4)] for row in range(3)]
            stated = parse_opengl_matrix([*rows, LAST_ROW], str(path))
            pinhole: dict[str, Any] = {key: camera.get(key) for key in CSV_PINHOLE}
            lens = parse_csv_camera(pinhole, str(path))
            width, height = (
                whole_number(str(camera.get(key)), f"{path} {key}", 1)
                for key in ("width", "height")
            )
            of_all = (folder.name, (width, height))
            views.append(
                layout.labelled_view(name, folder / name, stated, lens, str(path), *of_all)
            )
    return views
