"""Images of a ROS bag with their times and cameras, one by one, however large the bag is."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.bags import Bag, Message, damage, open_bag, stamp_s
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.data.ros_images import (
    CAMERA_INFO,
    COMPRESSED,
    RAW,
    Pixels,
    camera_of,
    pixels_of,
)

RECTIFIED = "image_rect"  # begins the names of topics whose images have no distortion any more

log = logging.getLogger(__name__)


class BagImage(NamedTuple):
    """One image of a bag."""

    where: str  # bag, topic and number
    stamp_s: float  # when it was taken, in the clock of the robot
    frame_id: str  # of the camera
    pixels: Pixels | InputError  # RGB (H, W, 3); or why it cannot be decoded
    camera: QueryCamera | None  # None where the bag does not state it


def bag_images(
    path: str | Path, image_topic: str | None = None, camera_topic: str | None = None
) -> Iterator[BagImage]:
    """Yield the images of a topic in the order of the recording, each when it is asked for.

    ``image_topic`` may be left out where only one has images. The camera is what the last CameraInfo before an
    image states, or else the first one: of ``camera_topic``, or of ``camera_info`` beside the topic of the images.

    Raises:
        InputError: The bag is damaged, has no such topic, or a CameraInfo is wrong.
    """
    with open_bag(Path(path)) as bag:
        topic = bag.choose((RAW, COMPRESSED), *_asked(image_topic))
        info_topic = camera_info_topic(bag, topic, camera_topic)
        rectified = any(part.startswith(RECTIFIED) for part in topic.split("/"))
        camera = None
        if info_topic:
            first = next(bag.messages(info_topic), None)
            camera = None if first is None else camera_of(first.value, first.where, rectified)
        for message in bag.messages(topic, *([info_topic] if info_topic else [])):
            if message.topic == info_topic:
                camera = camera_of(message.value, message.where, rectified)
                continue
            with damage(message.where):
                taken_s, frame_id = stamp_s(message), str(message.value.header.frame_id)
            yield BagImage(message.where, taken_s, frame_id, _pixels(message), camera)


def image_stamps(path: str | Path, image_topic: str | None = None) -> Iterator[float]:
    """Yield the stamps in seconds of the images that `bag_images` yields, without decoding them."""
    with open_bag(Path(path)) as bag:
        topic = bag.choose((RAW, COMPRESSED), *_asked(image_topic))
        count = bag.count(topic)
        for message in tqdm(bag.messages(topic), topic, count, unit="image", delay=1, leave=False):
            with damage(message.where):
                taken_s = stamp_s(message)
            yield taken_s


def count_images(path: str | Path, image_topic: str | None = None) -> int:
    """Return how many images `bag_images` yields, without reading them."""
    with open_bag(Path(path)) as bag:
        return bag.count(bag.choose((RAW, COMPRESSED), *_asked(image_topic)))


def _asked(image_topic: str | None) -> tuple[str, str | None, str]:
    return "images", image_topic, "image_topic"


def camera_info_topic(bag: Bag, topic: str, stated: str | None = None) -> str | None:
    """Return the topic of the cameras: the stated one, or the nearest ``camera_info`` above a topic of images."""
    if stated is not None:
        return bag.choose((CAMERA_INFO,), "cameras", stated, "camera_topic")
    parts = topic.split("/")
    for depth in range(len(parts) - 1, 0, -1):
        name = "/".join([*parts[:depth], "camera_info"])
        if bag.types.get(name) == CAMERA_INFO:
            return name
    log.warning("%s: no camera_info beside %s; give K, or camera_topic", bag.path, topic)
    return None


def _pixels(message: Message) -> Pixels | InputError:
    """Return the RGB pixels of a message, or why there are none, so that no frame is lost."""
    try:
        return pixels_of(message.value, message.where)
    except InputError as error:
        return error
