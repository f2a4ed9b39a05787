"""What a terminal shows of a result: at most twelve lines; the rest is in the files and in the report."""

from typing import Any

from hinted_posenet.core.formatting import degrees, length
from hinted_posenet.core.tables import text_table
from hinted_posenet.evaluation.predictions import ORACLE, RETRIEVAL, SHUFFLED_IMAGE, method_title
from hinted_posenet.reports.compare import print_results

CLAIMED = "coverage_95_position"
MEDIANS = ("median_t_m", "median_r_deg")


def print_result(results: dict[str, Any], verbose: bool) -> None:
    """Print a results.json: all of it, or its summary and how to see the rest."""
    if verbose:
        print_results(results)
    else:
        print(summary(results))
        print("more: verbose=true here, hinted-posenet report RUN as a page, results.json in full")


def summary(results: dict[str, Any]) -> str:
    """Return medians over all frames, and over those of what training saw and what it did not see.

    A network is called by the name of its run; of several refinement steps the first and the last one are shown.
    Methods that answer the same share a line. Beside the medians stands the 95th percentile of the position, and
    how many positions lie in the regions that claim 95 %.
    """
    rows: dict[str, dict[str, Any]] = {}
    for row in results["rows"]:
        rows.setdefault(row["method"], {})[row["group"]] = row
    groups = ["all", *_seen_and_unseen(results)]
    steps = [method for method, of in rows.items() if of["all"]["step"] is not None]
    lines: dict[tuple[str, ...], list[str]] = {}
    for method, of in rows.items():
        if method == SHUFFLED_IMAGE or method in steps[1:-1]:
            continue
        title = method_title(method, of["all"]["step"])
        if method in steps:
            title = results["name"] + (f", {title}" if method != steps[0] else "")
        medians = [_medians(of[group]) if group in of else "-" for group in groups]
        claimed = f"{100 * of['all'][CLAIMED]:.0f} %" if CLAIMED in of["all"] else "-"
        cells = [medians[0], length(of["all"]["p95_t_m"]), claimed, *medians[1:]]
        same = next(
            (known for known in lines if (known[0], *known[3:]) == (cells[0], *cells[3:])), None
        )
        lines.setdefault(same or tuple(cells), []).append(title)
    counts = {row["group"]: row["frames"] for row in results["rows"]}
    of_groups = [f"{group.removesuffix(' in training')} ({counts[group]})" for group in groups]
    header = ["median", of_groups[0], "95 % within", "claimed 95 % holds", *of_groups[1:]]
    data, oracle = results["data"], f" {ORACLE}" if results["oracle"] else ""
    title = (
        f"\n{results['name']} on {data['name']}/{data['scene']}, {results['split']} split, "
        f"{data['ground_truth']} ground truth, seed {results['seed']}{oracle}"
    )
    table = [header, *([" = ".join(titles), *cells] for cells, titles in lines.items())]
    text = f"{title}\n{text_table(table)}"
    if steps and RETRIEVAL in rows and _t_m(rows[RETRIEVAL]) < _t_m(rows[steps[-1]]):
        text += (
            "\nnote: retrieval, which needs no training, is more precise; train longer, on more images, or with "
            "method=hinted_memory"
        )
    return text


def _t_m(of: dict[str, Any]) -> float:
    return float(of["all"]["median_t_m"])


def _medians(row: dict[str, Any]) -> str:
    t_m, r_deg = (row[key] for key in MEDIANS)
    return f"{length(t_m)} {degrees(r_deg)}"


def _seen_and_unseen(results: dict[str, Any]) -> list[str]:
    """Return the finest groups of what training saw and what it did not see: dates rather than seasons."""
    finest = {group["season_group"]: group["name"] for group in results["groups"]}
    return [finest[part] for part in ("seen", "unseen") if part in finest]
