"""A contact sheet: one place of a world at all of its dates and hours, from several heights and angles."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.types import Pose
from hinted_posenet.show.canvas import INK, PICTURES, QUIET, draw_text, write_picture
from hinted_posenet.show.rays import FINER, smaller
from hinted_posenet.show.subject import Subject
from hinted_posenet.simulator.camera import Camera, pose_at, sees_only
from hinted_posenet.simulator.render import Renderer
from hinted_posenet.simulator.world import Capture, Rgb, World

HFOV_DEG = 50.0
MARGIN_PX, HEADER_PX, GAP_PX = 132, 52, 6
Angle = tuple[float, float]  # altitude in m above the place, degrees from straight down


@dataclass
class ContactSheet:
    """A row per capture, a column per view; all images of a column are taken from the same pose."""

    file: ClassVar[str] = "sheet.jpg"
    when: str | Sequence[str] | None = None
    center_m: Sequence[float] | None = None
    views: Sequence[Sequence[float]] | None = None
    width_px: int = 1600
    max_kb: float = 600.0

    def __post_init__(self) -> None:
        """Refuse images that are too small, and views and places that are none."""
        columns = 5 if self.views is None else len(self.views)
        self.cell_px = (self.width_px - MARGIN_PX) // max(columns, 1) - GAP_PX
        if not columns or self.cell_px < 64:
            raise InputError("what.views: expected one or more, of at least 70 px of width_px each")
        for view in self.views or ():
            if len(view) != 2 or not (view[0] > 0 and 0 <= view[1] < 80):
                raise InputError(
                    "what.views: expected [altitude in m above 0, degrees from straight down, below "
                    f"80] each, got {list(view)}"
                )
        if self.center_m is not None and len(self.center_m) != 2:
            raise InputError(f"what.center_m: expected [east, north], got {list(self.center_m)}")

    def draw(self, subject: Subject, path: Path) -> None:
        """See `Picture`."""
        check_writable(path, endings=PICTURES)
        world = subject.make_world()
        names = [self.when] if isinstance(self.when, str) else self.when
        captures = world.captures if names is None else world.select_all(names)
        write_picture(path, self.sheet(world, captures, subject.threads), self.max_kb)
        print(f"written: {path}")

    def sheet(self, world: World, captures: Sequence[Capture], threads: int = 0) -> Rgb:
        """Draw the sheet (H, W, 3)."""
        x_m, y_m = self.center_m or world.bounds.center_m
        place_m = x_m, y_m, world.terrain_at(x_m, y_m)
        size = self.cell_px, self.cell_px * 3 // 4
        camera = Camera(FINER * size[0], FINER * size[1], HFOV_DEG)
        if self.views is None:
            angles = default_views(world, camera, place_m)
        else:
            angles = [(altitude_m, angle_deg) for altitude_m, angle_deg in self.views]
        poses = [look_at(place_m, *angle) for angle in angles]
        for angle, pose in zip(angles, poses, strict=True):
            if not sees_only(world, camera, pose):
                raise InputError(
                    f"what.views: {list(angle)} reaches beyond the world of {world.bounds.size}; lower "
                    "its altitude or angle, or move what.center_m"
                )
        renderer = Renderer(world, camera, threads)
        renderer.load(poses)
        height_px = HEADER_PX + len(captures) * (size[1] + GAP_PX)
        sheet = np.full((height_px, self.width_px, 3), 255, np.uint8)
        shots = [(row, col) for row in range(len(captures)) for col in range(len(poses))]
        for row, col in tqdm(shots, "sheet", unit="image", leave=False):
            x, y = _corner(size, row, col)
            image = smaller(renderer.render(poses[col], captures[row]).rgb)
            sheet[y : y + size[1], x : x + size[0]] = image
        return _labelled(sheet, captures, angles, size)


def look_at(place_m: Sequence[float], altitude_m: float, off_nadir_deg: float) -> Pose:
    """Return the pose south of a place (3,) that has it in the center of the image."""
    x_m, y_m, z_m = place_m
    south_m = altitude_m * math.tan(math.radians(off_nadir_deg))
    return pose_at((x_m, y_m - south_m, z_m + altitude_m), 0.0, off_nadir_deg, 0.0)


def default_views(world: World, camera: Camera, place_m: Sequence[float]) -> list[Angle]:
    """Choose three altitudes to look down from and two oblique views that stay inside the world.

    The lowest has little more than one pixel of the photo per pixel of the sheet, if the world permits.
    """
    sharp_m = world.pixel_grid.resolution_m * camera.focal_px / FINER
    obliques_deg = ((45.0, 60.0), (30.0, 45.0), (15.0, 30.0))
    # in a small or steep world, less oblique views are better than low and blurred ones
    for lowest, oblique_deg in itertools.product((1.2, 0.2), obliques_deg):
        for top_m in sharp_m * np.geomspace(4.0, lowest, 20):
            low, middle, high = (float(f"{top_m * share:.2g}") for share in (0.3, 0.55, 1.0))
            views = [(low, 0.0), (middle, 0.0), (high, 0.0)]
            views += zip((middle, low), oblique_deg, strict=True)
            if all(sees_only(world, camera, look_at(place_m, *view)) for view in views):
                return views
    raise InputError(
        "what.center_m: views of this place reach beyond the world; move it inwards, or give what.views"
    )


def _corner(size: tuple[int, int], row: int, col: int) -> tuple[int, int]:
    """Return the upper left corner (x, y) of an image on the sheet."""
    return MARGIN_PX + col * (size[0] + GAP_PX), HEADER_PX + row * (size[1] + GAP_PX)


def _labelled(
    sheet: Rgb, captures: Sequence[Capture], angles: Sequence[Angle], size: tuple[int, int]
) -> Rgb:
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    for col, (altitude_m, angle_deg) in enumerate(angles):
        x = _corner(size, 0, col)[0] + size[0] / 2
        across_m = 2 * altitude_m / math.cos(math.radians(angle_deg))
        across_m *= math.tan(math.radians(HFOV_DEG / 2))
        view = f"{angle_deg:g}° oblique" if angle_deg else "straight down"
        draw_text(draw, (x, 5), f"{view} from {altitude_m:g} m", 17, "ma")
        draw_text(draw, (x, 28), f"{across_m:.0f} m across", 15, "ma", QUIET)
    draw_text(draw, (4, 28), "north is up", 15, "la", QUIET)
    for row, capture in enumerate(captures):
        y = _corner(size, row, 0)[1]
        for line, (text, points, colour) in enumerate(moment(capture)):
            draw_text(draw, (4, y + 2 + 24 * line), text, points, "la", colour)
    return np.asarray(picture)


def moment(capture: Capture) -> list[tuple[str, float, str]]:
    """Return the lines of text that name a capture: (text, size, colour)."""
    title = capture.season if capture.key == capture.date else capture.key
    lines = [(word, 19.0, INK) for word in title.split("_")] + [(capture.date, 16.0, INK)]
    if capture.solar_hour is not None:
        hour, minute = divmod(round(60 * capture.solar_hour), 60)
        lines.append((f"{hour}:{minute:02} solar time", 14.0, QUIET))
    return lines
