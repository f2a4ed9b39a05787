"""hinted-posenet predict."""

from typing import Any

from hinted_posenet.core.files import check_writable
from hinted_posenet.core.schema import read_settings
from hinted_posenet.inference.predict_settings import PredictSettings

SCHEMAS = {"": PredictSettings}


def run(config: dict[str, Any]) -> None:
    """Write poses for images, and a picture of some of them."""
    from hinted_posenet.data.formats.aerial import read_overview
    from hinted_posenet.inference.predict import predict
    from hinted_posenet.show.canvas import PICTURES
    from hinted_posenet.show.estimate_picture import MOST, scene_map, write_estimates_picture

    settings = read_settings(PredictSettings, config)
    preview = settings.preview
    if preview:
        check_writable(preview, "preview", PICTURES)
    localizer, shown, lines = predict(settings, MOST if preview else 0)
    if preview:
        overview = read_overview(localizer.scene_folder)
        ground = scene_map(localizer.positions_m.double().numpy(), overview)
        write_estimates_picture(preview, shown, ground)
        lines.append(f"written: {preview}")
    print("\n".join(lines))
