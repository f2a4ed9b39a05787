"""Develop: from a rendered frame to the image that the camera's sensor makes of it."""

import numpy as np

from hinted_posenet.geometry import invert, rotate
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Station
from hinted_posenet.simulator.render import Frame
from hinted_posenet.simulator.world.world import Rgb


def develop(
    camera: Camera,
    station: Station,
    frame: Frame,
    visibility_m: float,
    generator: np.random.Generator,
) -> Rgb:
    """The image (H, W, 3) taken at a station.

    Args:
        camera: its sensor develops.
        station: where the frame was rendered, and how fast the camera moved.
        frame: what is seen.
        visibility_m: meteorological visibility; inf for clear air.
        generator: of exposure, white balance and noise.
    """
    motion = image_motion_px_s(camera, station, float(np.median(frame.depth_m)))
    return camera.sensor.develop(frame.rgb, frame.depth_m, visibility_m, motion, generator)


def image_motion_px_s(camera: Camera, station: Station, depth_m: float) -> tuple[float, float]:
    """Motion (right, down) of the image's middle, for what lies at a depth."""
    R_cam_world = invert(*station.T_world_cam)[1]
    velocity = rotate(R_cam_world, station.T_world_cam.t.new_tensor(station.velocity_m_s))
    right, down, _ = (-camera.focal_px / depth_m * velocity).tolist()
    return right, down
