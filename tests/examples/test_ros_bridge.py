"""The robot bridge without ROS: a bag with images and odometry in, a bag with poses and covariances out."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import ros_bridge
import torch
from bags import Messages, Recorded, write_bag
from hostile import one_line
from ros_bridge import Bridge, bridge_bag
from streams import KnownErrors, loop
from tiny import small_checkpoint

import hinted_posenet
from hinted_posenet.core.covariance import offset
from hinted_posenet.core.extrinsics import carried
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.bags import Message, open_bag
from hinted_posenet.data.odometry_rows import parse_extrinsics

BEGAN_S, STEP_S, COUNT = 1.7e9, 0.5, 24
BODY_CAM = [0.3, 0.0, 0.1, 0.5, -0.5, 0.5, -0.5]  # looks forward
T_BODY_CAM = parse_extrinsics(BODY_CAM)


def body_of(camera: Pose) -> Pose:
    nothing = torch.zeros(6, 6, dtype=torch.float64)
    return carried(Hint(camera, nothing), Pose(*invert(*T_BODY_CAM))).pose


def drive(name: str, without_odometry: tuple[int, ...] = ()) -> list[Recorded]:
    """A body on a circle: an image each half second, whose value is its number, and odometry between."""
    make, recorded = Messages(name), []
    for i, camera in enumerate(loop(5 * COUNT, step_s=STEP_S / 5)):
        stamp_s = BEGAN_S + i * STEP_S / 5
        body, frame = body_of(camera), i // 5
        if i % 5 == 0:  # 30 ms on their way, so that odometry of their time comes before them
            pixels = np.full((4, 4, 3), frame, np.uint8)
            image = make.image(stamp_s, pixels, "rgb8", "camera_optical")
            recorded.append(Recorded("/cam/image_raw", stamp_s + 0.03, image))
        if frame not in without_odometry:
            odometry = make.odometry(stamp_s, body.t.tolist(), body.q.tolist())
            recorded.append(Recorded("/odom", stamp_s + 0.01, odometry))
    return sorted(recorded, key=lambda message: message.stamp_s)


def answers(path: Path) -> list[Message]:
    with open_bag(path) as bag:
        assert bag.types == {"/camera_pose": "geometry_msgs/msg/PoseWithCovarianceStamped"}
        return list(bag.messages("/camera_pose"))


@pytest.mark.parametrize("name", ["ros1.bag", "mcap"])
def test_a_bag_in_gives_poses_of_the_body_in_a_bag(tmp_path, name):
    path = loop(COUNT, step_s=STEP_S)
    bag = write_bag(tmp_path / name, drive(name))
    tracked = bridge_bag(Bridge(KnownErrors(path), T_BODY_CAM), bag, tmp_path / "out")
    found = answers(tmp_path / "out")
    assert len(found) == len(tracked) == COUNT
    for i, (message, answer) in enumerate(zip(found, tracked, strict=True)):
        header, stated = message.value.header, message.value.pose
        stamp_s = header.stamp.sec + header.stamp.nanosec / 1e9
        assert (header.frame_id, stamp_s) == ("map", pytest.approx(BEGAN_S + i * STEP_S))
        t, q = stated.pose.position, stated.pose.orientation
        pose = Pose(torch.tensor([t.x, t.y, t.z]), torch.tensor([q.w, q.x, q.y, q.z]))
        off = offset(body_of(path[i]), Pose(pose.t.double(), pose.q.double()))
        covariance = torch.from_numpy(stated.covariance.reshape(6, 6).copy())
        assert torch.equal(covariance, answer.body.covariance)
        assert float(off @ torch.linalg.solve(covariance, off)) < 6 * 5
        assert off[:3].norm() < 2.0
    assert {answer.status for answer in tracked[2:]} == {"ok"}
    # the body is 0.3 m behind the camera: its position is correlated with the yaw
    last = found[-1].value.pose.covariance.reshape(6, 6)
    assert abs(last[:2, 5]).max() > 1e-6


def test_images_wait_for_odometry_but_not_for_ever():
    localizer = KnownErrors(loop(COUNT, step_s=STEP_S))
    bridge = Bridge(localizer, T_BODY_CAM, wait_s=0.8)
    pixels = [np.full((4, 4, 3), i, np.uint8) for i in range(4)]
    poses = [body_of(pose) for pose in localizer.path]
    assert bridge.on_odometry(0.0, poses[0]) == []
    assert len(bridge.on_odometry(0.1, poses[0])) == 0
    assert bridge.on_image(0.5, pixels[1], None) == []  # odometry has not reached it
    (first,) = bridge.on_odometry(0.5, poses[1])
    assert first.stamp_s == 0.5
    assert bridge.on_image(1.0, pixels[2], None) == []
    (second,) = bridge.on_image(2.0, pixels[3], None)  # nothing came, and it is 1 s old
    assert second.stamp_s == 1.0
    assert [answer.stamp_s for answer in bridge.at_end()] == [2.0]


def test_a_gap_of_odometry_and_an_image_that_cannot_be_decoded_are_lived_through(tmp_path):
    recorded = drive("mcap", without_odometry=(9, 10, 11))
    images = [message for message in recorded if message.topic == "/cam/image_raw"]
    images[5].value.encoding = "32FC1"
    bag = write_bag(tmp_path / "mcap", recorded)
    localizer = KnownErrors(loop(COUNT, step_s=STEP_S))
    tracked = bridge_bag(Bridge(localizer, T_BODY_CAM), bag, tmp_path / "out")
    statuses = [answer.status for answer in tracked]
    assert len(statuses) == COUNT
    assert statuses[5] == "coasting"
    assert set(statuses[12:]) == {"ok"}


@pytest.mark.slow
def test_a_trained_run_answers_from_the_command_line(tmp_path, monkeypatch, capsys):
    run = small_checkpoint(tmp_path / "run", "method=hinted_memory")
    make, recorded = Messages(), []
    for i in range(3):
        stamp_s = BEGAN_S + i / 10
        noise = np.random.default_rng(i).integers(0, 255, (64, 64, 3), np.uint8)
        image = make.image(stamp_s, noise, "bgr8", "camera")
        odometry = make.odometry(stamp_s, [i / 10, 0, 0], [1, 0, 0, 0])
        recorded += [Recorded("/image", stamp_s, image), Recorded("/odom", stamp_s, odometry)]
    bag = write_bag(tmp_path / "drive", recorded)
    words = ["ros_bridge", str(run), str(bag), str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", words)
    ros_bridge.main()
    assert "3 poses" in capsys.readouterr().out
    assert all(np.isfinite(m.value.pose.covariance).all() for m in answers(tmp_path / "out"))
    with pytest.raises(SystemExit):
        ros_bridge.main()
    assert "exists already" in capsys.readouterr().err


def test_a_bag_without_odometry_is_named(tmp_path):
    recorded = [message for message in drive("sqlite") if message.topic != "/odom"]
    bag = write_bag(tmp_path / "sqlite", recorded)
    bridge = Bridge(KnownErrors(loop(COUNT)), T_BODY_CAM)
    assert "no topic has poses" in one_line(lambda: bridge_bag(bridge, bag, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


class Published(SimpleNamespace):
    """A message of ROS as rclpy makes it: its parts are there, and are set one by one."""

    def __getattr__(self, name: str) -> "Published":
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, Published())
        return getattr(self, name)


def run_node(monkeypatch, spin) -> None:
    """Run the node of docs/robot.md with what ROS would give it in place of ROS; ``spin`` gets the node."""

    class Node:
        def __init__(self, name):
            self.callbacks, self.published = {}, []

        def create_publisher(self, kind, topic, depth):
            return SimpleNamespace(publish=self.published.append)

        def create_subscription(self, kind, topic, callback, qos):
            self.callbacks[topic] = callback

    modules = {
        "rclpy": {"init": lambda: None, "spin": spin},
        "rclpy.node": {"Node": Node},
        "rclpy.qos": {"qos_profile_sensor_data": None},
        "geometry_msgs": {},
        "geometry_msgs.msg": {"PoseWithCovarianceStamped": Published},
        "nav_msgs": {},
        "nav_msgs.msg": {"Odometry": None},
        "sensor_msgs": {},
        "sensor_msgs.msg": {"Image": None},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    path = loop(COUNT, step_s=STEP_S)
    monkeypatch.setattr(hinted_posenet, "load", lambda *_, **__: KnownErrors(path), raising=False)
    page = (Path(__file__).parents[2] / "docs/robot.md").read_text()
    (code,) = re.findall(r"```py\n(.*?)```", page, flags=re.DOTALL)
    exec(code, {"__name__": "node"})


def test_the_node_of_the_page_publishes_what_the_bridge_answers(monkeypatch):
    nodes = []

    def spin(node):
        for recorded in drive("sqlite"):
            topic = "odom" if recorded.topic == "/odom" else "camera/image_raw"
            node.callbacks[topic](recorded.value)
        nodes.append(node)

    run_node(monkeypatch, spin)
    found = nodes[0].published
    assert len(found) == COUNT
    last, path = found[-1], loop(COUNT, step_s=STEP_S)
    assert (last.header.frame_id, last.header.stamp.sec) == ("map", int(BEGAN_S + 11))
    assert last.header.stamp.nanosec == pytest.approx(5e8, abs=1e3)
    t = last.pose.pose.position
    off_m = torch.tensor([t.x, t.y, t.z]) - body_of(path[-1]).t
    assert off_m.norm() < 2.0
    assert len(last.pose.covariance) == 36
