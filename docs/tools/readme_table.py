"""Write the README's table of methods from the tables of docs/results.md: python docs/tools/readme_table.py."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
METHODS = {  # row of the tables -> what the README says of it
    "hint as the answer": "the hint itself, without a network",
    "posenet": "image → pose; takes no hint",
    "null_hint": "Hinted Embedding that never gets a hint: the control for network size",
    "hinted_embedding": "embeds the hint, and regresses the pose from hint and image",
    "hinted_residual": "predicts a correction of the hint",
    "hinted_fusion": "multiplies a mixture of poses from the image with the hint (ours)",
    "hinted_memory": "compares the image with the training images near the hint (ours)",
}
COLUMNS = {  # heading -> table of docs/results.md and its column
    "RedKitchen": ("redkitchen", "retrieval"),
    "NAIP": ("naip", "retrieval"),
    "NAIP, 50 m GPS (oracle)": ("naip", "GPS 50 m (oracle)"),
}


def between(marker: str) -> re.Pattern[str]:
    """Return a pattern whose only group is the text between the markers of a table."""
    return re.compile(f"<!-- begin {marker} -->\n(.*)\n<!-- end {marker} -->", re.DOTALL)


def read_table(text: str, marker: str) -> dict[str, dict[str, str]]:
    """Return the cells of a generated Markdown table by row and column."""
    found = between(marker).search(text)
    assert found, f"no table {marker}"
    rows = [
        line.strip("| ").split(" | ") for line in found[1].splitlines() if line.startswith("| ")
    ]
    return {row[0]: dict(zip(rows[0], row, strict=False)) for row in rows[2:]}


def methods_table(results: str) -> str:
    """Return one line per method as Markdown; a method that takes no hint has the same answer in each column."""
    tables = {marker: read_table(results, marker) for marker, _ in COLUMNS.values()}
    lines = ["| `method=` | what it does | " + " | ".join(COLUMNS) + " |"]
    lines.append("| --- | --- |" + " ---: |" * len(COLUMNS))
    for method, text in METHODS.items():
        if any(method not in tables[marker] for marker, _ in COLUMNS.values()):
            continue  # a study of fewer methods
        cells = []
        for marker, column in COLUMNS.values():
            row = tables[marker][method]
            cells.append(row["no hint"] if row[column] == "-" else row[column])
        name = "-" if " " in method else f"`{method}`"
        lines.append("| " + " | ".join([name, text, *cells]) + " |")
    return "\n".join(lines)


def with_table(readme: str, results: str) -> str:
    """Return the README with a table made from the given results page."""
    table = f"<!-- begin methods -->\n{methods_table(results)}\n<!-- end methods -->"
    return between("methods").sub(lambda _: table, readme)


if __name__ == "__main__":
    readme, results = ROOT / "README.md", (ROOT / "docs/results.md").read_text()
    readme.write_text(with_table(readme.read_text(), results))
