"""Ruler: a length to compare a scene with, beside its ground."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from hinted_posenet.show.canvas import INK, draw_text, round_length
from hinted_posenet.show.frusta import Points
from hinted_posenet.show.map import scale_bar
from hinted_posenet.show.wires import Wires, draw_wires, one_colour, pixels
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb
from hinted_posenet.types import Pose


class Ruler(NamedTuple):
    """A thick line and its length."""

    ends: Points  # (2, 3)
    label: Points  # (3,) where its text is
    text: str

    def points(self) -> Points:
        """Places (3, 3): a picture of them shows it and its text."""
        return np.stack([*self.ends, 2 * self.label - self.ends.mean(axis=0)])

    def drawn(self, image: Rgb, camera: Camera, pose: Pose) -> Rgb:
        """The image (H, W, 3) with it."""
        line = Wires("ruler", self.ends[None], one_colour(INK, 1), 5.0)
        draw_wires(image, camera, pose, line)
        picture = Image.fromarray(image)
        x, y = pixels(camera, pose, self.label)
        draw_text(ImageDraw.Draw(picture), (x, y), self.text, camera.width / 68, "mm")
        return np.array(picture)


def ruler_beside(places: Points) -> Ruler:
    """Along the south edge of places (N, 3), from the west end, at the height of the lowest."""
    low, high = places.min(axis=0), places.max(axis=0)
    length_m, out_m = scale_bar(high[0] - low[0]), 0.025 * (high[1] - low[1])
    start = low - np.array([0.0, out_m, 0.0])
    ends = np.stack([start, start + np.array([length_m, 0.0, 0.0])])
    return Ruler(ends, ends.mean(axis=0) - [0.0, 2.5 * out_m, 0.0], round_length(length_m))
