"""hinted-posenet locate."""

from typing import Any

from hinted_posenet.core.files import check_writable
from hinted_posenet.core.schema import read_settings
from hinted_posenet.inference.locate_settings import LocateSettings

SCHEMAS = {"": LocateSettings}


def run(config: dict[str, Any]) -> None:
    """Write poses of images over a map, and a picture of some of them."""
    from hinted_posenet.inference.locate_over_map import locate_over_map
    from hinted_posenet.show.canvas import PICTURES
    from hinted_posenet.show.map_picture import MOST, write_map_picture

    settings = read_settings(LocateSettings, config)
    preview = settings.preview
    if preview:
        check_writable(preview, "preview", PICTURES)
    localizer, shown, lines = locate_over_map(settings, MOST if preview else 0)
    if preview:
        write_map_picture(preview, shown, localizer.files)
        lines.append(f"written: {preview}")
    print("\n".join(lines))
