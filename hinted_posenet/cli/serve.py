"""hinted-posenet serve."""

from typing import Any

from hinted_posenet.core.schema import read_settings
from hinted_posenet.inference.serve_settings import ServeSettings, check_source

SCHEMAS = {"": ServeSettings}
INTERRUPTED = "interrupted; the service has ended"


def run(config: dict[str, Any]) -> None:
    """Answer images and hints over HTTP until Ctrl-C."""
    settings = read_settings(ServeSettings, config)
    check_source(settings)
    from hinted_posenet.inference.serve import serve

    serve(settings)
