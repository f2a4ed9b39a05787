"""Images of a ROS bag with their times and cameras, one by one, however large the bag is."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import IMAGE_PIXELS
from hinted_posenet.data.bags import Bag, Message, damage, open_bag, stamp_s
from hinted_posenet.data.image_files import stored_pixels
from hinted_posenet.data.posed_images import resized_intrinsics
from hinted_posenet.data.query_camera import QueryCamera, calibrated_camera

Pixels = NDArray[np.uint8]

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
RECTIFIED = "image_rect"  # begins the names of topics whose images have no distortion any more
# encoding -> channels as stored, and what makes RGB of them; None: they are RGB
ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),  # of OpenCV, which does not say the order
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "8UC4": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "bayer_rggb8": (1, cv2.COLOR_BayerRGGB2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerBGGR2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGBRG2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGRBG2RGB),
    **dict.fromkeys(("yuv422", "uyvy"), (2, cv2.COLOR_YUV2RGB_UYVY)),
    **dict.fromkeys(("yuv422_yuy2", "yuyv"), (2, cv2.COLOR_YUV2RGB_YUY2)),
}

log = logging.getLogger(__name__)


class BagImage(NamedTuple):
    """One image of a bag."""

    where: str  # bag, topic and number
    stamp_s: float  # when it was taken, in the clock of the robot
    frame_id: str  # of the camera
    pixels: Pixels | InputError  # RGB (H, W, 3); or why it cannot be decoded
    camera: QueryCamera | None  # None where the bag does not state it


def bag_images(
    path: str | Path, topic: str | None = None, camera_topic: str | None = None
) -> Iterator[BagImage]:
    """Yield the images of a topic in the order of the recording, each when it is asked for.

    ``topic`` may be left out where only one has images. The camera is what the last CameraInfo before an image
    states, or else the first one: of ``camera_topic``, or of ``camera_info`` beside the topic of the images.

    Raises:
        InputError: The bag is damaged, has no such topic, or a CameraInfo is wrong.
    """
    with open_bag(Path(path)) as bag:
        topic = bag.choose((RAW, COMPRESSED), "images", topic, "topic")
        info_topic = _info_topic(bag, topic, camera_topic)
        straight = any(part.startswith(RECTIFIED) for part in topic.split("/"))
        camera = None
        if info_topic:
            first = next(bag.messages(info_topic), None)
            camera = None if first is None else _camera(first, straight)
        for message in bag.messages(topic, *([info_topic] if info_topic else [])):
            if message.topic == info_topic:
                camera = _camera(message, straight)
                continue
            with damage(message.where):
                taken_s, frame_id = stamp_s(message), str(message.value.header.frame_id)
            pixels = _pixels(message, bag.types[topic] == COMPRESSED)
            yield BagImage(message.where, taken_s, frame_id, pixels, camera)


def count_images(path: str | Path, topic: str | None = None) -> int:
    """Return how many images `bag_images` yields, without reading them."""
    with open_bag(Path(path)) as bag:
        return bag.count(bag.choose((RAW, COMPRESSED), "images", topic, "topic"))


def _info_topic(bag: Bag, topic: str, stated: str | None) -> str | None:
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


def _camera(message: Message, straight: bool) -> QueryCamera | None:
    """Return the camera of a CameraInfo, which for ``straight`` images is its projection matrix.

    ROS leaves K at zero where nobody calibrated the camera; then it is None.
    """
    info = message.value
    with damage(message.where):  # a bag says itself what its messages consist of
        # ROS 1 writes the names of matrices as capitals
        K, D, P = (np.array(_of(info, name), np.float64) for name in ("k", "d", "p"))
        size, roi = (int(info.width), int(info.height)), info.roi
        corner = float(roi.x_offset), float(roi.y_offset)
        binning = max(1, int(info.binning_x)), max(1, int(info.binning_y))
        region = int(roi.width) or size[0], int(roi.height) or size[1]
        K = (P.reshape(3, 4)[:, :3] if straight else K).reshape(3, 3)
        model = "" if straight else str(info.distortion_model)
    if not K.any():
        return None
    camera = calibrated_camera(K, None if straight else D, model, size, message.where)
    if camera.lens is None or (corner == (0, 0) and binning == (1, 1) and region == size):
        return camera
    # K is that of the whole sensor; the image is a part of it, of which pixels are taken together
    cut = camera.lens.K.clone()
    cut[:2, 2] -= cut.new_tensor(corner)
    width, height = region[0] // binning[0], region[1] // binning[1]
    K_image = resized_intrinsics(cut, (height * binning[1], width * binning[0]), (height, width))
    return camera._replace(lens=camera.lens._replace(K=K_image), size=(width, height))


def _of(info: Any, name: str) -> Any:
    return getattr(info, name) if hasattr(info, name) else getattr(info, name.upper())


def _pixels(message: Message, compressed: bool) -> Pixels | InputError:
    """Return the RGB pixels of a message, or why there are none, so that no frame is lost."""
    try:
        return _decompressed(message) if compressed else _raw(message)
    except InputError as error:
        return error


def _decompressed(message: Message) -> Pixels:
    with damage(message.where):
        content = np.asarray(message.value.data, np.uint8).tobytes()
    pixels = stored_pixels(content, Path(message.where))
    if pixels.dtype != np.uint8:
        raise InputError(
            f"{message.where}: values of 16 bits, expected 8; is it a topic of depth images?"
        )
    return np.asarray(pixels, np.uint8)


def _raw(message: Message) -> Pixels:
    value = message.value
    with damage(message.where):
        height, width, step = int(value.height), int(value.width), int(value.step)
        encoding, content = str(value.encoding), np.asarray(value.data, np.uint8).reshape(-1)
    if encoding not in ENCODINGS:
        raise InputError(
            f"{message.where}: encoding {encoding[:40]!r}, expected one of {', '.join(ENCODINGS)}; choose another "
            "topic"
        )
    channels, to_rgb = ENCODINGS[encoding]
    if not 0 < width * height <= IMAGE_PIXELS or step < width * channels:
        raise InputError(
            f"{message.where}: {width} x {height} pixels in rows of {step} bytes is no {encoding} image; record "
            "it again"
        )
    if len(content) < step * height:
        raise InputError(
            f"{message.where}: {len(content)} bytes, expected {step * height} of {width} x {height} pixels; "
            "record it again"
        )
    rows = content[: step * height].reshape(height, step)[:, : width * channels]
    stored = rows.reshape(height, width, channels).copy()
    if to_rgb is None:
        return stored
    try:
        return np.asarray(cv2.cvtColor(stored, to_rgb), np.uint8)
    except cv2.error:  # an odd width of pairs, a Bayer pattern of one row
        raise InputError(
            f"{message.where}: {width} x {height} pixels cannot be {encoding}; record it again"
        ) from None
