"""Priors of a TUM trajectory: ``time tx ty tz qx qy qz qw`` of T_world_cam, one a line; it states no sigmas."""

from pathlib import Path

from hinted_posenet.data.formats.layout import numbered_lines
from hinted_posenet.data.poses import check_fields, numbers, parse_tum_pose
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.reading import Reading, blocks


def read_tum(path: Path) -> list[Reading]:
    """Read the poses of a trajectory in the order of its lines; lines with # are comments."""
    readings = []
    for where, line in numbered_lines(path, CARD):
        if line.startswith("#"):
            continue
        fields = line.replace(",", " ").split()
        check_fields(fields, "timestamp tx ty tz qx qy qz qw", where)
        t, q = parse_tum_pose(fields[1:], where).T_world_cam
        time_s = float(numbers(fields[:1], where))
        readings.append(Reading(where, None, time_s, t, False, None, q, blocks(None, None)))
    return readings
