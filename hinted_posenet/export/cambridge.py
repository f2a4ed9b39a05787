"""Cambridge Landmarks: labels in two text files, focal lengths in a VisualSFM model without points."""

from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.camera_io import intrinsics
from hinted_posenet.data.reader.cambridge import LABELS
from hinted_posenet.data.reader.layout import image_size
from hinted_posenet.export.frame import Frame, Views, numbered, training_or_test, written_as
from hinted_posenet.pose_io import cambridge_line, nvm_line

HEADER = ("Visual Landmark Dataset V1", "ImageFile, Camera Position [X Y Z W P Q R]", "")


class CambridgeFormat:
    """seqX/frameXXXXX.png, dataset_train.txt, dataset_test.txt, reconstruction.nvm."""

    title = "Cambridge Landmarks"
    reads_back = "cambridge"
    keeps_validation = False

    def frames(self, views: Views) -> list[Frame]:
        """Numbered sequences; square pixels, the principal point in the middle, no distortion."""
        found = []
        for split, view, sequence, frame in numbered(views):
            name = f"seq{sequence}/frame{frame + 1:05d}.png"
            width, height = image_size(view.image)
            # the longer of the two: sees no more than the source
            focal_px = float(view.K.diagonal()[:2].max())
            K = intrinsics(focal_px, focal_px, width / 2, height / 2)
            camera = {"K": K, "distortion": (), "sequence": f"seq{sequence}", "depth": None}
            found.append(written_as(split, view, name, Path(name), **camera))
        return found

    def write_labels(self, folder: Path, frames: Sequence[Frame]) -> None:
        """Labels of both splits (validation in training), and all cameras in the model."""
        for split, file in LABELS.items():
            lines = [
                cambridge_line(frame.written.name, frame.written.T_world_cam)
                for frame in training_or_test(frames, split)
            ]
            (folder / file).write_text("\n".join([*HEADER, *lines, ""]), encoding="utf-8")
        cameras = [
            nvm_line(written.name, float(written.K[0, 0]), written.T_world_cam)
            for _, _, written, _, _ in frames
        ]
        no_points_no_mesh = ["", "0", "", "0", ""]
        model = ["NVM_V3", "", str(len(cameras)), *cameras, *no_points_no_mesh]
        (folder / "reconstruction.nvm").write_text("\n".join(model), encoding="utf-8")
