"""Stage: a ground with wires, a ruler and a legend, drawn the same way in pictures, films and windows."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import (
    INK,
    PAPER,
    QUIET,
    ErrorScale,
    draw_text,
    ramp,
    round_length,
)
from hinted_posenet.show.grounds import Ground
from hinted_posenet.show.map import scale_bar
from hinted_posenet.show.wires import Points, Wires, draw_wires, one_colour, pixels
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world.world import Rgb


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


class Stage(NamedTuple):
    """What is shown; z is up."""

    title: str
    subtitle: str
    ground: Ground | None
    wires: list[Wires]  # later ones over earlier ones
    legend: list[tuple[str, str]]  # colour, and what has it
    scale: ErrorScale | None = None  # of the wires that are coloured by error
    ruler: Ruler | None = None

    def points(self) -> Points:
        """Places (N, 3): a picture of them shows everything but a few poses that are far off."""
        places = np.concatenate([wires.segments.reshape(-1, 3) for wires in self.wires])
        low, high = np.percentile(places, [2, 98], axis=0)
        around = (high - low).max()
        places = places[((places > low - around) & (places < high + around)).all(axis=1)]
        others = [self.ground.corners()] if self.ground else []
        others += [self.ruler.points()] if self.ruler else []
        return np.concatenate([places, *others])


def counted(name: str, count: int, drawn: int) -> str:
    """What a legend says of cameras."""
    return f"{name}: {count}" + ("" if drawn == count else f", {drawn} drawn")


def draw_stage(stage: Stage, camera: Camera, pose: Pose, threads: int = 0) -> Rgb:
    """The stage from a pose, between a title and a legend: higher than the camera's image."""
    image = _paper(camera.height, camera.width)
    if stage.ground:
        image = stage.ground.render(camera, pose, threads)
    for wires in stage.wires:
        draw_wires(image, camera, pose, wires)
    if stage.ruler:
        image = stage.ruler.drawn(image, camera, pose)
    parts = [_header(stage, camera.width), image, _footer(stage, camera.width)]
    return np.concatenate(parts)


def _header(stage: Stage, width: int) -> Rgb:
    em = width / 62
    picture = Image.fromarray(_paper(round(2.2 * em) * 2, width))
    draw = ImageDraw.Draw(picture)
    draw_text(draw, (em, 0.9 * em), stage.title, 1.35 * em)
    draw_text(draw, (em, 2.8 * em), stage.subtitle, em, colour=QUIET)
    return np.asarray(picture)


def _footer(stage: Stage, width: int) -> Rgb:
    em = width / 68
    height = round(1.6 * em) * 2
    picture = Image.fromarray(_paper(height, width))
    draw = ImageDraw.Draw(picture)
    x, y = em, height / 2
    for colour, text in stage.legend:
        draw.rectangle((x, y - em / 2, x + em, y + em / 2), colour)
        x += draw_text(draw, (x + 1.4 * em, y), text, em, "lm") + 3.2 * em
    if stage.scale:
        _draw_scale(picture, stage.scale, x, width - 1.5 * em, em)
    return np.asarray(picture)


def _draw_scale(
    picture: Image.Image, scale: ErrorScale, left: float, right: float, em: float
) -> None:
    """The bar of colours with its ticks, between two columns."""
    draw = ImageDraw.Draw(picture)
    left += (
        draw_text(draw, (left, picture.height / 2), "predicted, by position error", em, "lm") + em
    )
    bar = ramp(np.linspace(0, 1, max(1, round(right - left))))
    top = round(0.5 * em)
    picture.paste(Image.fromarray(np.tile(bar, (round(em), 1, 1))), (round(left), top))
    for position, text in scale.ticks():
        x = left + position * (right - left)
        draw.line((x, top + em, x, top + 1.3 * em), INK, 1)
        draw_text(draw, (x, top + 1.4 * em), text, 0.9 * em, "ma")


def _paper(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), PAPER, np.uint8)
