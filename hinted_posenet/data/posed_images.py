"""Decode images and resize them together with K; nothing else happens on the CPU per image."""

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hinted_posenet.data.layout import intrinsics
from hinted_posenet.types import Hint, InputError, Pose, Query, Sample, View

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}


class PosedImages(Dataset[Sample]):
    """Labelled images of ``views``, each resized to (height, width) pixels.

    A sample has image (3, H, W), K (3, 3) and T_world_cam in float32, the prior of
    its view, and no feature. Lens distortion is undone first, at the same K, so that every image
    that leaves here is a pinhole's; black where the lens saw nothing.
    """

    def __init__(self, views: Sequence[View], height: int, width: int) -> None:
        self.views = list(views)
        self.height = height
        self.width = width

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, index: int) -> Sample:
        view, stored = self.stored(index)
        if view.distortion:
            stored = undistorted(stored, view.K, view.distortion)
        image, K = resized(stored, view.K, self.height, self.width)
        t, q = view.T_world_cam
        query = Query(
            image, torch.empty(0), K, _single(view.prior), view.name, torch.tensor(view.scene)
        )
        return Sample(query, Pose(t.float(), q.float()))

    def stored(self, index: int) -> tuple[View, cv2.typing.MatLike]:
        """A view and its RGB uint8 image (h, w, 3) as the camera took it."""
        view = self.views[index]
        return view, decoded(view.image)


class FolderImages(Dataset[Query]):
    """Images of a folder and its subfolders in natural order, for prediction without ground truth.

    K is not known: the principal point is taken to be the image centre, and the focal length to be
    ``focal_px`` (in pixels of the images as stored) or else the image width, a view of 53 degrees.
    """

    def __init__(
        self, folder: Path, height: int, width: int, focal_px: float | None = None
    ) -> None:
        self.folder = Path(folder)
        self.height = height
        self.width = width
        self.focal_px = focal_px
        if not self.folder.is_dir():
            raise InputError(f"{folder}: no such folder; give a folder of images")
        names = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        self.names = sorted(
            (
                name.as_posix()
                for name in names
                if name.suffix.lower() in SUFFIXES and not name.name.startswith(".")
            ),
            key=_natural,
        )
        if not self.names:
            raise InputError(f"{folder}: no images ({', '.join(sorted(SUFFIXES))}) in the folder")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Query:
        stored = decoded(self.folder / self.names[index])
        height, width = stored.shape[:2]
        focal_px = width if self.focal_px is None else self.focal_px
        K = intrinsics(focal_px, focal_px, width / 2, height / 2)
        image, K = resized(stored, K, self.height, self.width)
        return Query(image, torch.empty(0), K, no_prior(), self.names[index], torch.tensor(0))


def no_prior() -> Hint:
    """The prior that says nothing: identity pose, infinite sigma."""
    pose = Pose(torch.zeros(3), torch.tensor([1.0, 0.0, 0.0, 0.0]))
    return Hint(pose, torch.tensor(torch.inf), torch.tensor(torch.inf))


def undistorted(
    image: cv2.typing.MatLike,
    K: Tensor,
    distortion: Sequence[float],
    K_pinhole: Tensor | None = None,
    interpolation: int = cv2.INTER_LINEAR,
) -> cv2.typing.MatLike:
    """A lens's image (h, w, *) as a pinhole of the same K (3, 3), or of K_pinhole, would have taken it."""
    lens = K.double().numpy().copy()
    pinhole = lens.copy() if K_pinhole is None else K_pinhole.double().numpy().copy()
    for indexed in (lens, pinhole):
        indexed[:2, 2] -= 0.5  # OpenCV's maps count from the centre of the top-left pixel
    size = (image.shape[1], image.shape[0])
    columns, rows = cv2.initUndistortRectifyMap(
        lens, np.asarray(distortion, np.float64), np.eye(3), pinhole, size, cv2.CV_32FC1
    )
    return cv2.remap(image, columns, rows, interpolation)


def _single(prior: Hint | None) -> Hint:
    """A prior in float32; none says nothing."""
    if prior is None:
        return no_prior()
    pose = Pose(prior.pose.t.float(), prior.pose.q.float())
    return Hint(pose, prior.sigma_t.float(), prior.sigma_r.float())


def decoded(path: Path) -> cv2.typing.MatLike:
    """RGB uint8 array (H, W, 3) of an image as stored.

    EXIF orientation is ignored, because K and pose belong to the pixels as stored.
    """
    try:
        file = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); fetch it again") from None
    # libjpeg fills what a cut-off file lacks with grey, so look for its end marker
    cut_off = file[:2] == b"\xff\xd8" and file.find(b"\xff\xd9", file.find(b"\xff\xda")) < 0
    bgr = None
    if file and not cut_off:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        bgr = cv2.imdecode(np.frombuffer(file, np.uint8), flags)
    if bgr is None:
        raise InputError(f"{path}: not a readable image, or cut off; fetch or write it again")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def resized(image: cv2.typing.MatLike, K: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Resize an RGB uint8 image (h, w, 3) and K (3, 3) -> float32 (3, H, W) in [0, 1] and (3, 3).

    Pixel centres lie at 0.5, so scaling the image scales the first two rows of K and nothing more.
    """
    sy, sx = height / image.shape[0], width / image.shape[1]
    if (sx, sy) != (1.0, 1.0):
        shrinks = sx <= 1 and sy <= 1
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = cv2.resize(image, (width, height), interpolation=interpolation)
    scale = torch.tensor([[sx], [sy], [1.0]], dtype=K.dtype)
    tensor = torch.from_numpy(image).permute(2, 0, 1).contiguous().float().div_(255.0)
    return tensor, (scale * K).float()


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
