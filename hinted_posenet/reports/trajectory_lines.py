"""The trajectory errors of a result, as a line of text per sequence and method."""

import math
from typing import Any

from hinted_posenet.core.formatting import fine_degrees, length
from hinted_posenet.core.tables import text_table
from hinted_posenet.evaluation.predictions import method_title

KEYS = ("ate_rmse_m", "rpe_rmse_m", "rpe_rmse_deg")
HEADER = ("trajectory", "answered", "ATE", "RPE", "", "ATE if missing is failure")


def trajectory_lines(results: dict[str, Any]) -> str:
    """Return a table of the errors of the frames that are answered, RMSE after rigid alignment and per frame.

    Its last column tells whether frames without an answer, as failures, make the ATE infinite. Empty if there is
    none.
    """
    steps = {row["method"]: row["step"] for row in results["rows"]}
    lines = []
    for row in results["trajectories"]:
        title = method_title(row["method"], steps[row["method"]])
        name = f"  {row['sequence']}, {title}" if row["sequence"] else f"  {title}"
        ate_m, rpe_m, rpe_deg = (row[f"{key}_of_answered"] for key in KEYS)
        counts = f"{row['answered_frames']:.0f} of {row['frames']:.0f}"
        failed = "infinite" if math.isinf(row["ate_rmse_m"]) else "the same"
        lines.append([name, counts, length(ate_m), length(rpe_m), fine_degrees(rpe_deg), failed])
    return text_table([HEADER, *lines]) if lines else ""
