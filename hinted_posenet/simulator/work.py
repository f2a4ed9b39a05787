"""Work: jobs to files. What a job's files hold depends on the job alone, in whatever process and order."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from typing import Any

import numpy as np

from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.depth import depth_file, encode_depth
from hinted_posenet.simulator.develop import develop
from hinted_posenet.simulator.render import Frame, Renderer
from hinted_posenet.simulator.shots import Job, Shot
from hinted_posenet.simulator.world import World
from hinted_posenet.simulator.write import encode

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
        return self._renderer.render_loaded(shot.label.station.T_world_cam, shot.label.epoch)

    def _encoded(self, shot: Shot, frame: Frame) -> Files:
        name = shot.label.name
        visibility_m = self.world.visibility_m(shot.label.epoch)
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
