"""The camera of a TUM RGB-D recording: of a file beside it, or one of the three published ones."""

from pathlib import Path

from hinted_posenet.camera_io import Lens, intrinsics
from hinted_posenet.data.reader.colmap_model import Camera, read_cameras_txt
from hinted_posenet.types import InputError

FILE = "cameras.txt"
PUBLISHED_SIZE = (640, 480)
# the data set's own calibration of its three cameras: fx, fy, cx, cy, and the lens k1, k2, p1, p2, k3
PUBLISHED: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "freiburg1": (
        (517.306408, 516.469215, 318.643040, 255.313989),
        (0.262383, -0.953104, -0.005358, 0.002628, 1.163314),
    ),
    "freiburg2": (
        (520.908620, 521.007327, 325.141442, 249.701764),
        (0.231222, -0.784899, -0.003257, -0.000105, 0.917205),
    ),
    "freiburg3": ((535.4, 539.2, 320.1, 247.6), ()),  # its images are undistorted
}


def tum_camera(folder: Path) -> Camera:
    """The camera of ``cameras.txt`` in a recording's folder, else the one that the folder's name tells."""
    path = folder / FILE
    if path.is_file():
        cameras = list(read_cameras_txt(path).values())
        if len(cameras) != 1:
            raise InputError(f"{path}: expected one camera, found {len(cameras)}; keep one line")
        return cameras[0]
    for name, ((fx, fy, cx, cy), distortion) in PUBLISHED.items():
        if name in folder.name:
            # published as OpenCV counts, from the centre of the top-left pixel; we count from its corner
            K = intrinsics(fx, fy, cx + 0.5, cy + 0.5)
            return Camera(Lens(K, distortion), *PUBLISHED_SIZE)
    raise InputError(
        f"{folder}: its camera is not known (no {', '.join(PUBLISHED)} in the folder's name); write "
        f"{FILE} with a line `1 PINHOLE width height fx fy cx cy`, see docs/formats.md"
    )
