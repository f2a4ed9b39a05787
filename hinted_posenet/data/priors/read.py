"""Read the priors of a file by its suffix, or of the images themselves."""

from collections.abc import Mapping
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.csv_table import read_csv
from hinted_posenet.data.priors.exif import read_exif
from hinted_posenet.data.priors.gpx import read_gpx
from hinted_posenet.data.priors.reading import Reading
from hinted_posenet.data.priors.tum import read_tum

READERS = {".csv": read_csv, ".gpx": read_gpx, ".txt": read_tum, ".tum": read_tum}
EXIF = "exif"


def read_priors(
    source: str | Path, images: Mapping[str, Path], altitude_above: str | None = None
) -> list[Reading]:
    """Read the priors of a CSV, GPX or TUM file, or "exif": of images, name -> file.

    Raises:
        InputError: It is none of them, cannot be read, or says nothing.
    """
    if str(source) == EXIF:
        readings = read_exif(images, altitude_above)
    else:
        path = Path(source)
        if path.suffix.lower() not in READERS:
            raise InputError(
                f"priors={source}: expected a file {' '.join(READERS)}, or {EXIF} to read the images; "
                f"see {CARD}"
            )
        if not path.is_file():
            raise InputError(f"priors={source}: no such file; check the path")
        readings = READERS[path.suffix.lower()](path)
    if not readings:
        whose = "none of the images has one" if str(source) == EXIF else "it has no rows"
        raise InputError(f"priors={source}: holds no prior ({whose}); see {CARD}")
    return readings
