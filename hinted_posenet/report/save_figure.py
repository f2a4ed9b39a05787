"""A figure to a file, whole or not at all."""

from pathlib import Path

from matplotlib.figure import Figure

from hinted_posenet.whole_file import whole_file


def save_figure(figure: Figure, path: Path, dpi: float = 100) -> None:
    """Write .png, .jpg, .svg or .pdf atomically."""
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=dpi)
