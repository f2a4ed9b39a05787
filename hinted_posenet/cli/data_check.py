"""hinted-posenet data check PATH: what is wrong with a data set."""

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable


def run(
    path: Path,
    out: Path,
    picture: bool,
    json: bool,
    quick: bool,
    pairs: Annotated[int, Ge(0)],
    write_exclude: bool | str,
) -> None:
    """Check, draw, write and print; exit with 1 where a scene is not sound."""
    from hinted_posenet.data.checks.examine import as_json, examine, report, write_exclude_list
    from hinted_posenet.data.checks.pictures import write_pictures
    from hinted_posenet.data.formats.recognise import recognise_all

    if picture:
        check_writable(out / "picture.png")
    scenes = recognise_all(path)
    # without a name it is exclude.txt of each scene
    file = write_exclude if isinstance(write_exclude, str) else ""
    if file and len(scenes) > 1:
        raise InputError(
            f"write_exclude={file}: a file for one scene, {path} holds {len(scenes)}; write_exclude=true writes "
            "exclude.txt in each"
        )
    examinations, written = [], []
    for number, found in enumerate(scenes):
        examination = examine(found, decode=not quick, pairs=0 if quick else pairs)
        examinations.append(examination)
        if not json:
            print(("\n" if number else "") + report(examination), flush=True)
        files = write_pictures(out, examination) if picture else []
        if write_exclude is not False:
            files += write_exclude_list(examination, file)
        if not json:
            print("".join(f"  written: {name}\n" for name in files), end="")
        written += files
    if json:
        print(json_module.dumps(as_json(examinations, written), indent=2))
    if not all(examination.is_sound for examination in examinations):
        sys.exit(1)
