"""Record a tracked flight for the rerun viewer: a file .rrd with images, path, ellipses, odometry and GPS in time.

`rerun flight.rrd` shows it, after ``pip install 'hinted_posenet[viewer]'``. The viewer computes in float32, so a
world far from its origin is shown from a place nearby in whole kilometres, which the recording states.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import atomic_write, check_writable
from hinted_posenet.core.geometry import quaternion_product, rotate
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference.estimate import CHI2_3_95

if TYPE_CHECKING:
    import rerun as rr

SIDE_PX = 640  # of the images in a recording, the longer one
JPEG_QUALITY = 80
FAR_M = 10_000.0  # from the origin, where float32 is off by a millimetre
SINCE_1970_S = 1e8  # stamps above it are dates, others count from a start
PATH, ODOMETRY, GPS = (0, 114, 178), (230, 159, 0), (204, 121, 167)  # distinct to colour-blind eyes


class RecordedFrame(NamedTuple):
    """What is shown of one frame."""

    stamp_s: float
    status: str  # "ok", or what else a tracker says
    note: str = ""
    pixels: NDArray[np.uint8] | None = None  # RGB (H, W, 3)
    camera: QueryCamera | None = None  # of these pixels
    answer: Hint | None = None  # T_world_cam (), with its covariance
    motion: Pose | None = (
        None  # T_before_now () of odometry since the last frame; None where it has a gap
    )
    prior: Hint | None = None  # of GPS or others, () in the world


@contextmanager
def recording(path: Path) -> Iterator["Recording"]:
    """Open a file .rrd, to which frames are added; it gets its name at the end, when it is whole.

    Raises:
        InputError: It cannot be written.
    """
    check_writable(path, "recording", (".rrd",))
    import rerun as rr

    with atomic_write(path) as partial:
        stream = rr.RecordingStream("hinted_posenet", recording_id=path.stem)
        stream.save(partial, _views())
        opened = Recording(stream)
        try:
            yield opened
        finally:
            opened.draw_paths()
            stream.flush()
            stream.disconnect()


class Recording:
    """A recording that is being written; made by `recording`."""

    def __init__(self, stream: "rr.RecordingStream") -> None:
        import rerun as rr

        self._stream, self._rr = stream, rr
        self._count = 0
        self._offset_m: Tensor | None = None  # (3,) of what is shown in the world
        self._path: list[list[float]] = []
        self._odometry: Pose | None = None  # moved on from the first answer by odometry alone
        self._strips: list[list[list[float]]] = [[]]  # of odometry; a gap begins a new one
        self._gps: list[list[float]] = []
        stream.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)

    def add(self, frame: RecordedFrame) -> None:
        """Write one frame; what it does not have is not shown."""
        rr, stream = self._rr, self._stream
        stream.set_time("frame", sequence=self._count)
        if abs(frame.stamp_s) > SINCE_1970_S:
            stream.set_time("time", timestamp=frame.stamp_s)
        else:
            stream.set_time("time", duration=frame.stamp_s)
        self._count += 1
        level = rr.TextLogLevel.INFO if frame.status == "ok" else rr.TextLogLevel.WARN
        if frame.note or frame.status != "ok":
            stream.log("log", rr.TextLog(f"{frame.status}: {frame.note}".rstrip(": "), level=level))
        if frame.pixels is not None:
            self._add_image(frame.pixels, frame.camera)
        if frame.answer is not None:
            self._add_answer(frame.answer)
        self._add_odometry(frame)
        if frame.prior is not None and bool(frame.prior.variance[:3].isfinite().all()):
            t = self._shown(frame.prior.pose.t)
            self._gps.append(t)
            stream.log("world/gps", rr.Points3D([t], colors=[GPS], radii=rr.Radius.ui_points(4)))
            self._add_ellipsoid("world/gps/ellipsoid", t, frame.prior.covariance, GPS)

    def draw_paths(self) -> None:
        """Write the whole paths, which the viewer shows at all times."""
        rr = self._rr
        strips = [[self._path], self._strips, [self._gps]]
        for name, found, colour in zip(
            ("path", "odometry_path", "gps_path"), strips, (PATH, ODOMETRY, GPS), strict=True
        ):
            lines = [strip for strip in found if len(strip) > 1]
            if lines:
                shown = rr.LineStrips3D(lines, colors=[colour] * len(lines))
                self._stream.log(f"world/{name}", shown, static=True)

    def _add_image(self, pixels: NDArray[np.uint8], camera: QueryCamera | None) -> None:
        rr = self._rr
        height, width = pixels.shape[:2]
        scale = min(1.0, SIDE_PX / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        content = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
        self._stream.log(
            "world/camera/image", rr.EncodedImage(contents=content, media_type="image/jpeg")
        )
        with suppress(InputError):  # a camera of other images, which the tracker names
            if camera is not None:
                K = camera.of_image(height, width).K.numpy()
                K = K * np.array([[size[0] / width], [size[1] / height], [1.0]])
                pinhole = rr.Pinhole(image_from_camera=K, resolution=size)  # without distortion
                self._stream.log("world/camera/image", pinhole)

    def _add_answer(self, answer: Hint) -> None:
        rr = self._rr
        t, (w, x, y, z) = self._shown(answer.pose.t), answer.pose.q.tolist()
        self._path.append(t)
        self._stream.log("world/camera", rr.Transform3D(translation=t, quaternion=[x, y, z, w]))
        self._add_ellipsoid("world/ellipsoid", t, answer.covariance, PATH)
        sigmas = answer.covariance.diagonal().sqrt()
        self._stream.log("sigma/position_m", rr.Scalars(float(sigmas[:3].max())))
        self._stream.log("sigma/rotation_deg", rr.Scalars(math.degrees(float(sigmas[3:].max()))))

    def _add_odometry(self, frame: RecordedFrame) -> None:
        """Move on by odometry alone, from the first answer and anew after a gap."""
        before, motion = self._odometry, frame.motion
        if before is None or motion is None:
            self._odometry = frame.answer.pose if frame.answer else None
            self._strips.append([])
        else:
            t = before.t + rotate(before.q, motion.t.to(before.t))
            self._odometry = Pose(t, quaternion_product(before.q, motion.q.to(before.q)))
        if self._odometry is not None:
            t_shown = self._shown(self._odometry.t)
            self._strips[-1].append(t_shown)
            points = self._rr.Points3D(
                [t_shown], colors=[ODOMETRY], radii=self._rr.Radius.ui_points(4)
            )
            self._stream.log("world/odometry", points)

    def _add_ellipsoid(
        self, entity: str, t: list[float], covariance: Tensor, colour: tuple[int, int, int]
    ) -> None:
        """Write the ellipsoid that holds a position with 95 %."""
        if not bool(covariance[:3, :3].isfinite().all()):
            return
        values, axes = torch.linalg.eigh(covariance[:3, :3].double())
        axes = axes * torch.linalg.det(axes)  # a rotation; an axis may point either way
        half = (CHI2_3_95 * values.clamp_min(0.0)).sqrt().tolist()
        w, x, y, z = Pose.from_matrix(torch.cat([axes, torch.zeros(3, 1)], dim=1)).q.tolist()
        shown = self._rr.Ellipsoids3D(
            half_sizes=[half], centers=[t], quaternions=[[x, y, z, w]], colors=[colour]
        )
        self._stream.log(entity, shown)

    def _shown(self, t: Tensor) -> list[float]:
        """Return a position (3,) of the world as the viewer gets it."""
        t = t.double()
        if self._offset_m is None:
            near = float(t.abs().max()) <= FAR_M
            self._offset_m = torch.zeros_like(t) if near else (t / 1000.0).round() * 1000.0
            east, north, up = self._offset_m.tolist()
            text = f"The origin shown is at x {east:.0f} m, y {north:.0f} m, z {up:.0f} m of the world."
            self._stream.log("about", self._rr.TextDocument(text), static=True)
        moved: list[float] = (t - self._offset_m).tolist()
        return moved


def _views() -> "rr.blueprint.Blueprint":
    """Return how the viewer arranges it: the world beside the image, below them sigmas and the log."""
    import rerun.blueprint as rrb

    return rrb.Blueprint(
        rrb.Vertical(
            rrb.Horizontal(
                rrb.Spatial3DView(origin="world", name="world"),
                rrb.Spatial2DView(origin="world/camera/image", name="image"),
            ),
            rrb.Horizontal(
                rrb.TimeSeriesView(origin="sigma", name="standard deviations"),
                rrb.TextLogView(origin="log", name="log"),
            ),
            row_shares=[3, 1],
        )
    )
