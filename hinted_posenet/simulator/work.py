"""Rendering jobs to files: a job alone determines its files, in any process and any order."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from typing import Any

import numpy as np

from hinted_posenet.core.geometry import invert, rotate
from hinted_posenet.simulator.aerial_layout import depth_file, encode, encode_depth
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Station
from hinted_posenet.simulator.render import Frame, Renderer
from hinted_posenet.simulator.shots import Job, Shot
from hinted_posenet.simulator.world import World
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


ENCODERS = 2  # threads: an image takes about twice as long to develop as to look up
Files = dict[str, bytes]  # path within the data set -> content


class Work:
    """Renders jobs; can be sent to other processes.

    Args:
        world: what is flown over.
        camera: that takes the images.
        depth_unit_m: of depth images; None makes none.
        threads: threads that cast rays; 0 takes every core.
    """

    def __init__(
        self, world: World, camera: Camera, depth_unit_m: float | None = None, threads: int = 0
    ) -> None:
        self.world, self.camera, self.depth_unit_m = world, camera, depth_unit_m
        self.threads = threads
        self._open()

    def files(self, job: Job) -> Files:
        """The files of a job; images are developed and encoded while further ones are rendered."""
        with self._one_at_a_time, ThreadPoolExecutor(ENCODERS) as pool:
            self._renderer.load([shot.label.station.T_world_cam for shot in job])
            parts = [pool.submit(self._encoded, shot, self._frame(shot)) for shot in job]
            return {name: content for part in parts for name, content in part.result().items()}

    def names(self, job: Job) -> set[str]:
        """The paths of a job's files."""
        images = {image_file(shot.label.name) for shot in job}
        return images | {depth_file(shot.label.name) for shot in job if self.depth_unit_m}

    def _frame(self, shot: Shot) -> Frame:
        return self._renderer.render_loaded(shot.label.station.T_world_cam, shot.label.capture)

    def _encoded(self, shot: Shot, frame: Frame) -> Files:
        name = shot.label.name
        visibility_m = self.world.visibility_m(shot.label.capture)
        generator = np.random.default_rng(shot.seed)
        image = develop(self.camera, shot.label.station, frame, visibility_m, generator)
        files = {image_file(name): encode(image, PurePath(name).suffix)}
        if self.depth_unit_m is not None:
            files[depth_file(name)] = encode_depth(frame.depth_m, self.depth_unit_m)
        return files

    def _open(self) -> None:
        self._renderer = Renderer(self.world, self.camera, self.threads)
        self._one_at_a_time = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if not key.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


def image_file(name: str) -> str:
    """Where an image lies in its data set."""
    return f"images/{name}"
