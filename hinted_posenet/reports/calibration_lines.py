"""What the covariances of a result are worth, as a line of text per method."""

from typing import Any

from hinted_posenet.core.tables import text_table
from hinted_posenet.evaluation.calibration import LEVELS
from hinted_posenet.evaluation.predictions import method_title

KEYS = [f"coverage_{100 * level:.0f}_position" for level in LEVELS]
REJECTED = "p95_t_of_best_80_percent_of_all"


def calibration_lines(results: dict[str, Any]) -> str:
    """Return a table with a line for each method that states covariances, and what of the positions they hold.

    Beside it stands what is left of the 95th percentile of the error without the fifth of the frames that the
    method doubts most. Empty if no method states any.
    """
    rows = {(row["group"], row["method"]): row for row in results["rows"] if REJECTED in row}
    groups = [group["name"] for group in results["groups"] if group["season_group"]]
    header = [f"claimed {'/'.join(f'{100 * level:.0f}' for level in LEVELS)} % holds", *groups]
    lines = []
    for method in dict.fromkeys(method for _, method in rows):
        found = [rows.get((group, method)) for group in groups]
        whole = rows["all", method]
        left = f"{whole[REJECTED]:.2f} of all"
        title = method_title(method, whole["step"])
        lines.append([f"  {title}", *(_shares(row) if row else "-" for row in found), left])
    return text_table([[*header, "95th percentile, a fifth rejected"], *lines]) if lines else ""


def _shares(row: dict[str, Any]) -> str:
    return "/".join(f"{100 * row[key]:.0f}" for key in KEYS) + " %"
