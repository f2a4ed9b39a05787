"""Cameras of images that were resized after their labels were made, as images_2/ is: K follows and is noted."""

from collections import Counter
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.cameras import Lens, intrinsics
from hinted_posenet.data.formats.layout import folder_sizes
from hinted_posenet.data.formats.notes import note
from hinted_posenet.data.image_files import stored_size

Size = tuple[int, int]  # (width, height) in pixels


class StoredCameras:
    """Fits cameras to the images as they are stored.

    As reading all headers would take seconds, one image of each folder and stated size speaks for all; whoever
    decodes an image compares its size with that of its view.
    """

    def __init__(self) -> None:
        self.size_of = folder_sizes(None)
        self._stored: dict[tuple[Path, Size], Size] = {}
        self._resized: Counter[tuple[Size, Size]] = Counter()

    def fit(self, image: Path, lens: Lens, stated: Size | None) -> tuple[Lens, Size | None]:
        """Return the lens in pixels of the image as stored, and the size that it is for.

        ``stated`` is the size that the labels name. An image of the same shape was resized, so that K is scaled;
        of another shape, it is another image, and its stated size is kept for whoever compares the two.
        """
        if stated is None:
            return lens, self.size_of(image)
        key = image.parent, stated
        if key not in self._stored:
            try:
                self._stored[key] = stored_size(image)
            except InputError:  # the next image may say
                return lens, stated
        stored = self._stored[key]
        if stored == stated or min(stated) < 1:
            return lens, stated
        # in a resized image, half a pixel of each side may have been rounded off
        if abs(stored[0] * stated[1] - stored[1] * stated[0]) > max(stated):
            return lens, stated
        x, y = stored[0] / stated[0], stored[1] / stated[1]
        self._resized[stated, stored] += 1
        (fx, _, cx), (_, fy, cy), _ = lens.K.tolist()
        return lens._replace(K=intrinsics(fx * x, fy * y, cx * x, cy * y)), stored

    def report(self, folder: Path) -> None:
        """Say how many cameras of a scene were scaled."""
        for (stated, stored), count in self._resized.items():
            note(
                f"{folder}: {count} images are {stored[0]}x{stored[1]} and their cameras for "
                f"{stated[0]}x{stated[1]}; K is scaled to the images"
            )
