"""TUM RGB-D: one recording per folder, its images and its trajectory paired by time.

Layout::

    <root>/<scene>/rgb.txt           `timestamp file`, one image per line; lines with # are comments, and the
                                     separator may be a tab or a comma
    <root>/<scene>/groundtruth.txt   `timestamp tx ty tz qx qy qz qw`, camera-to-world, the quaternion's w last
    <root>/<scene>/depth.txt         as rgb.txt, 16-bit PNG in steps of 1/5000 m; may be missing
    <root>/<scene>/cameras.txt       the one camera, as COLMAP writes it: `1 MODEL width height parameters...`;
                                     the published recordings have none and need none
    <root>/<scene>/train.txt, test.txt, val.txt   files as rgb.txt names them, one per line; val.txt may be missing

The lists are our addition, as for COLMAP; split "all" needs none. Times are seconds. An image gets the pose
nearest in time, as in the published tools, so that labels stay comparable; motion capture at 100 Hz makes this
5 ms at most. Images without a pose nearby, where motion capture lost the camera, are left out without being
faults. The recording is one sequence.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import DepthImage, Fault, View
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.colmap_model import Camera
from hinted_posenet.data.formats.colmap_text import read_cameras_txt
from hinted_posenet.data.formats.notes import note
from hinted_posenet.data.poses import numbers, parse_tum_pose

CARD = "docs/formats.md"
CAMERAS = "cameras.txt"
DEPTH_UNIT_M = 1 / 5000
PUBLISHED_SIZE = (640, 480)
SEPARATOR = re.compile(r"\s*[\s,]\s*")
# the data set's own calibration of its three cameras: fx, fy, cx, cy, and the lens k1, k2, p1, p2, k3
PUBLISHED: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "freiburg1": (
        (517.306408, 516.469215, 318.643040, 255.313989),
        (0.262383, -0.953104, -0.005358, 0.002628, 1.163314),
    ),
    "freiburg2": (
        (520.908620, 521.007327, 325.141442, 249.701764),
        (0.231222, -0.784899, -0.003257, -0.000105, 0.917205),
    ),
    "freiburg3": ((535.4, 539.2, 320.1, 247.6), ()),  # its images are undistorted
}


class _Stamped(NamedTuple):
    time_s: float
    text: str  # what follows the time
    where: str


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    max_difference_s: float = 0.02,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Read the views of one split of a recording, in the order of its list, see `ReadViews`.

    The split "all" has the images that have a pose, in the order of time. An image is at most
    ``max_difference_s`` from its pose; 0.02 s as in the published tools.
    """
    layout.check_split(split, "all")
    if not 0 <= max_difference_s < math.inf:
        raise InputError(f"max_difference_s={max_difference_s}: expected seconds, 0 or more")
    folder = layout.scene_folder(root, scene, "rgb.txt", CARD)
    path = folder / f"{split}.txt"
    if split == "val" and not path.is_file():
        return []
    camera = _camera(folder)
    images: dict[str, _Stamped] = {}
    for image in _read_stamped(folder / "rgb.txt"):
        with layout.collecting(faults, image.text):
            layout.check_new(image.text, images, image.where)
            images[image.text] = image
    poses = _read_stamped(folder / "groundtruth.txt")
    depths = _read_stamped(folder / "depth.txt") if (folder / "depth.txt").is_file() else []
    started_s = min((image.time_s for image in images.values()), default=0.0)
    views, without_pose = [], 0
    in_order = {name: image.where for name, image in images.items()}
    wanted = in_order if split == "all" else layout.read_names(path, CARD)
    for name, where in wanted.items():
        with layout.collecting(faults, name):
            if name not in images:
                raise InputError(f"{where}: {name} is not in rgb.txt; remove the line")
            time_s = images[name].time_s
            pose = _nearest(poses, time_s, max_difference_s)
            if pose is None:
                without_pose += 1
                continue
            _check_single(poses, pose)
            depth = _nearest(depths, time_s, max_difference_s)
            stated = parse_tum_pose(SEPARATOR.split(pose.text), pose.where)
            of_all = (folder.name, (camera.width, camera.height))
            view = layout.labelled_view(
                name, folder / name, stated, camera.lens, pose.where, *of_all
            )
            depth_image = depth and DepthImage(folder / depth.text, DEPTH_UNIT_M)
            views.append(view._replace(time_s=time_s - started_s, depth=depth_image))
    if without_pose:
        note(
            f"{folder}: {without_pose} of {without_pose + len(views)} images ({split}) have no pose within "
            f"{max_difference_s:g} s of them and are left out"
        )
    return views


def _check_single(poses: Sequence[_Stamped], pose: _Stamped) -> None:
    """Refuse a pose if there is another one at the same time; published trajectories have some lines twice."""
    first = bisect_left(poses, pose.time_s, key=lambda line: line.time_s)
    for other in poses[first:]:
        if other.time_s != pose.time_s:
            break
        if SEPARATOR.split(other.text) != SEPARATOR.split(pose.text):
            raise InputError(
                f"{other.where}: another pose at the time of {pose.where}; remove the wrong line"
            )


def _camera(folder: Path) -> Camera:
    """Read the camera of ``cameras.txt`` in a recording's folder, or else infer it from the folder's name."""
    path = folder / CAMERAS
    if path.is_file():
        cameras = list(read_cameras_txt(path).values())
        if len(cameras) != 1:
            raise InputError(f"{path}: expected one camera, found {len(cameras)}; keep one line")
        return cameras[0]
    for name, ((fx, fy, cx, cy), distortion) in PUBLISHED.items():
        if name in folder.name:
            # published in OpenCV's coordinates, whose origin is the center of the top-left pixel
            K = intrinsics(fx, fy, cx + 0.5, cy + 0.5)
            return Camera(Lens(K, distortion), *PUBLISHED_SIZE)
    raise InputError(
        f"{folder}: its camera is not known (no {', '.join(PUBLISHED)} in the folder's name); write "
        f"{CAMERAS} with a line `1 PINHOLE width height fx fy cx cy`, see docs/formats.md"
    )


def _read_stamped(path: Path) -> list[_Stamped]:
    """Read the lines of a file in the order of their times."""
    found = []
    for where, line in layout.numbered_lines(path, CARD):
        if not line.startswith("#"):
            parts = SEPARATOR.split(line, maxsplit=1)
            if len(parts) < 2:
                raise InputError(f"{where}: expected `timestamp ...`, found `{line}`; correct it")
            found.append(_Stamped(float(numbers(parts[:1], where)), parts[1], where))
    return sorted(found, key=lambda line: line.time_s)


def _nearest(
    stamped: Sequence[_Stamped], time_s: float, max_difference_s: float
) -> _Stamped | None:
    """Return the line nearest in time, if it is within the difference allowed."""
    after = bisect_left(stamped, time_s, key=lambda line: line.time_s)
    near = stamped[max(after - 1, 0) : after + 1]
    found = min(near, key=lambda line: abs(line.time_s - time_s), default=None)
    return found if found and abs(found.time_s - time_s) <= max_difference_s else None
