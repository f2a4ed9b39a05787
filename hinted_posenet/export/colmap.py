"""COLMAP: one model of all images, without points, and a list of image names for each split."""

from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.camera_io import Lens
from hinted_posenet.data.reader.colmap_model import Camera, Image, write_model
from hinted_posenet.data.reader.layout import SPLITS
from hinted_posenet.export.frame import Frame, Views, written_as
from hinted_posenet.stated_pose import StatedPose


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
            images.append(Image(view.name, camera_id, StatedPose(view.T_world_cam, 0.0)))
        model = folder / "sparse" / "0"
        write_model(model, cameras, images, self.binary)
        for split in SPLITS:
            names = [f"{frame.written.name}\n" for frame in frames if frame.split == split]
            if names:
                (model / f"{split}.txt").write_text("".join(names), encoding="utf-8")
