"""Run: where a method put the frames of a finished run, and where they were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hinted_posenet.report.runs import read_runs
from hinted_posenet.show.ground import Ground, PhotoGround
from hinted_posenet.show.model import read_model
from hinted_posenet.show.present import Presentation
from hinted_posenet.show.relief import Relief, flat_relief, read_relief
from hinted_posenet.show.run_poses import guessed_up, read_run_poses, upright
from hinted_posenet.show.run_stage import run_stage
from hinted_posenet.show.subject import Subject
from hinted_posenet.simulator.world import Bounds
from hinted_posenet.types import InputError


@dataclass
class RunPicture(Presentation):
    """Training cameras, true and predicted frusta coloured by error, over what is known of the place.

    That is a model where one is given; of an aerial run the surface of the recipe's world, where the
    recipe's scene is the run's, or else the flat map of its results; or a grid below the cameras.

    Args:
        run: its folder.
        method: whose poses; None takes the network's last pass.
        model: a mesh or a cloud of points in the run's world: .ply, .obj or .glb.
        up: of the run's world (3,); None guesses it from the training cameras. An aerial run's is z.
        surface: of the recipe's world, where its scene is the run's; False takes the flat map.
        when: season or epoch of the surface's photo; None takes the first.
        vertices: see `read_relief`.
        photo_px: see `read_relief`.
    """

    file: ClassVar[str] = "run.png"
    run: str | None = None
    method: str | None = None
    model: str | None = None
    up: Sequence[float] | None = None
    surface: bool = True
    when: str | None = None
    vertices: int = 1_000_000
    photo_px: int = 2048

    def __post_init__(self) -> None:
        """Refuse an `up` that is no direction."""
        if self.up is not None and not (len(self.up) == 3 and np.linalg.norm(self.up) > 0):
            raise InputError(f"what.up: expected [x, y, z], got {list(self.up)}")

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`; reads the run, and the recipe's world where it is the run's."""
        self.check(path)
        if self.run is None:
            raise InputError("what=run: give run=FOLDER of a finished run")
        run = read_runs([Path(self.run)])[0]
        poses = read_run_poses(run, self.method)
        overview = run.results["map"]  # an aerial run's
        ground: Ground | None = None
        turn = np.eye(3)
        if not overview:
            turn = upright(poses.training, self.up or guessed_up(poses.training))
        if self.model is not None:
            ground = read_model(Path(self.model), turn)
        elif overview:
            bounds, image = Bounds(*overview["bounds_m"]), Path(overview["image"])
            if self.surface and run.results["data"]["scene"] == subject.scene:
                relief = self._surface(subject, image)
            else:
                relief = flat_relief(image, bounds, poses.ground_m)
            ground = PhotoGround(relief)
        self.present(run_stage(run, poses, ground, turn), path, subject.threads)

    def _surface(self, subject: Subject, image: Path) -> Relief:
        """Of the recipe's world, if the run's data set was simulated over it."""
        world = subject._replace(root=image.parents[1]).world_of_views()
        return read_relief(world, self.when, None, self.vertices, self.photo_px)
