"""The study as two small tables."""

from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor
from toy_problem import branches, constant_hint, curve, fold, no_hint
from toy_study import (
    BAYES,
    CASCADES,
    EMBEDDING,
    HINT,
    NULL,
    PASSES,
    PLAIN,
    RESIDUAL,
    SHARP,
    SIGMAS,
    START_SIGMA,
    VAGUE,
    Study,
    cascade,
)

from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.tables import text_table

SHOWN_SIGMAS = (0.01, 0.03, 0.1, 0.3, torch.inf)
SHOWN_PASSES = (0, 1, 3, 20)


def study_table(study: Study) -> str:
    """Errors of every method under every hint, then of cascades after some steps: means over the seeds."""
    seeds = next(iter(study.by_sigma.values())).shape[0]
    columns = [SIGMAS.index(sigma) for sigma in SHOWN_SIGMAS]
    by_sigma = [["", *(f"sigma {_sigma(sigma)}" for sigma in SHOWN_SIGMAS)]]
    for method, answers in study.by_sigma.items():
        errors = (answers - study.test.t).abs()
        by_sigma.append([method, *(_pair(errors[:, column]) for column in columns)])
    truths = branches(study.test.y)
    by_pass = [["", *("first hint" if n == 0 else f"pass {n}" for n in SHOWN_PASSES), "off branch"]]
    for plan, answers in study.by_pass.items():
        errors = (answers - study.test.t).abs()
        off_branch = (answers[:, -1].unsqueeze(2) - truths).abs().amin(dim=2)
        title = f"{plan.method}, from sigma {_sigma(plan.start_sigma)}, fed back at {plan.sigma}"
        cells = [_pair(errors[:, number]) for number in SHOWN_PASSES]
        by_pass.append([title, *cells, f"{_median(off_branch):.3f}"])
    return (
        f"Median / mean absolute error of t in the fold ({len(study.test.t)} held-out samples, "
        f"mean over {seeds} seed{'s' * (seeds > 1)}), by sigma of the hint:\n\n"
        f"{text_table(by_sigma)}\n\n"
        "The same when answers are fed back as hints; off branch: median distance of the last pass\n"
        f"from the nearest of the three answers:\n\n{text_table(by_pass)}"
    )


def _pair(errors: Tensor) -> str:
    """Errors (seeds, N)."""
    return f"{_median(errors):.3f} / {errors.mean():.3f}"


def _median(errors: Tensor) -> float:
    return float(errors.quantile(0.5, dim=1).mean())


def _sigma(sigma: float) -> str:
    return "none" if sigma == torch.inf else f"{sigma:g}"


COLOURS = {
    HINT: "#e08600",
    BAYES: "black",
    PLAIN: "#d1242f",
    NULL: "#8c959f",
    EMBEDDING: "#2da44e",
    RESIDUAL: "#1f6feb",
}
STYLES = {BAYES: ":", NULL: "--", HINT: "-."}
BRANCH_COLOURS = ("#1b7c83", "#8250df", "#bf3989")  # none of the methods'
TRUTH = "#d0d7de"
NONE_AT = 2.5  # where no hint stands on the axis of sigma
SHOWN_Y = 0.48  # of the panel of passes


