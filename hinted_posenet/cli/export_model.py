"""hinted-posenet export-model."""

from typing import Any

from hinted_posenet.core.files import check_free, check_writable
from hinted_posenet.core.schema import read_settings
from hinted_posenet.inference.export_settings import CARD, ExportSettings

SCHEMAS = {"": ExportSettings}


def run(config: dict[str, Any]) -> None:
    """Write the graphs of a trained network, and say how far they are from it."""
    settings = read_settings(ExportSettings, config)
    check_free(settings.out, settings.overwrite, CARD)
    check_writable(settings.out / CARD)
    from hinted_posenet.evaluation.results_file import read_results
    from hinted_posenet.inference.export_model import export_model

    file = (settings.run if settings.run.is_dir() else settings.run.parent) / "results.json"
    results = read_results(file) if file.is_file() else None
    print("\n".join(export_model(settings, results)))
