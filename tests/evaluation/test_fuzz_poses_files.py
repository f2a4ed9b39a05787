"""Every file of poses gives poses, or one line that says what is wrong; what is accepted is one of our world."""

from functools import partial
from pathlib import Path
from random import Random

import pytest
from hostile import examples, mutated, mutations, survives
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.evaluation.match import Targets, pair
from hinted_posenet.evaluation.pose_rows import PosesFile
from hinted_posenet.evaluation.poses_file import read_poses_file

EXAMPLES, SLOW_EXAMPLES = examples(150), examples(300)
POSE = "0.5 0.5 0.5 0.5 1.25 -2 3"  # of quaternion and position, in either order
NAMES = [f"seq-01/frame-{number:06d}.color.png" for number in range(4)]
COLUMNS = ",".join(f"T_world_cam_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))
SIGMAS = "sigma_x_m,sigma_y_m,sigma_z_m,sigma_rx_deg,sigma_ry_deg,sigma_rz_deg"
TIMED = "1 2 3 0.5 0.5 0.5 0.5"
FILES = {
    "hloc.txt": "# name qw qx qy qz tx ty tz\n" + "".join(f"{name} {POSE}\n" for name in NAMES),
    "ace.txt": "".join(f"{name.replace('/', '-')} {POSE} 0.62 0.019 1834\n" for name in NAMES),
    "slam.tum": "# timestamp tx ty tz qx qy qz qw\n"
    + "".join(f"{t}.5 {TIMED}\n" for t in range(4)),
    "comma.txt": "t,x,y,z,qx,qy,qz,qw\n" + f"1.5 {TIMED}\n2.5 {TIMED}\n".replace(" ", ","),
    "euroc.csv": "#timestamp,p_RS_R_x [m],p_RS_R_y [m],p_RS_R_z [m],q_RS_w [],q_RS_x [],q_RS_y [],q_RS_z []\n"
    + f"1403636579763555584 {TIMED}\n1403636580763555584 {TIMED}\n".replace(" ", ","),
    "kitti.txt": "1 0 0 5 0 1 0 6 0 0 1 7\n0 -1 0 5 1 0 0 6 0 0 1 7.5\n",
    "poses.csv": f"name,{COLUMNS},{SIGMAS}\n"
    + "".join(f"{name} {POSE} 1 2 3 4 5 \n".replace(" ", ",") for name in NAMES),
}
TARGETS = [
    Targets(NAMES),
    Targets([f"rgb/{time}.5.png" for time in range(4)]),
    Targets([str(row) for row in range(2)], by_line=True),
]


def try_broken(folder: Path, name: str, content: bytes) -> None:
    """Read and match a file."""
    file = folder / name
    file.write_bytes(content)
    for is_truth in (False, True):
        found = survives(partial(read_poses_file, file, is_truth=is_truth))
        if found is not None:
            check(found)
            for targets in TARGETS:
                survives(partial(pair, found, targets))


def check(found: PosesFile) -> None:
    t, q = found.T_world_cam
    known = ~t.isnan().any(dim=1) & ~q.isnan().any(dim=1)
    assert len(found.names) == len(found.where) == len(t) == len(q) > 0
    assert (t[known].abs() <= 3 * COORDINATE_M).all()
    assert ((q[known].norm(dim=1) - 1).abs() < 1e-9).all()
    assert all(len(name.splitlines()) == 1 for name in found.names)
    keys = found.names if found.times_s is None else found.times_s.tolist()
    assert len(set(keys)) == len(keys), "one frame has two poses"


@pytest.mark.parametrize("name", FILES)
def test_sound_files_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FILES[name])
    check(read_poses_file(tmp_path / name))


@pytest.mark.parametrize("name", FILES)
def test_broken_files_are_read_or_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content = FILES[name].encode()
    for seed in range(EXAMPLES):
        try_broken(tmp_path, name, mutated(content, Random(seed)))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_broken_files(tmp_path: Path, name: str) -> None:
    @settings(max_examples=SLOW_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(content=mutations(FILES[name].encode()))
    def run(content: bytes) -> None:
        try_broken(tmp_path, name, content)

    run()


@pytest.mark.slow
def test_any_bytes(tmp_path: Path) -> None:
    @settings(max_examples=SLOW_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
    def run(content: bytes) -> None:
        try_broken(tmp_path, "any.txt", content)

    run()