def draw_study(path: Path, study: Study) -> None:
    """Draw the answers, errors by hint, the path of a cascade, and errors by refinement step."""
    spaced = ConstrainedLayoutEngine(wspace=0.06, hspace=0.06)
    figure = Figure(figsize=(11, 8.6), layout=spaced)
    (top_left, top_right), (bottom_left, bottom_right) = figure.subplots(2, 2)
    _answers(top_left, study)
    _by_sigma(top_right, study)
    _trajectories(bottom_left, study)
    _by_pass(bottom_right, study)
    for axes in (top_left, top_right, bottom_left, bottom_right):
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def _answers(axes: Axes, study: Study) -> None:
    """Plain regression over all y; the residual network with three hints over the fold."""
    t = torch.linspace(0, 1, 500)
    y = torch.linspace(0, 1, 500)
    axes.plot(curve(t), t, color=TRUTH, lw=7, solid_capstyle="round")
    axes.annotate("all true (y, t)", (0.2, 0.03), color="#57606a")
    axes.plot(y, study.networks[PLAIN](y, no_hint(len(y))), color=COLOURS[PLAIN], lw=2)
    axes.annotate(PLAIN, (0.66, 0.66), color=COLOURS[PLAIN])
    axes.annotate(RESIDUAL, (0.63, 0.3), color=COLOURS[RESIDUAL])
    y = torch.linspace(*fold(), 200)
    for t_hint in (0.2, 0.5, 0.8):
        hint = constant_hint(t_hint, START_SIGMA, len(y))
        axes.plot(y, study.networks[RESIDUAL](y, hint), color=COLOURS[RESIDUAL], lw=2)
        axes.errorbar(
            0.03, t_hint, START_SIGMA, color=COLOURS[HINT], marker="o", capsize=3, clip_on=False
        )
        axes.annotate(f"hint {t_hint}", (0.06, t_hint), color=COLOURS[HINT], va="center")
    axes.set(xlabel="y, what is measured", ylabel="t, what is asked")
    axes.set_title("One y, three t: regression averages, a hint selects")


def _by_sigma(axes: Axes, study: Study) -> None:
    """Mean error over sigma of the hint."""
    *sigmas, _ = SIGMAS
    for method, answers in study.by_sigma.items():
        *errors, without = (answers - study.test.t).abs().mean(dim=(0, 2)).tolist()
        colour = COLOURS[method]
        axes.plot(sigmas, errors, STYLES.get(method, "-"), color=colour, lw=2, label=method)
        axes.plot(NONE_AT, without, "o", color=colour, ms=5)
    axes.set(xscale="log", yscale="log", xlabel="sigma of the hint", ylabel="mean |error| of t")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks([0.01, 0.1, 1, NONE_AT], ["0.01", "0.1", "1", "none"])
    axes.legend(frameon=False)
    axes.set_title("Hint and measurement together beat either alone")


def _trajectories(axes: Axes, study: Study) -> None:
    """Draw the residual's answers over refinement steps, coloured by the branch where they end."""
    starts = torch.linspace(0, 1, 26)
    y = torch.full_like(starts, SHOWN_Y)
    hint = constant_hint(0.0, SHARP, len(starts))._replace(t=starts)
    refinement_steps = cascade(study.networks[RESIDUAL], y, hint, SHARP, PASSES)
    truths = branches(y)[0]
    for truth in truths.tolist():
        axes.axhline(truth, color=TRUTH, lw=7)
    for path in refinement_steps.T:
        nearest = int((path[-1] - truths).abs().argmin())
        axes.plot(path, color=BRANCH_COLOURS[nearest], lw=1.2)
    axes.set(xlabel="pass (0: the first hint)", ylabel="t", xticks=range(0, PASSES + 1, 5))
    axes.set_title(
        f"Fed back, answers settle on a branch and stay (residual, y = {SHOWN_Y})", fontsize=11
    )


def _by_pass(axes: Axes, study: Study) -> None:
    """Median error over passes."""
    for plan in CASCADES:
        errors = (study.by_pass[plan] - study.test.t).abs().quantile(0.5, dim=2).mean(dim=0)
        label, style = plan.method, STYLES.get(plan.method, "-")
        if plan.start_sigma == torch.inf:
            label, style = f"{label} without a first hint", "-."
        elif plan.sigma == VAGUE:
            label, style = f"{label} fed back at sigma {VAGUE}", "--"
        axes.plot(errors, style, color=COLOURS[plan.method], lw=2, label=label)
    axes.set(yscale="log", xlabel="pass (0: the first hint)", ylabel="median |error| of t")
    axes.set(ylim=(0.007, 1.5), xticks=range(0, PASSES + 1, 5))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False)
    axes.set_title(f"Error by pass: hints of sigma {START_SIGMA}, fed back at {SHARP}")
