"""Cambridge Landmarks: labels in two text files, focal lengths in a VisualSFM model."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import intrinsics, read_nvm_focals
from hinted_posenet.data.formats.layout import (
    FolderSizes,
    Frame,
    Views,
    check_split,
    collecting,
    image_size,
    numbered,
    read_lines,
    scene_folder,
    training_or_test,
    written_as,
)
from hinted_posenet.data.poses import cambridge_line, nvm_line, parse_cambridge_line

CARD = "datasets/cambridge/README.md"
LABELS = {"train": "dataset_train.txt", "test": "dataset_test.txt"}
HEADER_LINES = 3
SIZE = (1920, 1080)  # pixels, as published


def read_views(
    root: Path,
    scene: str,
    split: str,
    *,
    focal_px: float | None = None,
    nvm_width_px: int = 1920,
    faults: list[Fault] | None = None,
) -> list[View]:
    """Views of one split of a scene, in file order.

    Args:
        root: Folder that holds the scenes.
        scene: Folder of the scene, e.g. "KingsCollege".
        split: "train", "test" or "val" (always empty).
        focal_px: Focal length of all images, in pixels of the images as stored; None takes each
            image's own from reconstruction.nvm.
        nvm_width_px: Longer side of the images that reconstruction.nvm was made of, where its names
            differ from the labels' (as published: .jpg): focal lengths are scaled from there to the
            images as stored. Where it names the very files, they are for these.
        faults: Takes what is wrong with single frames; None raises the first.
    """
    check_split(split)
    folder = scene_folder(root, scene, LABELS["train"], CARD)
    if split == "val":
        return []
    path = folder / LABELS[split]
    lines = read_lines(path, CARD)
    if len(lines) <= HEADER_LINES or lines[HEADER_LINES - 1].strip():
        raise InputError(
            f"{path} line {HEADER_LINES}: expected {HEADER_LINES} header lines, the last one "
            f"blank, then labels; see {CARD}"
        )
    sizes = FolderSizes(SIZE)
    focal = _focals(folder, focal_px, nvm_width_px)
    views: dict[str, View] = {}
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        with collecting(faults, line.split()[0]):
            name, stated = parse_cambridge_line(line, where)
            if name in views:
                raise InputError(f"{where}: {name} is already in {views[name].where}; remove one")
            width, height = sizes.of(folder / name)
            focal_here_px = focal(name, max(width, height))
            views[name] = View(
                name,
                folder / name,
                stated.T_world_cam,
                intrinsics(focal_here_px, focal_here_px, width / 2, height / 2),
                sequence=name.rpartition("/")[0],
                tags={},
                size=(width, height),
                where=where,
                rotation_error=stated.rotation_error,
            )
    return list(views.values())


def _focals(folder: Path, focal_px: float | None, nvm_width_px: int) -> Callable[[str, int], float]:
    """(name, longer side in px) -> focal length in pixels of the image as stored."""
    if focal_px is not None:
        return lambda name, side_px: focal_px
    path = folder / "reconstruction.nvm"
    if not path.is_file():
        raise InputError(
            f"{folder.name}: no reconstruction.nvm to read focal lengths from; add the file or set "
            f"focal_px; see {CARD}"
        )
    focals = read_nvm_focals(path)
    originals = {_stem(name): focal for name, focal in focals.items()}

    def focal(name: str, side_px: int) -> float:
        if name in focals:
            return focals[name]
        if _stem(name) in originals:
            return originals[_stem(name)] * side_px / nvm_width_px
        raise InputError(
            f"{folder.name}: no focal length of {name} in reconstruction.nvm; set focal_px or "
            f"exclude the frame; see {CARD}"
        )

    return focal


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


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
