"""A picture of answers over a map: each image, where prior and answer lie, and the image laid over the map."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import quaternion_inverse, rotate
from hinted_posenet.core.types import Pose
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.images import resized, undistorted
from hinted_posenet.data.posed_images import resized_intrinsics
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.inference.map_marks import ellipse_95, heading_rad, pointer
from hinted_posenet.show.canvas import INK, PAPER, PICTURES, QUIET
from hinted_posenet.show.estimate_picture import (
    ESTIMATE,
    HINT,
    OUTSIDE,
    STATUS_COLOURS,
    draw_ellipse,
    draw_place,
)
from hinted_posenet.simulator.world.map_files import MapFiles, MapPart

MOST = 3  # images on a picture
PANEL = 4.4  # inches, a side of a map
PHOTO_PX, MAP_CELLS = 900, 560  # an image and a map have on the picture
SQUARES = 8  # of the checkerboard, across what an image shows
MARGIN = 1.15  # of what a map shows
WIDEST = 30.0  # a map is wider than what the image shows, at most
DPI = 100


class _Square(NamedTuple):
    """A square of the map as it is drawn."""

    center_m: tuple[float, float]
    side_m: float
    part: MapPart
    laid_out: NDArray[np.uint8]  # (n, n, 3) the image on the ground
    shown: NDArray[np.bool_]  # (n, n) where the image shows the ground

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north, as matplotlib takes them."""
        (x, y), half = self.center_m, self.side_m / 2
        return x - half, x + half, y - half, y + half

    def photo(self) -> NDArray[np.uint8]:
        """Return the last date that shows the middle, white where it shows nothing."""
        middle = len(self.part.height_m) // 2
        known = np.flatnonzero(self.part.known[:, middle, middle])
        date = int(known[-1]) if len(known) else 0
        return np.where(self.part.known[date, ..., None], self.part.photo[date], 255).astype(
            np.uint8
        )


def write_map_picture(path: Path, located: Sequence[Located], files: MapFiles) -> None:
    """Draw up to 3 images, each beside its place on the map and laid over it, and save the picture.

    Raises:
        InputError: The format of the picture is not known.
    """
    check_writable(path, "preview", PICTURES)
    figure = Figure(
        figsize=(3.15 * PANEL, (PANEL + 0.75) * len(located) + 0.5),
        layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.08),
    )
    grid = figure.subplots(len(located), 3, squeeze=False)
    for (photo, place, fit), one in zip(grid, located, strict=True):
        _draw_photo(photo, one, files.origin)
        image = _pinhole(one)
        _draw_where(place, one, image, files)
        _draw_fit(fit, one, image, files)
    figure.legend(
        handles=_handles(), frameon=False, fontsize=9, loc="outside lower center", ncols=4
    )
    save_figure(figure, path, DPI)


def _handles() -> list[Line2D | Patch]:
    def dot(colour: str, label: str) -> Line2D:
        return Line2D([], [], color=colour, marker="o", ms=7, lw=0, label=label)

    return [
        dot(HINT, "prior and its 95 % ellipse"),
        dot(ESTIMATE, "answer, heading and 95 % ellipse"),
        Line2D(
            [], [], color=ESTIMATE, lw=1.8, ls=(0, (4, 2)), label="outline of what the image shows"
        ),
        Line2D([], [], lw=0, label="\N{PLUS-MINUS SIGN} one standard deviation"),
    ]


class _Image(NamedTuple):
    pixels: NDArray[np.uint8]  # (H, W, 3) of a pinhole
    lens: Lens


