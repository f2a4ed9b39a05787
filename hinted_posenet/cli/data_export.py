"""hinted-posenet data export."""

from pathlib import Path
from typing import Any

from hinted_posenet.training.settings import DataSettings

SCHEMAS = {"data": DataSettings}


def run(data: dict[str, Any], format: dict[str, Any], out: Path, overwrite: bool) -> None:
    """Write a data set in the layout of other software."""
    from hinted_posenet.core.schema import read_settings
    from hinted_posenet.data.formats.export import export
    from hinted_posenet.inference.build import build

    read = read_settings(DataSettings, data, "data.")
    what = (build(data["reader"], "reader"), read.root, read.scene)
    print(export(*what, build(format, "format"), out, overwrite, read.exclude, read.skip_faulty))
