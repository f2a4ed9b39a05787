"""A results.json as a table to read in a terminal."""

from typing import Any

from hinted_posenet.core.formatting import length
from hinted_posenet.core.tables import text_table
from hinted_posenet.evaluation.metrics import recalls_of

KEYS = (("median_t_m", "median_r_deg"), ("mean_t_m", "mean_r_deg"), ("p95_t_m", "p95_r_deg"))


def print_results(results: dict[str, Any]) -> None:
    """One table of a results.json: a block per group of frames, a line per method."""
    data = results["data"]
    oracle = ", ORACLE: it was made with the labels" if results["oracle"] else ""
    print(
        f"\n{results['name']} on {data['name']}/{data['scene']} {results['split']} "
        f"({data['ground_truth']} ground truth, seed {results['seed']}{oracle})"
    )
    recalls = recalls_of(results)
    header = ["", "median", "mean", "95 %", *(recall.title for recall in recalls)]
    lines: list[list[str]] = []
    group = None
    for row in results["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append([f"{group} ({row['frames']} frames)"])
        errors = [f"{length(row[t])} {row[r]:5.1f}°" for t, r in KEYS]
        shares = [f"{100 * row[recall.key]:.0f} %" for recall in recalls]
        lines.append([f"  {row['method']}", *errors, *shares])
    print(text_table([header, *lines]))
