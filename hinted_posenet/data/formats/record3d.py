"""Record3D: a recording of an iPhone, as an unpacked .r3d file or exported as EXR and RGB.

Layout::

    <root>/<scene>/metadata            of an unpacked .r3d; metadata.json of an export
    <root>/<scene>/rgbd/0.jpg, 1.jpg   of an unpacked .r3d; rgb/ of an export
    <root>/<scene>/train.txt, ...      names of images, see `listed`

The metadata is JSON: `poses` has `qx qy qz qw tx ty tz` of each frame, camera-to-world with ARKit's axes, where
the camera's x points right, y up and z backwards as in OpenGL; `K` is a 3x3 matrix by columns,
`perFrameIntrinsicCoeffs` has `fx fy cx cy` of each frame and is preferred; `w` and `h` are pixels. Image n has the
n-th pose. The file states no lens. Depth is compressed (LZFSE or EXR) and of another size, and is not read. A
recording is one sequence.
"""

from pathlib import Path
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import whole_number
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import CSV_PINHOLE, parse_csv_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.listed import CARD, listed
from hinted_posenet.data.poses import parse_arkit_pose

MARKERS = ("metadata", "metadata.json")
IMAGES = ("rgbd", "rgb")


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a recording, see `ReadViews`; "all" has them by number."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, MARKERS[0], CARD, *MARKERS[1:])
    path = next(folder / marker for marker in MARKERS if (folder / marker).exists())
    metadata = layout.read_json(path, CARD)
    poses = metadata.get("poses") if isinstance(metadata, dict) else None
    if not isinstance(poses, list):
        raise InputError(f"{path}: expected an object with a list `poses`; see {CARD}")
    images = next((name for name in IMAGES if (folder / name).is_dir()), IMAGES[0])
    size = (
        whole_number(str(metadata.get("w")), f"{path} w", 1),
        whole_number(str(metadata.get("h")), f"{path} h", 1),
    )
    labels = {f"{images}/{number}.jpg": number for number in range(len(poses))}
    views = []
    for name, number in listed(folder, split, labels, faults):
        where = f"{path} frame {number}"
        with layout.collecting(faults, name):
            stated = parse_arkit_pose(_row(poses[number], 7, f"{where} pose"), where)
            camera = dict(zip(CSV_PINHOLE, _camera(metadata, number, where), strict=True))
            lens = parse_csv_camera(camera, where)
            image = folder / name
            views.append(layout.labelled_view(name, image, stated, lens, where, folder.name, size))
    return views


def _camera(metadata: dict[str, Any], number: int, where: str) -> list[Any]:
    """Return fx, fy, cx, cy of a frame."""
    each = metadata.get("perFrameIntrinsicCoeffs")
    if each:
        row = each[number] if isinstance(each, list) and number < len(each) else None
        return _row(row, 4, f"{where} perFrameIntrinsicCoeffs")
    K = _row(metadata.get("K"), 9, f"{where} K")  # by columns
    return [K[0], K[4], K[6], K[7]]


def _row(found: object, count: int, where: str) -> list[Any]:
    if not isinstance(found, list) or len(found) != count:
        raise InputError(f"{where}: expected a list of {count} numbers; export it again")
    return found
