"""COLMAP: one sparse model of all images, as text or binary, and a list of names for each split.

Layout::

    <root>/<scene>/images/<name>
    <root>/<scene>/sparse/0/cameras.bin, images.bin     or cameras.txt, images.txt
    <root>/<scene>/sparse/0/train.txt                   image names, one a line
    <root>/<scene>/sparse/0/test.txt
    <root>/<scene>/sparse/0/val.txt                     may be missing

The lists are ours to ask for: a model does not say which images are for the test, and drawing them at
random would put neighbouring frames of a video in both. Split "all" needs none. The folder of an image is its
sequence.
"""

from pathlib import Path

from hinted_posenet.data.reader.colmap_model import read_model
from hinted_posenet.data.reader.layout import check_split, collecting, read_names, scene_folder
from hinted_posenet.types import Fault, InputError, View

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
