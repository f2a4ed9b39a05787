"""kapture, versions 1.0 and 1.1: cameras, rigs, trajectories and images in comma-separated tables.

Layout::

    <root>/<scene>/sensors/sensors.txt           `camera, name, "camera", MODEL, width, height, parameters...`
    <root>/<scene>/sensors/trajectories.txt      `timestamp, device, qw, qx, qy, qz, tx, ty, tz`, world-to-device
    <root>/<scene>/sensors/rigs.txt              `rig, device, qw, ..., tz`, rig-to-device; may be missing
    <root>/<scene>/sensors/records_camera.txt    `timestamp, camera, image`
    <root>/<scene>/sensors/records_data/<image>
    <root>/<scene>/train.txt, ...                names of images, see `listed`

A device is a camera or a rig; a rig may hold rigs. A pose that is partly empty is not known, and its images are
faults, as are those of a camera without a trajectory. Timestamps have no stated unit and only pair poses with
images. Published data sets have a kapture for mapping and one for queries, whose images may share names: read
each, or join them with the official tools. Depth maps and what is in reconstruction/ are not read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_product, rotate
from hinted_posenet.core.text import whole_number
from hinted_posenet.core.types import Fault, Pose, View
from hinted_posenet.data.cameras import Lens, parse_colmap_camera
from hinted_posenet.data.formats import layout
from hinted_posenet.data.formats.listed import CARD, listed
from hinted_posenet.data.poses import ValidatedPose, parse_colmap_pose

MARKER = "sensors/sensors.txt"
IMAGES = "sensors/records_data"
ORIGIN = torch.zeros(3, dtype=torch.float64)
IDENTITY = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)


class _Row(NamedTuple):
    fields: list[str]
    where: str


def read_views(
    root: Path, scene: str, split: str, *, faults: list[Fault] | None = None
) -> list[View]:
    """Read the views of one split of a scene, see `ReadViews`; "all" has them in the order of the records."""
    layout.check_split(split, "all")
    folder = layout.scene_folder(root, scene, MARKER, CARD)
    sensors = {row.fields[0]: row for row in _unique(folder / MARKER, "sensor, name, type", 1)}
    path = folder / "sensors" / "trajectories.txt"
    poses = {
        (row.fields[0], row.fields[1]): row
        for row in _unique(path, "timestamp, device, qw, qx, qy, qz, tx, ty, tz", 2)
    }
    rigs = _rigs(folder / "sensors" / "rigs.txt")
    records: dict[str, _Row] = {}
    for row in _rows(folder / "sensors" / "records_camera.txt", "timestamp, camera, image"):
        with layout.collecting(faults, row.fields[2]):
            layout.check_new(row.fields[2], records, row.where)
            records[row.fields[2]] = row
    views = []
    for name, ((stamp, device, _), where) in listed(folder, split, records, faults):
        with layout.collecting(faults, name):
            if device not in sensors:
                raise InputError(f"{where}: camera {device!r} is not in {MARKER}; add its line")
            lens, size = _camera(sensors[device])
            stated = _pose(stamp, device, poses, rigs, where)
            image = folder / IMAGES / name
            views.append(layout.labelled_view(name, image, stated, lens, where, size=size))
    return views


def _rows(path: Path, columns: str) -> Iterator[_Row]:
    """Yield the rows of a table, without comments; those of sensors.txt may have more fields."""
    count = len(columns.split(","))
    for where, line in layout.numbered_lines(path, CARD):
        fields = [field.strip() for field in line.split(",")]
        if line.startswith("#"):
            continue
        if len(fields) < count or (len(fields) > count and path.name != Path(MARKER).name):
            raise InputError(
                f"{where}: expected `{columns}`, found {len(fields)} fields; correct the line"
            )
        yield _Row(fields, where)


def _unique(path: Path, columns: str, key: int) -> Iterator[_Row]:
    """Yield the rows of a table; refuse two with the same first ``key`` fields."""
    known: dict[str, None] = {}
    for row in _rows(path, columns):
        name = ", ".join(row.fields[:key])
        layout.check_new(name, known, row.where)
        known[name] = None
        yield row


def _rigs(path: Path) -> dict[str, list[tuple[str, _Row]]]:
    """Read the rigs that each device is mounted on."""
    found: dict[str, list[tuple[str, _Row]]] = {}
    if path.is_file():
        for row in _unique(path, "rig, device, qw, qx, qy, qz, tx, ty, tz", 2):
            found.setdefault(row.fields[1], []).append((row.fields[0], row))
    return found


def _camera(sensor: _Row) -> tuple[Lens, tuple[int, int]]:
    """Parse a camera of sensors.txt."""
    (_, _, kind, *parameters), where = sensor
    if kind != "camera" or len(parameters) < 3:
        raise InputError(
            f"{where}: expected `..., camera, MODEL, width, height, parameters`; correct the line"
        )
    model, width, height, *numbers = parameters
    size = whole_number(width, f"{where} width", 1), whole_number(height, f"{where} height", 1)
    return parse_colmap_camera(model, numbers, where), size


def _pose(
    stamp: str,
    device: str,
    poses: Mapping[tuple[str, str], _Row],
    rigs: Mapping[str, list[tuple[str, _Row]]],
    where: str,
) -> ValidatedPose:
    """Return a device's pose at a time, its own or by a rig that it is mounted on."""
    mounts = {device: ValidatedPose(Pose(ORIGIN, IDENTITY), 0.0)}  # holder -> T_holder_device
    waiting = [device]
    for holder in waiting:  # it grows
        if row := poses.get((stamp, holder)):
            return _compose(parse_colmap_pose(row.fields[2:], row.where), mounts[holder])
        for rig, row in rigs.get(holder, []):
            if rig not in mounts:
                T_rig_holder = parse_colmap_pose(row.fields[2:], row.where)
                mounts[rig] = _compose(T_rig_holder, mounts[holder])
                waiting.append(rig)
    raise InputError(
        f"{where}: trajectories.txt has no pose of {device} at {stamp}; exclude the image"
    )


def _compose(a: ValidatedPose, b: ValidatedPose) -> ValidatedPose:
    """Return T_a_b of T_a_c and T_c_b."""
    (t_a, q_a), (t_b, q_b) = a.T_world_cam, b.T_world_cam
    T = Pose(rotate(q_a, t_b) + t_a, quaternion_product(q_a, q_b))
    return ValidatedPose(T, max(a.rotation_error, b.rotation_error))
