"""COLMAP: one sparse model of all images, as text or binary, and a list of image names for each split.

Only what localization needs is read, because the 3-D points of a model may take gigabytes. Beside the files of a
model (`colmap_text`, `colmap_binary`; binary is preferred) lie ``train.txt``, ``val.txt`` and ``test.txt``: the
names of images, one per line; our addition. The rigs and frames of COLMAP 3.12 and later are not needed, as images
keep their poses.
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.formats import colmap_binary, colmap_text, layout
from hinted_posenet.data.formats.colmap_folders import find_images, is_model, largest_model
from hinted_posenet.data.formats.colmap_model import (
    Camera,
    Cameras,
    Image,
    Row,
    image_path,
    readable_name,
    usable,
)
from hinted_posenet.data.formats.notes import note
from hinted_posenet.data.formats.resized import StoredCameras
from hinted_posenet.data.formats.unposed import unposed_images
from hinted_posenet.data.poses import ValidatedPose, parse_colmap_pose

CARD = "docs/formats.md"
MARKERS = tuple(
    f"{place}/images.{kind}" for place in ("sparse/0", "sparse") for kind in ("bin", "txt")
)


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    model: str | None = None,
    images: str | None = None,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Read the views of one split of a scene, in the order of its list, see `ReadViews`.

    The split "all" has all images of the model whatever the lists say. ``model`` and ``images`` are folders
    within the scene; None finds the largest model, and the folder that has its images.
    """
    layout.check_split(split, "all")
    place = _model_folder(root, scene, model)
    path = place / f"{split}.txt"
    if split == "val" and not path.is_file():
        return []
    listed = None if split == "all" else layout.read_names(path, CARD)
    cameras, rows = _read(place)
    posed = _by_name(rows)
    folder = root / scene / images if images else find_images(root / scene, place, rows)
    _note_unposed(folder, rows)
    stored_cameras = StoredCameras()
    views = []
    for name, where in (listed or dict.fromkeys(posed, "")).items():
        with layout.collecting(faults, name):
            if readable_name(name) not in posed:
                raise InputError(f"{where}: {name} is not in the model; remove the line")
            image = _posed(readable_name(name), posed)
            lens, *stated = usable(cameras, image.camera_id, image.where)
            file = image_path(folder, image.stored, image.name)
            lens, size = stored_cameras.fit(file, lens, (stated[0], stated[1]))
            views.append(
                layout.labelled_view(image.name, file, image.stated, lens, image.where, size=size)
            )
    stored_cameras.report(root / scene)
    return views


class ColmapFormat:
    """images/<name>, sparse/0/{cameras,images,points3D}.{txt,bin}, sparse/0/{train,val,test}.txt."""

    reads_back = "colmap"
    keeps_validation = True

    def __init__(self, binary: bool) -> None:
        self.binary = binary
        self.title = f"COLMAP {'binary' if binary else 'text'}"

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Keep names, images and cameras as they are."""
        return [
            layout.written_as(split, view, view.name, Path("images", view.name), depth=None)
            for split, view in views
        ]

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write the model and the lists beside it; images with equal cameras share one."""
        ids: dict[tuple[object, ...], int] = {}
        cameras: dict[int, Camera] = {}
        images = []
        for _, _, view, width, height in frames:
            key = (width, height, tuple(view.K.flatten().tolist()), view.distortion)
            camera_id = ids.setdefault(key, len(ids) + 1)
            cameras[camera_id] = Camera(Lens(view.K, view.distortion), width, height)
            images.append(Image(view.name, camera_id, ValidatedPose(view.T_world_cam, 0.0)))
        model = folder / "sparse" / "0"
        model.mkdir(parents=True, exist_ok=True)
        write = colmap_binary.write_binary if self.binary else colmap_text.write_text
        write(model, cameras, images)
        for split, names in layout.names_by_split(frames).items():
            (model / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


def read_model(
    folder: Path, names: Container[str] | None, faults: list[Fault] | None = None
) -> tuple[Cameras, dict[str, Image]]:
    """Read the cameras by their number, and the images by name: those of ``names``, None reads all.

    ``faults`` collects what is wrong with single images; None raises the first.
    """
    cameras, rows = _read(folder)
    posed = _by_name(rows)
    images = {}
    for name in posed:
        if names is None or name in names:
            with layout.collecting(faults, name):
                images[name] = _posed(name, posed)
    return cameras, images


def _read(folder: Path) -> tuple[Cameras, list[Row]]:
    """Read all that the files of a model state."""
    if (folder / "images.bin").is_file():
        cameras = colmap_binary.read_cameras(folder / "cameras.bin")
        return cameras, list(colmap_binary.read_images(folder / "images.bin"))
    cameras = colmap_text.read_cameras(folder / "cameras.txt")
    return cameras, list(colmap_text.read_images(folder / "images.txt"))


def _by_name(rows: Sequence[Row]) -> dict[str, Row | InputError]:
    """Return the images by `readable_name`; an error where one is there twice, as nothing says which is right."""
    found: dict[str, Row | InputError] = {}
    for row in rows:
        name = readable_name(row.stored)
        if name in found:
            found[name] = InputError(
                f"{row.where}: {name} is there twice; remove the wrong one of its lines"
            )
        else:
            found[name] = row
    return found


def _posed(name: str, posed: Mapping[str, Row | InputError]) -> Image:
    """Return an image of the model with its pose.

    Raises:
        InputError: It is there twice, or its pose is none.
    """
    row = posed[name]
    if isinstance(row, InputError):
        raise row
    return Image(name, row.camera_id, parse_colmap_pose(row.pose, row.where), row.where, row.stored)


def _model_folder(root: Path, scene: str, model: str | None) -> Path:
    """Return the folder of a scene's model: the one that is named, or else the largest."""
    folder = root / scene
    if model is not None and scene and is_model(folder / model):
        return folder / model
    found = largest_model(folder) if model is None and scene and folder.is_dir() else None
    if found:
        return found
    markers = [f"{model}/images.bin", f"{model}/images.txt"] if model else MARKERS
    folder = layout.scene_folder(root, scene, markers[0], CARD, *markers[1:])
    raise InputError(
        f"{folder}: has no cameras.bin or cameras.txt beside its images; copy the whole model"
    )


def _note_unposed(folder: Path, rows: Sequence[Row]) -> None:
    """Note how many images on disk the model does not have."""
    posed = {image_path(folder, row.stored, readable_name(row.stored)) for row in rows}
    if unposed := unposed_images(folder, posed):
        note(
            f"{folder}: {len(unposed)} of {len(posed) + len(unposed)} images have no pose in the model, such as "
            f"{unposed[0].relative_to(folder)}"
        )
