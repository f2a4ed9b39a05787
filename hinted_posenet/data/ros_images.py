"""Images and cameras of ROS messages, of a bag or of a node: RGB arrays, and `QueryCamera`.

Messages are taken as they come, by the names of their fields, from rosbags and rclpy alike.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.limits import IMAGE_PIXELS
from hinted_posenet.data.bags import damage
from hinted_posenet.data.image_files import stored_pixels
from hinted_posenet.data.posed_images import resized_intrinsics
from hinted_posenet.data.query_camera import QueryCamera, calibrated_camera

Pixels = NDArray[np.uint8]

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
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


def pixels_of(value: Any, where: str) -> Pixels:
    """Return the RGB pixels (H, W, 3) of an Image or CompressedImage; ``where`` is for errors.

    Raises:
        InputError: They cannot be decoded.
    """
    return _raw(value, where) if hasattr(value, "encoding") else _decompressed(value, where)


def camera_of(info: Any, where: str, rectified: bool = False) -> QueryCamera | None:
    """Return the camera of a CameraInfo, which for ``rectified`` images is its projection matrix.

    ROS leaves K at zero where nobody calibrated the camera; then it is None. ``where`` is for errors.

    Raises:
        InputError: It is no pinhole camera with OpenCV's distortion.
    """
    with damage(where):  # a bag says itself what its messages consist of
        # ROS 1 writes the names of matrices as capitals
        K, D, P = (np.array(_of(info, name), np.float64) for name in ("k", "d", "p"))
        size, roi = (int(info.width), int(info.height)), info.roi
        corner = float(roi.x_offset), float(roi.y_offset)
        binning = max(1, int(info.binning_x)), max(1, int(info.binning_y))
        region = int(roi.width) or size[0], int(roi.height) or size[1]
        K = (P.reshape(3, 4)[:, :3] if rectified else K).reshape(3, 3)
        model = "" if rectified else str(info.distortion_model)
    if not K.any():
        return None
    camera = calibrated_camera(K, None if rectified else D, model, size, where)
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


def _decompressed(value: Any, where: str) -> Pixels:
    with damage(where):
        content = np.asarray(value.data, np.uint8).tobytes()
    pixels = stored_pixels(content, Path(where))
    if pixels.dtype != np.uint8:
        raise InputError(f"{where}: values of 16 bits, expected 8; is it a topic of depth images?")
    return np.asarray(pixels, np.uint8)


def _raw(value: Any, where: str) -> Pixels:
    with damage(where):
        height, width, step = int(value.height), int(value.width), int(value.step)
        encoding, content = str(value.encoding), np.asarray(value.data, np.uint8).reshape(-1)
    if encoding not in ENCODINGS:
        raise InputError(
            f"{where}: encoding {encoding[:40]!r}, expected one of {', '.join(ENCODINGS)}; choose another "
            "topic"
        )
    channels, to_rgb = ENCODINGS[encoding]
    if not 0 < width * height <= IMAGE_PIXELS or step < width * channels:
        raise InputError(
            f"{where}: {width} x {height} pixels in rows of {step} bytes is no {encoding} image; record "
            "it again"
        )
    if len(content) < step * height:
        raise InputError(
            f"{where}: {len(content)} bytes, expected {step * height} of {width} x {height} pixels; "
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
            f"{where}: {width} x {height} pixels cannot be {encoding}; record it again"
        ) from None
