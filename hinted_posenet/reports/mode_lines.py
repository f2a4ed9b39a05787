"""What several answers per frame are worth, as lines of text per method."""

from collections.abc import Iterator
from typing import Any

from hinted_posenet.evaluation.metrics import modes_key, recalls_of
from hinted_posenet.evaluation.predictions import MODES, method_title


def mode_lines(results: dict[str, Any]) -> Iterator[str]:
    """Yield a heading and a line for each recall of a method that answers with several modes."""
    seasons = [group["name"] for group in results["groups"] if group["season_group"]]
    recalls = recalls_of(results)
    found = [row for row in results["rows"] if row["group"] in seasons]
    found = [row for row in found if recalls and modes_key(recalls[0].key, MODES) in row]
    if found:
        yield f"found by the first / by any of {MODES} modes:"
    for method in dict.fromkeys(row["method"] for row in found):
        rows = [row for row in found if row["method"] == method]
        for recall in recalls:
            shares = ", ".join(f"{shares_of_modes([r], recall.key)} of {r['group']}" for r in rows)
            yield f"  {method_title(method, rows[0]['step'])}, {recall.title}: {shares}"


def shares_of_modes(rows: list[dict[str, Any]], recall: str) -> str:
    """Return the shares of the first mode and of any as text, means over rows of several seeds."""
    keys = (recall, modes_key(recall, MODES))
    return " / ".join(f"{100 * sum(r[key] for r in rows) / len(rows):.0f}" for key in keys) + " %"
