"""COLMAP: one sparse model of all images, as text or binary, and a list of names for each split.

Layout::

    <root>/<scene>/images/<name>
    <root>/<scene>/sparse/0/cameras.bin, images.bin     or cameras.txt, images.txt
    <root>/<scene>/sparse/0/train.txt                   image names, one a line
    <root>/<scene>/sparse/0/test.txt
    <root>/<scene>/sparse/0/val.txt                     may be missing

The lists are ours to ask for: a model does not say which images are for the test, and drawing them at
random would put neighbouring frames of a video in both. The folder of an image is its sequence.
"""

from pathlib import Path

from hinted_posenet.data.colmap_model import Camera, read_model
from hinted_posenet.data.layout import check_split, image_size, read_lines, scene_folder
from hinted_posenet.types import InputError, View

CARD = "docs/formats.md"
SPLITS = ("train", "val", "test")


def read_views(
    root: Path, scene: str, split: str, *, model: str = "sparse/0", images: str = "images"
) -> list[View]:
    """Views of one split of a scene, in the order of its list.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene.
        split: "train", "val" or "test".
        model: Folder of the model, within the scene.
        images: Folder of the images, within the scene.
    """
    check_split(split, SPLITS)
    folder = scene_folder(root, scene, f"{model}/train.txt", CARD)
    path = folder / model / f"{split}.txt"
    if split == "val" and not path.is_file():
        return []
    lines = enumerate(map(str.strip, read_lines(path, CARD)), start=1)
    listed = {name: f"{path} line {number}" for number, name in lines if name}
    cameras, posed = read_model(folder / model, listed)
    views = []
    for name, where in listed.items():
        if name not in posed:
            raise InputError(f"{where}: {name} is not in the model; remove the line")
        image = posed[name]
        if image.camera_id not in cameras:
            raise InputError(f"{where}: {name} is of camera {image.camera_id}, not in the model")
        camera = cameras[image.camera_id]
        file = folder / images / name
        _check_image(file, camera, where)
        views.append(
            View(
                name,
                file,
                image.T_world_cam,
                camera.lens.K,
                name.rpartition("/")[0],
                tags={},
                distortion=camera.lens.distortion,
            )
        )
    return views


def _check_image(file: Path, camera: Camera, where: str) -> None:
    if not file.is_file():
        raise InputError(f"{where}: missing image {file}; see {CARD}")
    size = image_size(file)
    if size != (camera.width, camera.height):
        raise InputError(
            f"{file}: is {size[0]}x{size[1]}, its camera says {camera.width}x{camera.height}; use "
            f"the images that the model was made of, see {CARD}"
        )
