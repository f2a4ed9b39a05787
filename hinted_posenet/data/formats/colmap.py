"""COLMAP: one sparse model of all images, as text or binary, and a list of image names for each split."""

from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.formats.colmap_model import Camera, Image, read_model, write_model
from hinted_posenet.data.formats.layout import (
    SPLITS,
    Frame,
    Views,
    check_split,
    collecting,
    read_names,
    scene_folder,
    written_as,
)
from hinted_posenet.data.poses import ValidatedPose

CARD = "docs/formats.md"


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    model: str = "sparse/0",
    images: str = "images",
    faults: list[Fault] | None = None,
) -> list[View]:
    """Views of one split of a scene, in the order of its list.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene.
        split: "train", "val", "test", or "all" images of the model whatever the lists say.
        model: Folder of the model, within the scene.
        images: Folder of the images, within the scene.
        faults: Takes what is wrong with single frames; None raises the first.
    """
    check_split(split, "all")
    folder = scene_folder(root, scene, f"{model}/images.bin", CARD, f"{model}/images.txt")
    path = folder / model / f"{split}.txt"
    if split == "val" and not path.is_file():
        return []
    listed = None if split == "all" else read_names(path, CARD)
    cameras, posed = read_model(folder / model, listed, faults)
    wanted = listed or {name: image.where for name, image in posed.items()}
    views = []
    for name, where in wanted.items():
        with collecting(faults, name):
            if name not in posed:
                raise InputError(f"{where}: {name} is not in the model; remove the line")
            image = posed[name]
            if image.camera_id not in cameras:
                raise InputError(
                    f"{where}: {name} is of camera {image.camera_id}, not in the model"
                )
            camera = cameras[image.camera_id]
            views.append(
                View(
                    name,
                    folder / images / name,
                    image.stated.T_world_cam,
                    camera.lens.K,
                    sequence=name.rpartition("/")[0],
                    tags={},
                    distortion=camera.lens.distortion,
                    size=(camera.width, camera.height),
                    where=where,
                    rotation_error=image.stated.rotation_error,
                )
            )
    return views


class ColmapFormat:
    """images/<name>, sparse/0/{cameras,images,points3D}.{txt,bin}, sparse/0/{train,val,test}.txt.

    Args:
        binary: whether the model is binary, else text.
    """

    reads_back = "colmap"
    keeps_validation = True

    def __init__(self, binary: bool) -> None:
        self.binary = binary
        self.title = f"COLMAP {'binary' if binary else 'text'}"

    def frames(self, views: Views) -> list[Frame]:
        """Names, images and cameras stay as they are."""
        return [
            written_as(split, view, view.name, Path("images", view.name), depth=None)
            for split, view in views
        ]

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """The model, and the lists beside it; images that are alike share a camera."""
        ids: dict[tuple[object, ...], int] = {}
        cameras: dict[int, Camera] = {}
        images = []
        for _, _, view, width, height in frames:
            key = (width, height, tuple(view.K.flatten().tolist()), view.distortion)
            camera_id = ids.setdefault(key, len(ids) + 1)
            cameras[camera_id] = Camera(Lens(view.K, view.distortion), width, height)
            images.append(Image(view.name, camera_id, ValidatedPose(view.T_world_cam, 0.0)))
        model = folder / "sparse" / "0"
        write_model(model, cameras, images, self.binary)
        for split in SPLITS:
            names = [f"{frame.written.name}\n" for frame in frames if frame.split == split]
            if names:
                (model / f"{split}.txt").write_text("".join(names), encoding="utf-8")
