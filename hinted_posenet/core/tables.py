"""Tables for a terminal, Markdown and LaTeX."""

from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text


class Table:
    """A title, a header whose first column names the lines, blocks under a heading each, and notes below."""

    def __init__(self, title: str, header: list[str]) -> None:
        self.title, self.header = title, header
        self.blocks: list[tuple[str, list[list[str]]]] = []
        self.notes: list[str] = []

    def block(self, heading: str) -> None:
        """Begin a block."""
        self.blocks.append((heading, []))

    def line(self, cells: list[str]) -> None:
        """Add a line to the last block; missing cells are empty."""
        self.blocks[-1][1].append([*cells, *[""] * (len(self.header) - len(cells))])

    def text(self) -> str:
        """Return the table for a terminal."""
        rows = [self.header]
        for heading, lines in self.blocks:
            rows += [[heading], *([f"  {line[0]}", *line[1:]] for line in lines)]
        return "\n".join([self.title, "", text_table(rows), *self.notes])

    def markdown(self) -> str:
        """Return the table as Markdown."""
        rows = [self.header]
        for heading, lines in self.blocks:
            rows += [[f"**{heading}**", *[""] * (len(self.header) - 1)], *lines]
        notes = [part for note in self.notes for part in ("", note)]
        return "\n".join([f"{self.title}:", "", markdown_table(rows), *notes])

    def latex(self) -> str:
        """Return the table as a LaTeX tabular for the package booktabs, under a comment with the title."""
        columns = len(self.header)
        rows = [f"% {self.title}", rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}", r"\toprule"]
        rows.append(_latex_row(self.header))
        for heading, lines in self.blocks:
            title = rf"\multicolumn{{{columns}}}{{l}}{{\emph{{{_latex(heading)}}}}} \\"
            rows += [r"\midrule", title, *map(_latex_row, lines)]
        rows += [r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in self.notes)]
        return "\n".join(rows)


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"


def _latex(text: str) -> str:
    for sign in "&%#_":
        text = text.replace(sign, rf"\{sign}")
    for sign, macro in {"°": r"$^\circ$", "≤": r"$\leq$", "<": "$<$"}.items():
        text = text.replace(sign, macro)
    return text


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a header and lines of cells as a Markdown table."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(cell.strip() for cell in row) + " |" for row in rows]
    rule = "|" + "|".join([" --- "] + [" ---: "] * (len(rows[0]) - 1)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def insert_text(path: Path, marker: str, text: str) -> None:
    """Replace the text between ``<!-- begin MARKER -->`` and ``<!-- end MARKER -->`` in a file."""
    begin, end = f"<!-- begin {marker} -->", f"<!-- end {marker} -->"
    before, found, rest = path.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise InputError(
            f"{path}: has no lines {begin} and {end}; add them where the table should go"
        )
    write_text(path, f"{before}{begin}\n{text}\n{end}{after}")


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Pad columns to equal width: the first aligned left, the others right."""
    full = [row for row in rows if len(row) > 1]
    columns = range(max(map(len, full), default=0))
    widths = [max(len(row[column]) for row in full) for column in columns] or [0]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
