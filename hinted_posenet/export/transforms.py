"""transforms.json, as nerfstudio reads it: poses, intrinsics and splits in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hinted_posenet.camera_io import Lens, transforms_camera
from hinted_posenet.data.reader.layout import SPLITS
from hinted_posenet.data.reader.transforms import FILE
from hinted_posenet.export.frame import Frame, Views, written_as
from hinted_posenet.pose_io import opengl_matrix
from hinted_posenet.types import View


class TransformsFormat:
    """images/<name>, depth/<name>.png where there is any, transforms.json."""

    title = "transforms.json"
    reads_back = "transforms"
    keeps_validation = True

    def frames(self, views: Views) -> list[Frame]:
        """Images and cameras stay as they are; a name is its path."""
        found = []
        for split, view in views:
            path, depth_path = Path("images", view.name), Path("depth", view.name)
            depth = view.depth and view.depth._replace(image=depth_path.with_suffix(".png"))
            found.append(written_as(split, view, path.as_posix(), path, depth=depth))
        return found

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """Intrinsics stand at the top where all frames share them, else in every frame."""
        cameras = [
            {"w": width, "h": height, **transforms_camera(Lens(view.K, view.distortion))}
            for _, _, view, width, height in frames
        ]
        shared = all(camera == cameras[0] for camera in cameras)
        whole: dict[str, Any] = dict(cameras[0]) if shared else {}
        whole["frames"] = [
            {
                "file_path": frame.written.name,
                "transform_matrix": opengl_matrix(frame.written.T_world_cam),
                **({} if shared else camera),
                **_depth(frame.written),
            }
            for frame, camera in zip(frames, cameras, strict=True)
        ]
        for split in SPLITS:
            names = [frame.written.name for frame in frames if frame.split == split]
            if names:
                whole[f"{split}_filenames"] = names
        (folder / FILE).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def _depth(view: View) -> dict[str, str]:
    return {} if view.depth is None else {"depth_file_path": view.depth.image.as_posix()}
