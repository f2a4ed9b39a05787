"""Aerial views that are rendered during training, without files: new poses, light and noise every epoch.

A view depends on (seed, epoch, index) alone, whatever the number of processes. The order of an epoch is
part of the draw: views of some blocks of ground are shuffled together, then those of other blocks, so
that the tiles of a large world are loaded once.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from cv2.typing import MatLike

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight, Station
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.shots import block_below, develop, flown
from hinted_posenet.simulator.world import Capture, World


class Shot(NamedTuple):
    """A view to render."""

    view: View  # its image names no file
    station: Station
    capture: Capture  # of the world
    noise: np.random.SeedSequence  # of the sensor


class AerialLive:
    """A world, a camera and flights from which views are drawn.

    Args:
        world: What the images show.
        camera: The camera that takes them.
        flights: Name -> flight; flying all flights of a split once is one drawing of its views.
        seed: Of the fixed views; the one that `simulate` takes.
        blocks: Number of blocks of 1024 x 1024 photo pixels of ground whose views are mixed; memory grows
            with it.
        memory_mb: For photo tiles, and as much again for surface tiles, in each process.
    """

    def __init__(
        self,
        world: World,
        camera: Camera,
        flights: Mapping[str, Flight],
        seed: int,
        blocks: int,
        memory_mb: float,
    ) -> None:
        if blocks < 1:
            raise InputError(f"data.live.blocks: expected at least 1, got {blocks}")
        self.world, self.camera, self.flights = world, camera, dict(flights)
        self.seed, self.blocks, self.memory_mb = seed, blocks, memory_mb
        self._renderer: Renderer | None = None
        self._process = 0  # whose renderer it is
        self._ground: list[Shot] = []

    def images(self, split: str, height: int, width: int, seed: int | None = None) -> "LiveImages":
        """Return the fixed views of a split, or the endless views of a seed, see `LiveImages`."""
        return LiveImages(self, split, height, width, self.seed if seed is None else seed)

    def draw(self, split: str, seed: int, number: int) -> list[list[Shot]]:
        """Draw the views of a split, in groups of some blocks of ground, shuffled within a group.

        Number 0 of a seed has the views that `simulate` writes with that seed.
        """
        shots = [
            shot
            for name, flight in self.flights.items()
            if flight.split == split
            for shot in self._flown(name, flight, seed, number)
        ]
        if not shots:
            raise InputError(f"flights: none takes {split} images; give one with split={split}")
        blocks: dict[tuple[int, int], list[Shot]] = {}
        for shot in shots:
            block = block_below(self.world.pixel_grid, shot.view.T_world_cam)
            blocks.setdefault(block, []).append(shot)
        generator = np.random.default_rng([seed, number])
        mixed = [list(blocks.values())[index] for index in generator.permutation(len(blocks))]
        groups = []
        for first in range(0, len(mixed), self.blocks):
            group = [shot for block in mixed[first : first + self.blocks] for shot in block]
            groups.append([group[index] for index in generator.permutation(len(group))])
        return groups

    def render(self, shot: Shot, ground: list[Shot]) -> MatLike:
        """Render a shot (height, width, 3); the surface under the shots of ``ground`` is built once."""
        if self._renderer is None or self._process != os.getpid():
            # a scene does not survive a fork, so each process builds its own, with one thread
            self._renderer = Renderer(self.world, self.camera, 1, self.memory_mb)
            self._process, self._ground = os.getpid(), []
        if self._ground is not ground:
            self._renderer.load([other.view.T_world_cam for other in ground])
            self._ground = ground
        frame = self._renderer.render_loaded(shot.view.T_world_cam, shot.capture)
        visibility_m = self.world.visibility_m(shot.capture)
        generator = np.random.default_rng(shot.noise)
        return develop(self.camera, shot.station, frame, visibility_m, generator)

    def check_same(self, manifest: Mapping[str, Any]) -> None:
        """Refuse files of another world, camera or seed."""
        for key, files, live in (
            ("camera", manifest["camera"], self.camera.stated()),
            ("world bounds", manifest["map"]["bounds_m"], list(self.world.bounds)),
            ("seed", manifest["recipe"].get("seed", self.seed), self.seed),
        ):
            if files != live:
                raise InputError(
                    f"data.scene={manifest['scene']}: its files have {key} {files}, live views {live}; "
                    "train with the recipe from which they were simulated, and its world_seed=SEED"
                )

    def _flown(self, name: str, flight: Flight, seed: int, number: int) -> Iterator[Shot]:
        """Yield the shots of one flight at each of its captures."""
        K, lens = torch.from_numpy(self.camera.K), self.camera.distortion
        for label, capture, station, noise in flown(
            self.world, self.camera, name, flight, seed, number
        ):
            tags = {"season": capture.season, "date": capture.date}
            if capture.solar_hour is not None:
                tags["solar_hour"] = f"{capture.solar_hour:g}"
            pose, time_s, _, sensed = station
            prior = sensed if sensed.variance.isfinite().any() else None
            view = View(label, Path(), pose, K, name, tags, prior, time_s, lens)
            yield Shot(view, station, capture, noise)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, which builds its own renderer."""
        return {**self.__dict__, "_renderer": None, "_ground": []}


class LiveImages(PosedImages):
    """Endless views of one split: the first N items are drawing 0, the next N are drawing 1, and so on.

    With the seed of ``live``, drawing 0 is the fixed views; ``height`` and ``width`` are of a sample's image.
    """

    def __init__(self, live: AerialLive, split: str, height: int, width: int, seed: int) -> None:
        self.live, self.split, self.seed = live, split, seed
        self._number: int | None = None
        self._shots: list[tuple[Shot, list[Shot]]] = []  # each with its group
        super().__init__([shot.view for shot, _ in self._drawn(0)], height, width)
        self._length = len(self.views)

    def __len__(self) -> int:
        """Return the number N of views in one drawing."""
        return self._length

    def stored(self, index: int) -> tuple[View, MatLike]:
        """Return the view of an item and its image as the camera took it."""
        number, place = divmod(index, self._length)
        shot, ground = self._drawn(number)[place]
        return shot.view, self.live.render(shot, ground)

    def _drawn(self, number: int) -> list[tuple[Shot, list[Shot]]]:
        if self._number != number:
            groups = self.live.draw(self.split, self.seed, number)
            self._shots = [(shot, group) for group in groups for shot in group]
            self._number = number
        return self._shots

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, which draws the views itself, as sending them is slow."""
        return {**self.__dict__, "views": [], "_number": None, "_shots": []}