def _pinhole(one: Located) -> _Image | None:
    """Return an image without distortion, at most `PHOTO_PX` wide; None where it has no answer."""
    if one.pixels is None or one.camera is None or not one.row.answered:
        return None
    height, width = one.pixels.shape[:2]
    lens = one.camera.of_image(height, width, one.row.name)
    pixels = one.pixels
    if lens.distortion:
        pixels = np.asarray(undistorted(pixels, lens.K, lens.distortion), np.uint8)
    scale = min(1.0, PHOTO_PX / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    K = resized_intrinsics(lens.K.double(), (height, width), size)
    return _Image(np.ascontiguousarray(resized(pixels, *size).transpose(1, 2, 0)), Lens(K, ()))


def _draw_photo(axes: Axes, one: Located, origin: Origin) -> None:
    axes.set_axis_off()
    axes.set_anchor("W")
    if one.pixels is None:
        axes.imshow(np.full((100, 100, 3), PAPER, np.uint8))
        axes.text(50, 50, "no image", ha="center", va="center", color=QUIET)
    else:
        height, width = one.pixels.shape[:2]
        scale = min(1.0, PHOTO_PX / max(height, width))
        small = resized(one.pixels, round(scale * height), round(scale * width))
        axes.imshow(small.transpose(1, 2, 0))
    name = one.row.name if len(one.row.name) <= 40 else f"...{one.row.name[-37:]}"
    status = textwrap.shorten(one.row.status, 60, placeholder=" ...")
    colour = STATUS_COLOURS.get(one.row.status, OUTSIDE)
    axes.set_title(f"{name}: {status}", loc="left", fontsize=10.5, color=colour, weight="bold")
    axes.text(
        0, -0.03, caption(one, origin), transform=axes.transAxes, va="top", fontsize=9, color=INK
    )


def caption(one: Located, origin: Origin) -> str:
    """Return place, altitude and heading of an answer, each with one standard deviation."""
    row = one.row
    if not row.answered:
        return "no position"
    latitude, longitude, altitude = (float(part) for part in origin.to_geographic(row.pose.t))
    sigma = row.sigma
    level = float(sigma[:2].square().mean().sqrt())
    heading = float(heading_rad(row.pose.q).rad2deg()) % 360
    above = "" if origin.vertical == "unknown" else f" above the {origin.vertical}"
    lines = [
        f"{latitude:.6f}°, {longitude:.6f}° \N{PLUS-MINUS SIGN} {level:.1f} m per axis",
        f"altitude {altitude:.1f} \N{PLUS-MINUS SIGN} {float(sigma[2]):.1f} m{above}",
        f"heading {heading:.1f} \N{PLUS-MINUS SIGN} {float(sigma[5].rad2deg()):.1f}°",
    ]
    if one.hint is not None:
        moved_m = float((row.pose.t - one.hint.pose.t)[:2].norm())
        lines[-1] += f"; {moved_m:.1f} m from the prior"
    return "\n".join(lines)


def _draw_where(axes: Axes, one: Located, image: _Image | None, files: MapFiles) -> None:
    """Draw the map around prior, answer and what the image shows."""
    row = one.row
    marks = [] if one.hint is None else [_outline(one.hint.pose, one.hint.covariance)]
    if row.answered:
        marks.append(_outline(row.pose, row.covariance))
    if image is not None:
        marks.append(_edge_m(row.pose, image, files))
    if not marks:
        axes.set_axis_off()
        return
    points = np.concatenate(marks)
    low, high = points.min(0), points.max(0)
    center, side_m = (low + high) / 2, MARGIN * float((high - low).max())
    if image is not None:
        widest_m = WIDEST * float(np.ptp(marks[-1], axis=0).max())
        if side_m > widest_m:  # a prior that knows little
            center, side_m = row.pose.t[:2].numpy(), widest_m
    square = _square(center, side_m, row.pose, image, files)
    axes.imshow(square.photo(), extent=square.extent, alpha=0.8)
    if image is not None:
        _draw_outline(axes, square)
    if one.hint is not None:
        t = one.hint.pose.t[:2].numpy()
        draw_ellipse(axes, t, one.hint.covariance, (0, 1), HINT)
        draw_place(axes, t, HINT)
    if row.answered:
        _draw_answer(axes, row, side_m)
    _finish(axes, square, "on the map")


def _draw_fit(axes: Axes, one: Located, image: _Image | None, files: MapFiles) -> None:
    """Draw the image over the map in the squares of one colour of a checkerboard."""
    if image is None:
        axes.set_axis_off()
        return
    edge = _edge_m(one.row.pose, image, files)
    low, high = edge.min(0), edge.max(0)
    side_m = MARGIN * float((high - low).max())
    square = _square((low + high) / 2, side_m, one.row.pose, image, files)
    count = len(square.shown)
    step = max(1, round(count / MARGIN / SQUARES))
    row, col = np.mgrid[:count, :count] // step
    chosen = square.shown & ((row + col) % 2 == 0)
    axes.imshow(np.where(chosen[..., None], square.laid_out, square.photo()), extent=square.extent)
    _draw_outline(axes, square)
    _draw_answer(axes, one.row, side_m, with_ellipse=True)
    _finish(axes, square, "image over map, in every second square")


def _finish(axes: Axes, square: _Square, title: str) -> None:
    west, east, south, north = square.extent
    axes.set(xlim=(west, east), ylim=(south, north), aspect="equal")
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.set_xlabel("east of the map's middle in m", fontsize=8)
    axes.set_ylabel("north in m", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.locator_params(nbins=5)


def _draw_answer(axes: Axes, row: EstimateRow, side_m: float, with_ellipse: bool = True) -> None:
    t = row.pose.t[:2].numpy()
    if with_ellipse:
        draw_ellipse(axes, t, row.covariance, (0, 1), ESTIMATE)
    direction = pointer(row.pose.q).numpy()
    tip = t + 0.14 * side_m * direction / np.linalg.norm(direction)
    for colour, width in (("white", 4.0), (ESTIMATE, 2.2)):
        arrow: Any = {"arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0}
        axes.annotate("", tip.tolist(), t.tolist(), arrowprops=arrow, zorder=5)
    draw_place(axes, t, ESTIMATE)


def _draw_outline(axes: Axes, square: _Square) -> None:
    count = len(square.shown)
    west, east, south, north = square.extent
    half = square.side_m / count / 2
    x = np.linspace(west + half, east - half, count)
    y = np.linspace(north - half, south + half, count)
    for colour, width, style in (("white", 3.2, "solid"), (ESTIMATE, 1.8, (0, (4, 2)))):
        axes.contour(
            x,
            y,
            square.shown.astype(float),
            [0.5],
            colors=colour,
            linewidths=width,
            linestyles=[style],
        )


def _outline(pose: Pose, covariance: torch.Tensor) -> NDArray[np.float64]:
    """Return the 95 % ellipse (*, 2), or the place alone (1, 2) where it is not known."""
    ellipse = ellipse_95(covariance)
    t: NDArray[np.float64] = pose.t[:2].double().numpy()[None]
    return t if ellipse is None else t + ellipse.numpy()


def _edge_m(pose: Pose, image: _Image, files: MapFiles) -> NDArray[np.float64]:
    """Return where rays through the corners of an image meet ground as high as below the camera (4, 2)."""
    height, width = image.pixels.shape[:2]
    corners = torch.tensor([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]]).double()
    rays = rotate(pose.q.double(), corners @ torch.linalg.inv(image.lens.K).T)
    x, y, z = pose.t.tolist()
    above_m = max(z - files.ground_m(x, y), 1.0)
    down = (-rays[:, 2]).clamp_min(0.2)  # a ray near the horizon would lead out of the map
    points: NDArray[np.float64] = (pose.t[:2] + above_m / down[:, None] * rays[:, :2]).numpy()
    return points


def _square(
    center: Sequence[float] | NDArray[np.float64],
    side_m: float,
    pose: Pose,
    image: _Image | None,
    files: MapFiles,
) -> _Square:
    """Read a square of the map, and lay the image out on it."""
    x, y = float(center[0]), float(center[1])
    side_m = max(side_m, 1.0)
    part = files.part((x, y), MAP_CELLS, side_m / MAP_CELLS)
    shape = part.height_m.shape
    if image is None:
        blank = np.zeros((*shape, 3), np.uint8)
        return _Square((x, y), side_m, part, blank, np.zeros(shape, np.bool_))
    step = (np.arange(MAP_CELLS) + 0.5 - MAP_CELLS / 2) * side_m / MAP_CELLS
    east, north = np.meshgrid(x + step, y - step)
    points = torch.from_numpy(np.stack([east, north, part.height_m.astype(np.float64)], axis=-1))
    seen = rotate(quaternion_inverse(pose.q.double()), points - pose.t.double()).numpy()
    ahead = seen[..., 2] > 1e-3
    depth = np.where(ahead, seen[..., 2], 1.0)
    fx, fy, cx, cy = (float(image.lens.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    col, row = fx * seen[..., 0] / depth + cx, fy * seen[..., 1] / depth + cy
    height, width = image.pixels.shape[:2]
    shown = ahead & (col >= 0) & (col <= width) & (row >= 0) & (row <= height)
    maps = [(axis - 0.5).astype(np.float32) for axis in (col, row)]
    laid_out = cv2.remap(image.pixels, *maps, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return _Square((x, y), side_m, part, np.asarray(laid_out, np.uint8), shown)
