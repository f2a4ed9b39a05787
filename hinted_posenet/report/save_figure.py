"""A figure to a file, whole or not at all."""

from pathlib import Path

from matplotlib.figure import Figure


def save_figure(figure: Figure, path: Path, dpi: float = 100) -> None:
    """Write .png, .jpg, .svg or .pdf atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    figure.savefig(partial, dpi=dpi, format=path.suffix.removeprefix("."))
    partial.replace(path)
