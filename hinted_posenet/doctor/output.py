"""Files that an examination leaves: pictures, and the list of frames to leave out."""

from pathlib import Path

from hinted_posenet.data.exclude import EXCLUDE_FILE, read_exclude, write_exclude
from hinted_posenet.doctor.examine import Examination, accusations, to_exclude
from hinted_posenet.doctor.finding import counted
from hinted_posenet.doctor.picture import draw_cameras
from hinted_posenet.doctor.picture_convention import draw_convention

MARKED = ("positions", "flips", "known frames")  # checks whose frames a picture shows


def write_pictures(folder: Path, examination: Examination) -> list[Path]:
    """Draw what there is to draw into a folder -> the files, named after the scene."""
    name, files = examination.scene.name.replace("/", "-"), []
    if examination.scene.views:
        files.append(folder / f"{name}-cameras.png")
        accused = accusations(examination, MARKED)
        found = f"{counted(accused, 'camera')} accused" if accused else "none accused"
        title = f"{examination.scene.name}: where the cameras are, {found}"
        draw_cameras(files[-1], examination.scene, title, accused)
    if examination.trial.pairs:
        files.append(folder / f"{name}-convention.png")
        draw_convention(files[-1], examination)
    return files


def write_exclude_list(examination: Examination, file: str) -> list[Path]:
    """Add the frames that cannot be used to a list -> the list, none if no frame is new to it.

    Args:
        examination: of one scene.
        file: the list; "": exclude.txt in the scene's folder, which loaders obey.
    """
    path = Path(file) if file else examination.scene.folder / EXCLUDE_FILE
    listed = read_exclude(path)
    frames = to_exclude(examination) | listed
    if frames.keys() == listed.keys():
        return []
    write_exclude(path, frames)
    return [path]
