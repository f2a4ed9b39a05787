"""Odometry of bags of ROS 1 and ROS 2: four messages, choice of the topic, damaged bags."""

import re
import shutil
from random import Random

import numpy as np
import pytest
import torch
from bags import KINDS, Messages, Recorded, write_bag
from hostile import examples, one_line, survives

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.odometry import motion, read_odometry

BEGAN_S = 1.7e9
HALF = 0.5**0.5
COVARIANCE = np.diag([0.01, 0.02, 0.03, 1e-4, 2e-4, 3e-4])
COVARIANCE[0, 5] = COVARIANCE[5, 0] = 5e-4


def drive(name: str, count: int = 8, topic: str = "/odom") -> list[Recorded]:
    """A robot that drives 1 m/s along y, looking there; recorded 5 ms after each stamp."""
    make = Messages(name)
    stamps_s = [BEGAN_S + 0.1 * i for i in range(count)]
    return [
        Recorded(
            topic,
            stamp_s + 0.005,
            make.odometry(stamp_s, [0, i / 10, 0], [HALF, 0, 0, HALF], COVARIANCE),
        )
        for i, stamp_s in enumerate(stamps_s)
    ]


@pytest.mark.parametrize("name", KINDS)
def test_a_bag_of_each_kind_has_stamps_poses_and_covariances(tmp_path, name):
    found = read_odometry(write_bag(tmp_path / name, drive(name)))
    assert torch.allclose(found.stamp_s - BEGAN_S, torch.arange(8).double() / 10, atol=1e-6)
    assert torch.allclose(found.pose.t[3], torch.tensor([0, 0.3, 0]).double())
    assert torch.allclose(found.pose.q[0], torch.tensor([HALF, 0, 0, HALF]).double())
    assert found.covariance is not None
    assert np.allclose(found.covariance[5], COVARIANCE)
    step = motion(found, BEGAN_S + 0.1, BEGAN_S + 0.35)
    assert step is not None
    assert torch.allclose(step.t, torch.tensor([0.25, 0, 0]).double(), atol=1e-6)  # its own x


@pytest.mark.parametrize("name", ["sqlite", "mcap"])
def test_one_file_of_a_ros_2_bag_is_enough(tmp_path, name):
    folder = write_bag(tmp_path / name, drive(name))
    (file,) = (path for path in folder.iterdir() if path.suffix in (".db3", ".mcap"))
    alone = shutil.copy(file, tmp_path)
    assert len(read_odometry(alone).stamp_s) == 8


def test_four_messages_state_poses(tmp_path):
    make = Messages()
    q = [HALF, 0, 0, HALF]
    recorded = []
    for i in range(3):
        stamp_s, t = BEGAN_S + i, [float(i), 0, 0]
        header = make.header(stamp_s)
        moved = make.make(
            "geometry_msgs/msg/Transform",
            translation=make.make("geometry_msgs/msg/Vector3", x=float(i), y=0.0, z=0.0),
            rotation=make.pose(t, q).orientation,
        )
        values = {
            "/odom": make.odometry(stamp_s, t, q, COVARIANCE),
            "/pose": make.make(
                "geometry_msgs/msg/PoseStamped", header=header, pose=make.pose(t, q)
            ),
            "/slam": make.make(
                "geometry_msgs/msg/PoseWithCovarianceStamped",
                header=header,
                pose=make.with_covariance(t, q, COVARIANCE),
            ),
            "/vicon": make.make(
                "geometry_msgs/msg/TransformStamped",
                header=header,
                child_frame_id="drone",
                transform=moved,
            ),
        }
        recorded += [Recorded(topic, stamp_s, value) for topic, value in values.items()]
    path = write_bag(tmp_path / "sqlite", recorded)
    found = {topic: read_odometry(path, topic) for topic in ("/odom", "/pose", "/slam", "/vicon")}
    for odometry in found.values():
        assert odometry.pose.t[:, 0].tolist() == [0, 1, 2]
        assert torch.allclose(odometry.pose.q, torch.tensor([HALF, 0, 0, HALF]).double())
    assert [odometry.covariance is None for odometry in found.values()] == [
        False,
        True,
        False,
        True,
    ]
    assert "4 topics have poses: /odom, /pose, /slam, /vicon; choose one by topic" in one_line(
        lambda: read_odometry(path)
    )


def test_topics_that_are_not_there_are_answered_by_those_that_are(tmp_path):
    make = Messages()
    info = make.camera_info(BEGAN_S, np.eye(3), (64, 48))
    path = write_bag(tmp_path / "sqlite", [*drive("sqlite"), Recorded("/info", BEGAN_S, info)])
    assert "no topic /odim; did you mean /odom?" in one_line(lambda: read_odometry(path, "/odim"))
    assert "/info is sensor_msgs/msg/CameraInfo, expected poses" in one_line(
        lambda: read_odometry(path, "/info")
    )
    alone = write_bag(tmp_path / "mcap", [Recorded("/info", BEGAN_S, info)])
    assert "no topic has poses" in one_line(lambda: read_odometry(alone))


def test_a_header_without_a_stamp_takes_the_time_of_recording(tmp_path):
    make = Messages()
    recorded = [
        Recorded("/odom", BEGAN_S + i, make.odometry(0.0, [i, 0, 0], [1, 0, 0, 0]))
        for i in range(3)
    ]
    found = read_odometry(write_bag(tmp_path / "sqlite", recorded))
    assert found.stamp_s.tolist() == [BEGAN_S, BEGAN_S + 1, BEGAN_S + 2]
    assert found.covariance is None  # zeros say nothing


def test_a_wrong_message_is_named(tmp_path):
    make = Messages()
    recorded = drive("sqlite")
    recorded[4] = Recorded("/odom", BEGAN_S + 0.4, make.odometry(BEGAN_S + 0.4, [0, 0, 0], [0] * 4))
    path = write_bag(tmp_path / "sqlite", recorded)
    assert re.search(
        r"sqlite /odom message 5: quaternion .* norm 0", one_line(lambda: read_odometry(path))
    )


def test_a_folder_that_is_no_bag_is_refused(tmp_path):
    assert "has no metadata.yaml" in one_line(lambda: read_odometry(tmp_path))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_bag_that_is_cut_off_ends_in_one_line(tmp_path, name, share):
    path = write_bag(tmp_path / name, drive(name, count=40))
    files = [path] if path.is_file() else [p for p in path.iterdir() if p.suffix != ".yaml"]
    content = files[0].read_bytes()
    files[0].write_bytes(content[: int(share * len(content))])
    try:
        found = read_odometry(path)
    except InputError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert share == 0.99 or len(found.stamp_s) == 40


@pytest.mark.parametrize("name", KINDS)
def test_damaged_bags_never_crash(tmp_path, name):
    path = write_bag(tmp_path / name, drive(name))
    file = path if path.is_file() else next(p for p in path.iterdir() if p.suffix != ".yaml")
    content, rng = file.read_bytes(), Random(0)
    for _ in range(examples(25)):
        changed = bytearray(content)
        for _ in range(rng.choice([1, 4, 40])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        file.write_bytes(changed)
        survives(lambda: read_odometry(path))
