"""The layout of an aerial data set, which `hinted_posenet.data.reader.aerial` reads.

<root>/<scene>/manifest.json   camera, bounds, origin, counts, recipe, versions, hashes
<root>/<scene>/frames.csv      one line an image: name, split, flight, when, T_cam_world, prior
<root>/<scene>/images/<flight>/<index>.jpg
<root>/<scene>/depth/<flight>/<index>.png    where depth was asked for
<root>/<scene>/map.jpg         the world from above, north up
"""

import csv
import io
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import cv2
from numpy.typing import NDArray

from hinted_posenet.geometry import invert
from hinted_posenet.simulator.flight import Station
from hinted_posenet.simulator.world import Epoch
from hinted_posenet.types import Pose

POSE_COLUMNS = [f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz")]
PRIOR_COLUMNS = [f"prior_{part}" for part in (*POSE_COLUMNS, "sigma_t_m", "sigma_r_deg")]
COLUMNS = ["name", "split", "flight", "season", "date", "solar_hour", "time_s"]
COLUMNS += [*POSE_COLUMNS, *PRIOR_COLUMNS]


class FrameLabel(NamedTuple):
    """What is known of one image."""

    name: str  # "<flight>/<index>.<jpg or png>"
    split: str
    flight: str
    epoch: Epoch
    station: Station

    def row(self) -> list[str]:
        """The line of frames.csv; poses are world-to-camera as in COLMAP, no prior is empty."""
        _, season, date, solar_hour = self.epoch
        hour = "" if solar_hour is None else f"{solar_hour:g}"
        when = [season, date, hour, f"{self.station.time_s:.6f}"]
        prior = [""] * len(PRIOR_COLUMNS)
        if bool(self.station.prior.sigma_t_m.isfinite()):
            sigma_r_deg = math.degrees(float(self.station.prior.sigma_r_rad))
            sigmas = [f"{float(self.station.prior.sigma_t_m):.9g}", f"{sigma_r_deg:.9g}"]
            prior = [*_world_to_camera(self.station.prior.pose), *sigmas]
        pose = _world_to_camera(self.station.T_world_cam)
        return [self.name, self.split, self.flight, *when, *pose, *prior]


def _world_to_camera(T_world_cam: Pose) -> list[str]:
    t, q = invert(*T_world_cam)
    return [f"{number:.12g}" for number in [*q.tolist(), *t.tolist()]]


def frames_csv(labels: Iterable[FrameLabel]) -> bytes:
    """The content of frames.csv."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(label.row() for label in labels)
    return text.getvalue().encode()


def encode(image: NDArray[Any], suffix: str) -> bytes:
    """An image as .jpg of quality 90 or as .png: (H, W, 3) RGB uint8 or (H, W) uint16."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90] if suffix == ".jpg" else []
    ok, encoded = cv2.imencode(suffix, image, quality)
    if not ok:
        raise RuntimeError(f"an image {image.shape} could not be encoded as {suffix}")
    return encoded.tobytes()
