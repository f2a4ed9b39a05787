"""Results as a table to read in a terminal."""

from collections.abc import Sequence
from typing import Any

KEYS = (("median_t_m", "median_r_deg"), ("mean_t_m", "mean_r_deg"), ("p95_t_m", "p95_r_deg"))


def print_results(results: dict[str, Any]) -> None:
    """One table of a results.json: a block per group of frames, a line per method."""
    data = results["data"]
    oracle = ", ORACLE: the first hint was made from the labels" if results["oracle"] else ""
    print(
        f"\n{results['name']} on {data['name']}/{data['scene']} {results['split']} "
        f"({data['ground_truth']} ground truth, seed {results['seed']}{oracle})"
    )
    recalls = [key for key in results["rows"][0] if key.startswith("recall_")]
    header = ["", "median", "mean", "95 %", *(recall_title(key) for key in recalls)]
    lines: list[list[str]] = []
    group = None
    for row in results["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append([f"{group} ({row['frames']} frames)"])
        errors = [f"{length(row[t])} {row[r]:5.1f}°" for t, r in KEYS]
        lines.append(
            [f"  {row['method']}", *errors, *(f"{100 * row[key]:.0f} %" for key in recalls)]
        )
    print(text_table([header, *lines]))


def recall_title(key: str) -> str:
    """recall_0.05m_5deg -> '≤ 5 cm, 5°'."""
    metres, degrees = key.removeprefix("recall_").removesuffix("deg").split("m_")
    size = f"{100 * float(metres):g} cm" if float(metres) < 1 else f"{metres} m"
    return f"≤ {size}, {degrees}°"


def length(metres: float) -> str:
    """Metres as a person writes them: centimetres below one metre."""
    if metres < 1:
        return f"{100 * metres:.1f} cm"
    return f"{metres:.2f} m" if metres < 10 else f"{metres:.0f} m"


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to equal width: the first to the left, the others to the right."""
    full = [row for row in rows if len(row) > 1]
    widths = [max(len(row[column]) for row in full) for column in range(len(full[0]))]
    lines = []
    for row in rows:
        first, *others = row
        cells = [
            first.ljust(widths[0]),
            *(c.rjust(w) for c, w in zip(others, widths[1:], strict=False)),
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
