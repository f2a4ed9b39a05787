"""Pictures of an examination: the cameras with the flagged frames, and the conventions on a pair of images."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.types import View
from hinted_posenet.data.checks.checked_scene import Scene, counted
from hinted_posenet.data.checks.convention import CONVENTIONS, Convention, Trial, fit, fundamental
from hinted_posenet.data.checks.examine import Examination, flagged_frames
from hinted_posenet.data.checks.matching import LONG_SIDE_PX, Floats, Pair
from hinted_posenet.data.decode import thumbnail
from hinted_posenet.data.images import undistorted

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

COLOURS = {"train": "#1f6feb", "val": "#2da44e", "test": "#e08600", "all": "#1f6feb"}
GOOD, BAD, GREY, GRID = "#2da44e", "#d1242f", "#8c959f", "#d0d7de"
DPI = 130
MARKED = ("positions", "flips", "neighbours", "known frames")  # checks whose frames are marked
LISTED = 8  # flagged cameras that are listed below the picture
LINE_INCH = 0.2
POINTS = 10  # drawn of a pair
# of ten matches; distinguishable with colour-blindness (from Tol's bright and vibrant schemes)
MATCH_COLOURS = (
    "#ee7733", "#33bbee", "#ee3377", "#ccbb44", "#aa3377",
    "#9970ab", "#228833", "#ffffff", "#4477aa", "#ee6677",
)  # fmt: skip


def write_pictures(folder: Path, examination: Examination) -> list[Path]:
    """Draw what there is to draw into a folder -> the files, named after the scene."""
    scene = examination.scene
    name, files = scene.name.replace("/", "-"), []
    if scene.views:
        files.append(folder / f"{name}-cameras.png")
        flagged = flagged_frames(examination, MARKED)
        found = f"{counted(flagged, 'camera')} flagged" if flagged else "none flagged"
        draw_cameras(files[-1], scene, f"{scene.name}: camera positions, {found}", flagged)
    if examination.trial.pairs:
        files.append(folder / f"{name}-convention.png")
        draw_convention(files[-1], examination)
    return files


def draw_cameras(path: Path, scene: Scene, title: str, flagged: Mapping[str, str]) -> None:
    """Draw a dot for every camera and a number for every flagged one; arrows at the edge point to far ones.

    Cameras are shown along the two axes of largest extent; ``flagged`` maps frames to what is wrong with them.
    """
    is_good = np.array([view.name not in flagged for view in scene.views])
    t_m = scene.T_world_cam.t.numpy()
    shown_m = t_m[is_good] if is_good.any() else t_m
    plane = np.sort(np.argsort(np.ptp(shown_m, axis=0))[-2:])
    flat_m = t_m[:, plane]
    limits_m = np.stack([shown_m[:, plane].min(axis=0), shown_m[:, plane].max(axis=0)])
    margin_m = 0.06 * max(float(np.ptp(limits_m, axis=0).max()), 1e-3)
    limits_m += np.array([[-margin_m], [margin_m]])

    lines = [f"{n}  {name}: {why}" for n, (name, why) in enumerate(flagged.items(), start=1)]
    more = [f"and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    text = "\n".join(lines[:LISTED] + more)
    width_m, height_m = np.ptp(limits_m, axis=0).tolist()
    room_inch = LINE_INCH * (text.count("\n") + 2) if text else 0.05
    height_inch = float(np.clip(8 * height_m / width_m, 3, 9)) + 1.2
    figure = Figure(figsize=(9, height_inch + room_inch), layout="constrained")
    axes, below = figure.subplots(2, 1, height_ratios=(height_inch, room_inch))
    _cameras(axes, scene, flat_m, is_good)
    _mark(axes, scene, flat_m, is_good, list(flagged), limits_m)
    axes.set(xlim=limits_m[:, 0], ylim=limits_m[:, 1], aspect="equal")
    axes.set(xlabel=f"{'xyz'[plane[0]]} in m", ylabel=f"{'xyz'[plane[1]]} in m")
    figure.suptitle(title, weight="bold")
    below.set_axis_off()
    below.text(0, 1, text, color=BAD, va="top", fontsize=9, transform=below.transAxes)
    save_figure(figure, path, DPI)


def _cameras(axes: Axes, scene: Scene, flat_m: Floats, is_good: Bools) -> None:
    """Draw dots by split, joined by a thin line along each sequence."""
    for track in scene.tracks:
        x_m, y_m = flat_m[track.views[is_good[track.views]]].T
        axes.plot(x_m, y_m, color=GREY, lw=0.6, alpha=0.6, zorder=1)
    split = np.array(scene.split_of)
    for name in scene.splits:
        x_m, y_m = flat_m[is_good & (split == name)].T
        label = counted(len(x_m), f"{name} camera")
        axes.scatter(x_m, y_m, s=6, color=COLOURS[name], lw=0, zorder=2, label=label)
    axes.grid(color=GRID, lw=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, markerscale=2.5, loc="lower left", bbox_to_anchor=(0, 1))


def _mark(
    axes: Axes, scene: Scene, flat_m: Floats, is_good: Bools, flagged: list[str], limits_m: Floats
) -> None:
    """Mark every flagged camera by a number, with dashes to its good neighbours or an arrow if it is outside."""
    center_m, half_m = limits_m.mean(axis=0), np.ptp(limits_m, axis=0) / 2
    for track in scene.tracks:
        good = np.flatnonzero(is_good[track.views])
        for place in np.flatnonzero(~is_good[track.views]):
            i = track.views[place]
            away_m = flat_m[i] - center_m
            beyond = float((np.abs(away_m) / half_m).max())
            if beyond > 1:  # at the edge, in its direction from the center
                start, end = (center_m + part * away_m / beyond for part in (0.86, 0.99))
                style = {"arrowstyle": "-|>", "color": BAD, "lw": 2, "mutation_scale": 18}
                axes.annotate("", end, start, arrowprops=style, zorder=4)
            else:
                start = flat_m[i]
                following = np.searchsorted(good, place)
                for beside in track.views[good[max(following - 1, 0) : following + 1]]:
                    x_m, y_m = np.stack([start, flat_m[beside]]).T
                    axes.plot(x_m, y_m, "--", color=BAD, lw=0.9, zorder=3)
            number = str(flagged.index(scene.views[i].name) + 1)
            disc = {"boxstyle": "circle,pad=0.25", "facecolor": BAD, "edgecolor": "white"}
            mark = axes.annotate(number, start, zorder=5, bbox=disc, ha="center", va="center")
            mark.set(color="white", weight="bold", fontsize=8)


def draw_convention(path: Path, examination: Examination) -> None:
    """Draw points of image A, and in image B the lines on which two conventions expect them.

    These are the stated convention and the best of the others.
    """
    trial = examination.trial
    mean = trial.mean_share
    other = int(mean[1:].argmax()) + 1
    best = other if mean[other] > mean[0] else 0
    # the pair that separates the best from its rival most clearly, with many matches
    lead = trial.share[:, best] - trial.share[:, 0 if best else other]
    chosen = int((lead * np.minimum([len(pair.x_a) for pair in trial.pairs], 200)).argmax())
    pair = trial.pairs[chosen]
    points = _spread_out(pair, CONVENTIONS[best])
    figure = Figure(figsize=(13.5, 8), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=(3.2, 2.2))
    above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    panels = above.subplots(1, 3)
    _points(panels[0], pair, points)
    for axes, convention in ((panels[1], 0), (panels[2], other)):
        _lines(axes, pair, points, CONVENTIONS[convention])
        title = (
            f"{CONVENTIONS[convention].name}: {trial.share[chosen, convention]:.0%} of points fit"
        )
        colour = GOOD if convention == best else BAD
        axes.set_title(textwrap.fill(title, 45), color=colour, weight="bold", fontsize=11)
    _bars(below.subplots(), trial, best)
    verdict = next(f.message for f in examination.findings if f.check == "convention")
    text = textwrap.fill(f"{examination.scene.name}: {verdict}", 130)
    figure.suptitle(text, weight="bold", fontsize=11)
    save_figure(figure, path, DPI)


def _spread_out(pair: Pair, convention: Convention) -> Ints:
    """Choose a few matches, by number, that fit a convention and are far from each other."""
    fitting = np.flatnonzero(fit(pair, convention))
    if len(fitting) < POINTS:
        fitting = np.arange(len(pair.x_a))
    x = pair.x_a[fitting]
    chosen = [int(np.linalg.norm(x - x.mean(axis=0), axis=1).argmax())]
    for _ in range(POINTS - 1):
        away = np.linalg.norm(x[:, None] - x[chosen], axis=-1).min(axis=1)
        chosen.append(int(away.argmax()))
    return fitting[chosen]


def _show(axes: Axes, view: View, K: Floats) -> None:
    """Show an image without lens distortion, faded so that colours stand out."""
    image = thumbnail(view.image, LONG_SIDE_PX)
    assert image is not None, "pairs are of images that were read"
    straight = image
    if view.distortion:
        straight = np.asarray(undistorted(image, torch.from_numpy(K), view.distortion), np.uint8)
    height, width = straight.shape[:2]
    axes.imshow(straight, extent=(0, width, height, 0), alpha=0.75)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])


def _points(axes: Axes, pair: Pair, points: Ints) -> None:
    _show(axes, pair.a, pair.K_a)
    for point, colour in zip(pair.x_a[points], MATCH_COLOURS, strict=True):
        axes.plot(*point, "o", ms=8, color=colour, mec="black", mew=1)
    axes.set_title(f"{len(points)} of {len(pair.x_a)} matched points")
    axes.set_xlabel(f"A: {pair.a.name}\n")


def _lines(axes: Axes, pair: Pair, points: Ints, convention: Convention) -> None:
    """Draw where the points are, and the lines on which the poses expect them."""
    _show(axes, pair.b, pair.K_b)
    a, b = (convention.apply(view.T_world_cam) for view in (pair.a, pair.b))
    F = fundamental(a, b, pair.K_a, pair.K_b)
    for place, point, colour in zip(pair.x_a[points], pair.x_b[points], MATCH_COLOURS, strict=True):
        u, v, w = F @ [*place, 1.0]
        foot = point - (u * point[0] + v * point[1] + w) / (u * u + v * v) * np.array([u, v])
        along = foot + np.array([-v, u]) / np.hypot(u, v)
        axes.axline(foot, along, color="black", lw=2.6)
        axes.axline(foot, along, color=colour, lw=1.5)
        axes.plot(*point, "o", ms=8, color=colour, mec="black", mew=1)
    axes.set_xlabel(f"B: {pair.b.name}\nlines: where the poses expect the points")


def _bars(axes: Axes, trial: Trial, best: int) -> None:
    """Draw the mean share of matches that fit each convention, with a dot for each pair."""
    rows = np.arange(len(CONVENTIONS))
    colours = [GOOD if row == best else GREY for row in rows]
    axes.barh(rows, trial.mean_share, color=colours, alpha=0.55, height=0.7)
    for row, shares in zip(rows, trial.share.T, strict=True):
        spread = row + 0.22 * np.sin(7.0 * np.arange(len(shares)))
        axes.plot(shares, spread, ".", color="#24292f", ms=5, alpha=0.6, mew=0, clip_on=False)
    axes.set_yticks(rows, [convention.name for convention in CONVENTIONS])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of matched points that fit; a dot is a pair of images")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.spines[["top", "right"]].set_visible(False)
