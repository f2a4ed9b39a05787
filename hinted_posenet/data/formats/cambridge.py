"""Cambridge Landmarks: labels in two text files, focal lengths in a VisualSFM model."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.cameras import Lens, check_focal, intrinsics, read_nvm_focals
from hinted_posenet.data.formats import layout
from hinted_posenet.data.image_files import stored_size
from hinted_posenet.data.poses import cambridge_line, nvm_line, parse_cambridge_line

CARD = "datasets/cambridge/README.md"
LABELS = {"train": "dataset_train.txt", "test": "dataset_test.txt"}
HEADER = ("Visual Landmark Dataset V1", "ImageFile, Camera Position [X Y Z W P Q R]", "")
MODEL = "reconstruction.nvm"
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
    """Read the views of one split of a scene, in file order, see `ReadViews`; "val" is always empty.

    ``focal_px`` is the focal length of all images, in pixels of the images as stored; None takes each image's
    own from reconstruction.nvm. ``nvm_width_px`` is the longer side of the images from which reconstruction.nvm
    was made, if its names differ from the labels' (as published: .jpg): focal lengths are scaled from there to
    the images as stored. If it names the very files, its focal lengths are used unchanged.
    """
    layout.check_split(split)
    check_focal(focal_px)
    if nvm_width_px < 1:
        raise InputError(f"nvm_width_px={nvm_width_px}: expected pixels, 1 or more")
    folder = layout.scene_folder(root, scene, LABELS["train"], CARD)
    if split == "val":
        return []
    path = folder / LABELS[split]
    lines = layout.read_lines(path, CARD)
    if len(lines) <= len(HEADER) or lines[len(HEADER) - 1].strip():
        raise InputError(
            f"{path} line {len(HEADER)}: expected {len(HEADER)} header lines, the last one "
            f"blank, then labels; see {CARD}"
        )
    size_of = layout.folder_sizes(SIZE)
    focal = _focals(folder, focal_px, nvm_width_px)
    views: dict[str, View] = {}
    for number, line in enumerate(lines[len(HEADER) :], start=len(HEADER) + 1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        with layout.collecting(faults, line.split()[0]):
            name, stated = parse_cambridge_line(line, where)
            if name in views:
                raise InputError(f"{where}: {name} is already in {views[name].where}; remove one")
            layout.check_name(name, where)
            size = size_of(folder / name)
            lens = _centered(focal(name, max(size)), *size)
            views[name] = layout.labelled_view(name, folder / name, stated, lens, where, size=size)
    return list(views.values())


def _centered(focal_px: float, width: int, height: int) -> Lens:
    """Return a pinhole with square pixels and the principal point in the middle."""
    return Lens(intrinsics(focal_px, focal_px, width / 2, height / 2), ())


def _focals(folder: Path, focal_px: float | None, nvm_width_px: int) -> Callable[[str, int], float]:
    """Return a function (name, longer side in px) -> focal length in pixels of the image as stored."""
    if focal_px is not None:
        return lambda name, side_px: focal_px
    path = folder / MODEL
    if not path.is_file():
        raise InputError(
            f"{folder.name}: no {MODEL} to read focal lengths from; add the file or set "
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
            f"{folder.name}: no focal length of {name} in {MODEL}; set focal_px or "
            f"exclude the frame; see {CARD}"
        )

    return focal


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


class CambridgeFormat:
    """seqX/frameXXXXX.png, dataset_train.txt, dataset_test.txt, reconstruction.nvm."""

    title = "Cambridge Landmarks"
    reads_back = "cambridge"
    keeps_validation = False

    def frames(self, views: layout.Views) -> list[layout.Frame]:
        """Assign numbers to sequences and frames; make cameras centered pinholes with square pixels."""
        found = []
        for split, view, sequence, frame in layout.numbered(views):
            name = f"seq{sequence}/frame{frame + 1:05d}.png"
            # the longer focal length, which sees no more than the source
            lens = _centered(float(view.K.diagonal()[:2].max()), *stored_size(view.image))
            camera = {"K": lens.K, "distortion": (), "sequence": f"seq{sequence}", "depth": None}
            found.append(layout.written_as(split, view, name, Path(name), **camera))
        return found

    def write_labels(self, folder: Path, frames: Sequence[layout.Frame]) -> None:
        """Write the labels of both splits (validation joins training), and all cameras into the model."""
        for split, file in LABELS.items():
            lines = [
                cambridge_line(frame.written.name, frame.written.T_world_cam)
                for frame in layout.training_or_test(frames, split)
            ]
            (folder / file).write_text("\n".join([*HEADER, *lines, ""]), encoding="utf-8")
        cameras = [
            nvm_line(written.name, float(written.K[0, 0]), written.T_world_cam)
            for _, _, written, _, _ in frames
        ]
        no_points_no_mesh = ["", "0", "", "0", ""]
        model = ["NVM_V3", "", str(len(cameras)), *cameras, *no_points_no_mesh]
        (folder / MODEL).write_text("\n".join(model), encoding="utf-8")
