"""The keys of configs/export_model.yaml: their types, ranges and choices. Imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path

CARD = "card.json"  # which tells that a folder is an export


@dataclass(frozen=True)
class ExportSettings:
    """What is exported, and where to; configs/export_model.yaml explains the keys."""

    run: Path = Path()
    out: Path = Path()
    overwrite: bool = False
    licence: str | None = None
