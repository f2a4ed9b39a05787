"""A picture of estimates: each image beside its place on the map, with the ellipses of estimate and hint."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.files import check_writable
from hinted_posenet.data.images import resized
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.inference.map_marks import EAST_NORTH, Plane, ellipse_95, plan_of, pointer
from hinted_posenet.show.canvas import INK, PAPER, PICTURES, QUIET
from hinted_posenet.simulator.world import Bounds

MOST = 12  # images on a picture: more would be too small
ESTIMATE, HINT, TRAINING = "#1f6feb", "#f0b429", "#8c959f"
STATUS_COLOURS = {"ok": INK, "uncertain": "#9a6700"}
OUTSIDE = "#d1242f"  # of every other status
PANEL = 3.3  # inches, height of an image and side of its map
LONGEST_PX = 640  # of an image on the picture
CLOSEST = 0.08  # of the scene's size: a map shows at least so much around the camera
MARGIN = 1.5  # of what is shown, so that an ellipse does not fill its map
DPI = 100


class SceneMap(NamedTuple):
    """What lies under the estimates."""

    training_t: NDArray[np.float64]  # (N, 3) metres, camera centers
    plane: Plane  # of the map
    bounds: Bounds
    photo: NDArray[np.uint8] | None = None  # (H, W, 3) from above, within the bounds


def scene_map(training_t: NDArray[np.float64], overview: dict[str, Any] | None = None) -> SceneMap:
    """Return the map of a scene with camera centers (N, 3), and the picture from above that it may have.

    Without the picture, which `formats.aerial.read_overview` finds, the map has the two axes of the world along
    which the cameras moved most.
    """
    if overview is not None and Path(overview["image"]).is_file():
        photo = np.asarray(mpl.image.imread(overview["image"], format="jpg"))
        return SceneMap(training_t, EAST_NORTH, Bounds(*overview["bounds_m"]), photo)
    plane = plan_of(torch.from_numpy(training_t))
    low, high = (training_t[:, plane].min(0), training_t[:, plane].max(0))
    margin = 0.05 * float((high - low).max()) or 1.0
    return SceneMap(training_t, plane, Bounds(*(low - margin), *(high + margin)))


def write_estimates_picture(path: Path, located: Sequence[Located], scene: SceneMap) -> None:
    """Draw up to 12 images, each beside its map, and save the picture.

    Raises:
        InputError: The format of the picture is not known.
    """
    check_writable(path, "preview", PICTURES)
    columns = 1 if len(located) <= 2 else 2
    lines = -(-len(located) // columns)
    shapes = [one.pixels.shape for one in located if one.pixels is not None]
    aspect = float(np.clip(np.median([s[1] / s[0] for s in shapes] or [1.0]), 1.0, 2.0))
    width, height = PANEL * (aspect + 1.2), PANEL + 0.75
    size = width * columns, height * lines + 0.8 / columns
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    grid = figure.subplots(
        lines, 2 * columns, squeeze=False, width_ratios=[aspect, 1] * columns
    ).reshape(-1, 2)
    for (photo, ground), one in zip(grid, located, strict=False):
        _draw_image(photo, one, aspect)
        _draw_map(ground, one, scene)
    for axes in grid[len(located) :].ravel():
        axes.set_axis_off()
    hinted = any(one.hint is not None for one in located)
    handles = [_handle(TRAINING, "training cameras", 4)]
    handles += [_handle(HINT, "hint and its 95 % ellipse", 7)] if hinted else []
    handles += [_handle(ESTIMATE, "estimate, its heading and its 95 % ellipse", 7)]
    handles += [_handle("none", "\N{PLUS-MINUS SIGN} one standard deviation", 0)]
    below: Any = {"loc": "outside lower center", "ncols": 2 * columns}
    figure.legend(handles=handles, frameon=False, fontsize=9, **below)
    save_figure(figure, path, DPI)


def _handle(colour: str, label: str, size: float) -> Line2D:
    return Line2D([], [], color=colour, marker="o", ms=size, lw=0, label=label)


def _draw_image(axes: Axes, one: Located, aspect: float) -> None:
    """Draw the image under its name, status, position and uncertainty."""
    row = one.row
    axes.set_axis_off()
    axes.set_anchor("W")
    if one.pixels is None:
        axes.imshow(np.full((100, round(100 * aspect), 3), PAPER, np.uint8))
        axes.text(50 * aspect, 50, "no image", ha="center", va="center", color=QUIET)
    else:
        height, width = one.pixels.shape[:2]
        scale = min(1.0, LONGEST_PX / max(height, width))
        small = resized(one.pixels, round(scale * height), round(scale * width))
        axes.imshow(small.transpose(1, 2, 0))
    colour = STATUS_COLOURS.get(row.status, OUTSIDE)
    status = textwrap.shorten(row.status, 60, placeholder=" ...")
    title = f"{_shortened(row.name)}: {status}\n{_caption(row)}"
    axes.set_title(title, loc="left", fontsize=9.5, color=colour)


def _shortened(name: str) -> str:
    return name if len(name) <= 44 else f"...{name[-41:]}"


def _caption(row: EstimateRow) -> str:
    """Return the position, and one standard deviation of every part that is known."""
    if not row.answered:
        return "no position"
    sigma = row.sigma.tolist()
    digits = 2 if max(sigma[:3]) < 1 else 1
    parts = [
        f"{axis} {position:.{digits}f}{_plus_minus(value, digits)}"
        for axis, position, value in zip("xyz", row.pose.t.tolist(), sigma[:3], strict=True)
    ]
    turn_deg = float(np.degrees(np.sqrt(np.mean(np.square(sigma[3:])))))
    rotation = _plus_minus(turn_deg, 1)
    return f"{', '.join(parts)} m{f'; rotation{rotation}°' if rotation else ''}"


def _plus_minus(sigma: float, digits: int) -> str:
    return f" \N{PLUS-MINUS SIGN} {sigma:.{digits}f}" if np.isfinite(sigma) else ""


def _draw_map(axes: Axes, one: Located, scene: SceneMap) -> None:
    """Draw the surroundings of an estimate, or all of the map where there is none."""
    plane, row, bounds = list(scene.plane), one.row, scene.bounds
    if scene.photo is not None:
        extent = (bounds.xmin, bounds.xmax, bounds.ymin, bounds.ymax)
        axes.imshow(scene.photo, extent=extent, alpha=0.65)
    x, y = scene.training_t[:, plane].T
    size = float(np.clip(6000 / len(x), 5, 9))
    axes.scatter(x, y, size, TRAINING, linewidths=0.3, edgecolors="white", zorder=2)
    size_m = max(bounds.width_m, bounds.height_m)
    shown = [np.zeros((1, 2))]  # what the map has to reach, from its middle
    middle = np.array([bounds.xmin + bounds.xmax, bounds.ymin + bounds.ymax]) / 2
    if row.answered:
        middle = row.pose.t[plane].numpy()
    if one.hint is not None:
        hint = one.hint.pose.t.double()[plane].numpy()
        outline = draw_ellipse(axes, hint, one.hint.covariance, scene.plane, HINT)
        wide = np.ptp(outline, axis=0).max() > size_m
        shown.append((hint[None] if wide else outline) - middle)
        draw_place(axes, hint, HINT)
    if row.answered:
        shown.append(draw_ellipse(axes, middle, row.covariance, scene.plane, ESTIMATE) - middle)
        draw_place(axes, middle, ESTIMATE)
    reach_m = max(CLOSEST * size_m, *(MARGIN * float(np.abs(part).max()) for part in shown))
    # all of the map where there is no estimate, and never more than twice the map
    reach_m = min(reach_m, size_m) if row.answered else size_m / 2
    window = Bounds.around(float(middle[0]), float(middle[1]), reach_m)
    if row.answered:
        direction = pointer(row.pose.q, scene.plane).numpy()
        tip = middle + 0.14 * window.width_m * direction / np.linalg.norm(direction)
        for colour, width in (("white", 4.0), (ESTIMATE, 2.2)):
            arrow = {"arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0}
            axes.annotate("", tip.tolist(), middle.tolist(), arrowprops=arrow, zorder=5)
    axes.set(xlim=(window.xmin, window.xmax), ylim=(window.ymin, window.ymax), aspect="equal")
    names = ("east", "north", "up") if scene.photo is not None else ("x", "y", "z")
    axes.set_xlabel(f"{names[plane[0]]} in m", fontsize=8)
    axes.set_ylabel(f"{names[plane[1]]} in m", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.locator_params(nbins=4)


def draw_ellipse(
    axes: Axes, center: NDArray[np.float64], covariance: Tensor, plane: Plane, colour: str
) -> NDArray[np.float64]:
    """Draw the 95 % ellipse if it is known, and return its outline (*, 2), or else the center (1, 2)."""
    ellipse = ellipse_95(covariance, plane)
    if ellipse is None:
        return center[None]
    outline: NDArray[np.float64] = center + ellipse.numpy()
    x, y = outline.T
    axes.fill(x, y, facecolor=colour, alpha=0.15, zorder=3)
    for drawn, width in (("white", 3.2), (colour, 1.6)):
        axes.plot(x, y, color=drawn, lw=width, zorder=3)
    return outline


def draw_place(axes: Axes, place: NDArray[np.float64], colour: str) -> None:
    """Draw a point (2,) with a white edge."""
    axes.plot(place[0], place[1], "o", color=colour, ms=7, mec="white", mew=0.8, zorder=6)
