"""Queries as the camera of the training took them, since a network knows no other field of view."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.images import center_crop, resized, undistorted
from hinted_posenet.data.posed_images import Size, resized_intrinsics

SAME_VIEW = 0.01  # of the longer side: cameras whose corners differ by less see the same
SAME_ASPECT = 0.02  # relative; sizes in whole pixels make small images differ
SQUARE_PIXELS = 0.05  # relative deviation of the two focal lengths of real cameras
MOST_ENLARGED = (
    4.0  # a training camera's view in so few pixels shows nothing, and more likely K is wrong
)
MOST_MISSING = 0.1  # of the width or height that the training camera saw and the query does not


class TrainingCamera(NamedTuple):
    """The pinhole that a network's images come from, after resizing and cropping."""

    K: Tensor  # (3, 3) pixels of the network's images
    height: int  # pixels, before the crop
    width: int
    crop: Size | None = None  # (height, width) of the middle that is kept

    @property
    def size(self) -> Size:
        """(height, width) of the network's images in pixels."""
        return self.crop or (self.height, self.width)

    @property
    def aspect(self) -> float:
        """Width over height of the training's photos: the pixels of a photo are almost squares."""
        squeezed = (self.K[1, 1] / self.K[0, 0]).item()
        same = abs(squeezed - 1) <= SQUARE_PIXELS
        return self.width / self.height * (1 if same else squeezed)


def lens_of(shape: tuple[int, int], lens: Lens | None, camera: TrainingCamera) -> Lens:
    """Return the lens of an image of a shape (height, width); without one it is the training camera's."""
    if lens is not None:
        return lens
    top, left = (
        (whole - kept) // 2
        for whole, kept in zip((camera.height, camera.width), camera.size, strict=True)
    )
    K = camera.K.double().clone()
    K[0, 2] += left
    K[1, 2] += top
    return Lens(resized_intrinsics(K, (camera.height, camera.width), shape), ())


def to_training_camera(
    image: NDArray[np.uint8], lens: Lens | None, camera: TrainingCamera, where: str = "image"
) -> tuple[NDArray[np.uint8], Tensor]:
    """Return what the training camera sees of an image (H, W, 3): uint8 (3, h, w), and its K (3, 3) float64.

    Distortion is removed first. An image with the training's field of view is resized and cropped as training
    images are, bit by bit; of a wider one the middle is taken; and what a slightly narrower one did not see is
    black. All is exact for pinholes with one center. Without a lens, the image is taken for one of the training
    camera if it has that shape.

    Raises:
        InputError: The image sees too little of the training camera's view or in too few pixels, or has another
            shape and no lens.
    """
    height, width = image.shape[:2]
    training_K = camera.K.double()
    if lens is None:
        aspect = width / height
        if abs(aspect / camera.aspect - 1) > SAME_ASPECT:
            turned = abs(1 / aspect / camera.aspect - 1) <= SAME_ASPECT
            raise InputError(
                f"{where}: {width} x {height} pixels are {aspect:.2f} times as wide as high, training images "
                f"{camera.aspect:.2f} times; give the image's K, focal_px or camera_file"
                + (", or, if EXIF turned it, set as_stored=true" if turned else "")
            )
        return _as_in_training(image, training_K, camera)[0], training_K
    if lens.distortion:
        image = np.asarray(undistorted(image, lens.K, lens.distortion), np.uint8)
    K = resized_intrinsics(lens.K.double(), (height, width), (camera.height, camera.width))
    # the crop of an empty image only moves K
    K = center_crop(torch.empty(0, camera.height, camera.width), K, *camera.size)[1]
    h, w = camera.size
    corners = torch.tensor([[0.0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1]], dtype=torch.float64).T
    shift_px = (K @ training_K.inverse() @ corners - corners).abs().max().item()
    if shift_px <= SAME_VIEW * max(h, w):
        return _as_in_training(image, K, camera)
    return _resampled(image, lens.K.double(), camera, where), training_K


def _as_in_training(
    image: NDArray[np.uint8], K: Tensor, camera: TrainingCamera
) -> tuple[NDArray[np.uint8], Tensor]:
    """Resize and crop as `PosedImages` does; K (3, 3) is that of the result already."""
    pixels = resized(image, camera.height, camera.width)
    if camera.crop:
        pixels, _ = center_crop(pixels, K, *camera.crop)
    return pixels, K


def _resampled(
    image: NDArray[np.uint8], K: Tensor, camera: TrainingCamera, where: str
) -> NDArray[np.uint8]:
    """Return a pinhole's image (H, W, 3) as the training camera sees it (3, h, w)."""
    height, width = image.shape[:2]
    # shrinking averages, which the interpolation below does not
    shrinking = (camera.K.double().diagonal() / K.diagonal())[:2].clamp(max=1.0)
    new = max(1, round(height * shrinking[1].item())), max(1, round(width * shrinking[0].item()))
    source = resized(image, *new).transpose(1, 2, 0)
    K = resized_intrinsics(K, (height, width), new)
    to_source = (K @ camera.K.double().inverse()).numpy()  # of points in pixels
    h, w = camera.size
    enlarged = 1 / float(to_source.diagonal()[:2].min())
    if enlarged > MOST_ENLARGED:
        raise InputError(
            f"{where}: by its K, one of its pixels is {enlarged:.0f} of the training camera's, expected at most "
            f"{MOST_ENLARGED:.0f}; check K, or take a larger photo"
        )
    seen = []
    for axis, (size, source_size) in enumerate(((w, new[1]), (h, new[0]))):
        at = to_source[axis, axis] * (np.arange(size) + 0.5) + to_source[axis, 2]
        seen.append((at >= 0) & (at <= source_size))
        if seen[-1].mean() < 1 - MOST_MISSING:
            what = ("width", "height")[axis]
            raise InputError(
                f"{where}: shows {100 * seen[-1].mean():.0f} % of the {what} of the training camera's view, "
                f"expected at least {100 - 100 * MOST_MISSING:.0f} %; check K, or take a wider photo"
            )
    between_centers = to_source[:2].copy()
    between_centers[:, 2] += 0.5 * to_source[:2, :2].sum(axis=1) - 0.5
    pixels = cv2.warpAffine(
        source,
        between_centers,
        (w, h),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    pixels[~(seen[1][:, None] & seen[0])] = 0
    return np.ascontiguousarray(np.asarray(pixels, np.uint8).transpose(2, 0, 1))
