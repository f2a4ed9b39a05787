"""hinted-posenet track."""

from typing import Any

from hinted_posenet.core.schema import read_settings
from hinted_posenet.inference.track_settings import TrackSettings

SCHEMAS = {"": TrackSettings}
INTERRUPTED = "interrupted; the same command continues after the last image"


def run(config: dict[str, Any]) -> None:
    """Track a stream of images and write its path."""
    from hinted_posenet.inference.track import track

    print("\n".join(track(read_settings(TrackSettings, config))))
