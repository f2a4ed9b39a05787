"""A pair of images and what two conventions make of it, beside how well every convention fits."""

import textwrap
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from hinted_posenet.doctor.conventions import CONVENTIONS, Convention
from hinted_posenet.doctor.examine import Examination
from hinted_posenet.doctor.matching import Floats, Pair, small_image
from hinted_posenet.doctor.picture import DPI
from hinted_posenet.doctor.trial import Trial, fit, fundamental
from hinted_posenet.report.save_figure import save_figure
from hinted_posenet.types import View

Ints = npt.NDArray[np.int64]

POINTS = 10  # drawn of a pair
GOOD, BAD = "#2da44e", "#d1242f"
# of ten matches, told apart by people who see colours differently too (Tol's bright and vibrant)
COLOURS = (
    "#ee7733", "#33bbee", "#ee3377", "#ccbb44", "#aa3377",
    "#9970ab", "#228833", "#ffffff", "#4477aa", "#ee6677",
)  # fmt: skip


def draw_convention(path: Path, examination: Examination) -> None:
    """Points of image A, and in image B the lines on which each convention expects them.

    One of the two conventions is the stated one, the other the best of the others.
    """
    trial = examination.trial
    mean = trial.mean_share
    other = int(mean[1:].argmax()) + 1
    best = other if mean[other] > mean[0] else 0
    chosen = _most_telling(trial, best, 0 if best else other)
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


def _most_telling(trial: Trial, best: int, rival: int) -> int:
    """The pair, by number, that tells best from its rival most clearly, with many matches."""
    matches = np.array([len(pair.x_a) for pair in trial.pairs])
    lead = trial.share[:, best] - trial.share[:, rival]
    return int((lead * np.minimum(matches, 200)).argmax())


def _spread_out(pair: Pair, convention: Convention) -> Ints:
    """A few matches, by number, that fit a convention and are far from each other."""
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
    """The image without lens distortion, paled so that colours stand out."""
    image = small_image(view.image)
    assert image is not None, "pairs are of images that were read"
    lens = np.array(view.distortion) if any(view.distortion) else np.zeros(5)
    straight = cv2.cvtColor(cv2.undistort(image, K, lens), cv2.COLOR_BGR2RGB)
    height, width = straight.shape[:2]
    axes.imshow(straight, extent=(0, width, height, 0), alpha=0.75)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])


def _points(axes: Axes, pair: Pair, points: Ints) -> None:
    _show(axes, pair.a, pair.K_a)
    for point, colour in zip(pair.x_a[points], COLOURS, strict=True):
        axes.plot(*point, "o", ms=8, color=colour, mec="black", mew=1)
    axes.set_title(f"{len(points)} of {len(pair.x_a)} matched points")
    axes.set_xlabel(f"A: {pair.a.name}\n")


def _lines(axes: Axes, pair: Pair, points: Ints, convention: Convention) -> None:
    """Where the poses say that the points are, and where they are."""
    _show(axes, pair.b, pair.K_b)
    a, b = (convention.apply(view.T_world_cam) for view in (pair.a, pair.b))
    F = fundamental(a, b, pair.K_a, pair.K_b)
    for place, point, colour in zip(pair.x_a[points], pair.x_b[points], COLOURS, strict=True):
        u, v, w = F @ [*place, 1.0]
        foot = point - (u * point[0] + v * point[1] + w) / (u * u + v * v) * np.array([u, v])
        along = foot + np.array([-v, u]) / np.hypot(u, v)
        axes.axline(foot, along, color="black", lw=2.6)
        axes.axline(foot, along, color=colour, lw=1.5)
        axes.plot(*point, "o", ms=8, color=colour, mec="black", mew=1)
    axes.set_xlabel(f"B: {pair.b.name}\nlines: where the poses expect the points")


def _bars(axes: Axes, trial: Trial, best: int) -> None:
    """Mean share of matches that fit each convention; a dot is one pair."""
    rows = np.arange(len(CONVENTIONS))
    colours = [GOOD if row == best else "#8c959f" for row in rows]
    axes.barh(rows, trial.mean_share, color=colours, alpha=0.55, height=0.7)
    for row, shares in zip(rows, trial.share.T, strict=True):
        spread = row + 0.22 * np.sin(7.0 * np.arange(len(shares)))
        axes.plot(shares, spread, ".", color="#24292f", ms=5, alpha=0.6, mew=0, clip_on=False)
    axes.set_yticks(rows, [convention.name for convention in CONVENTIONS])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of matched points that fit; a dot is a pair of images")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.spines[["top", "right"]].set_visible(False)
