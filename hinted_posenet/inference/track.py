"""Track the camera of a stream of images, with odometry and priors from files, and write its path."""

import math
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from itertools import zip_longest

from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.types import Hint
from hinted_posenet.data.exif_camera import exif_camera
from hinted_posenet.data.odometry import Odometry, motion
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.data.query_images import Listed, QueryImage
from hinted_posenet.inference.answer_images import asked_images
from hinted_posenet.inference.answers_file import RecordedLocalizer
from hinted_posenet.inference.checkpoint import checkpoint_file
from hinted_posenet.inference.map_localizer import MapLocalizer
from hinted_posenet.inference.recording import RecordedFrame, recording
from hinted_posenet.inference.track_filter import MotionModel
from hinted_posenet.inference.track_inputs import opened_localizer, read_sensors
from hinted_posenet.inference.track_rows import (
    answers_file,
    path_writer,
    smoothed_file,
    write_smoothed,
)
from hinted_posenet.inference.track_settings import TrackSettings
from hinted_posenet.inference.track_smoother import Smoother
from hinted_posenet.inference.tracked import Frame, Trackable, Tracked
from hinted_posenet.inference.tracker import Tracker

# Keys on which an image, or what the localizer says of it with a hint, depends.
DEPENDENT = {
    "checkpoint",
    "map",
    "dem",
    "dem_above",
    "ground_m",
    "weights",
    "images",
    "image_topic",
}
DEPENDENT |= {"K", "focal_px", "camera_file", "as_stored", "every", "every_s", "accelerator"}
DEPENDENT |= {"tilt_sigma_deg", "heading_deg", "height_above_ground_m"}
SHOWN = 5  # notes in the summary


def track(settings: TrackSettings) -> list[str]:
    """Track a stream and write its path row by row; return a summary.

    Answers of the localizer are kept beside it, so that the same command continues after an interruption.

    Raises:
        InputError: Output, images, localizer, odometry, priors or camera are wrong, or no frame has a pose.
    """
    _check_outputs(settings)
    asked = asked_images(settings)
    localizer, lines = opened_localizer(settings)
    sensors = read_sensors(settings, asked, localizer, lines)
    recorded = RecordedLocalizer(localizer, answers_file(settings.out), _asked(settings))
    tracker = Tracker(recorded, _model(settings), asked.camera)
    smoother, counts, jumps = Smoother(), Counter[str](), list[str]()
    notes: list[str] = []
    with ExitStack() as stack:
        stack.callback(recorded.close)
        writer = stack.enter_context(
            path_writer(settings.out, localizer.origin, settings.covariance)
        )
        viewer = stack.enter_context(recording(settings.recording)) if settings.recording else None
        bar = tqdm(asked.images, "track", len(asked.images), unit="image")
        for image, listed, prior in zip_longest(bar, sensors.listed, sensors.hints):
            if image is None or listed is None:
                break
            recorded.frame = image.name
            frame = _frame(image, listed, prior, sensors.odometry, tracker)
            camera = asked.camera or _camera(image, localizer)
            found = tracker.step(*frame._replace(K=camera))
            if isinstance(image.pixels, InputError):
                found = replace(
                    found, note=f"{image.pixels}; {found.note}".removesuffix("; no image")
                )
            writer.add(image.name, found)
            if settings.smooth:
                smoother.add(tracker, found)
            if viewer:
                viewer.add(_shown(image, frame, found)._replace(camera=camera))
            counts[found.status] += 1
            if found.jump_m:
                jumps.append(f"  {image.name}: {found.note}")
            elif found.note and len(notes) < SHOWN:
                notes.append(f"  {image.name}: {found.note}")
    if not counts or counts["lost"] + counts["skipped"] == sum(counts.values()):
        first = notes[0].strip() if notes else "no two images in turn agree on a place"
        raise InputError(f"{settings.images}: never located; {first}")
    if settings.smooth:
        about = [
            (one.name, math.nan if one.time_s is None else one.time_s) for one in sensors.listed
        ]
        path = smoother.path()
        write_smoothed(
            smoothed_file(settings.out),
            about[: len(path)],
            path,
            localizer.origin,
            settings.covariance,
        )
    statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    lines.append(f"{sum(counts.values())} frames: {statuses}")
    if recorded.reused:
        lines.append(f"{recorded.reused} answers are those of {recorded.path}")
    lines += [*jumps[:SHOWN], *notes]
    written = [settings.out, *([smoothed_file(settings.out)] * settings.smooth)]
    written += [settings.recording] if settings.recording else []
    lines.append(f"written: {', '.join(map(str, written))}, in the world of {localizer.name}")
    return lines


def _check_outputs(settings: TrackSettings) -> None:
    check_writable(settings.out, "out", (".csv",))
    check_writable(answers_file(settings.out), "out")
    if settings.smooth:
        check_writable(smoothed_file(settings.out), "out")
    if settings.recording:
        check_writable(settings.recording, "recording", (".rrd",))


def _model(settings: TrackSettings) -> MotionModel:
    return MotionModel(
        settings.speed_m_s,
        settings.turn_deg_s,
        settings.acceleration_m_s2,
        settings.turn_acceleration_deg_s2,
        settings.drift_m,
        settings.drift_deg,
    )


def _asked(settings: TrackSettings) -> dict[str, str]:
    """Return what the answers depend on, and of a checkpoint also when it was written."""
    asked = {key: str(getattr(settings, key)) for key in sorted(DEPENDENT)}
    if settings.checkpoint is not None:
        about = checkpoint_file(settings.checkpoint).stat()
        asked["checkpoint"] += f", {about.st_size} bytes, {about.st_mtime_ns}"
    return asked


def _frame(
    image: QueryImage,
    listed: Listed,
    prior: Hint | None,
    odometry: Odometry | None,
    tracker: Tracker,
) -> Frame:
    """Return what a tracker takes of an image, but for its camera."""
    stamp_s = math.nan if listed.time_s is None else listed.time_s
    moved = None
    if odometry is not None and tracker.stamp_s is not None and math.isfinite(stamp_s):
        moved = motion(odometry, tracker.stamp_s, stamp_s)
    pixels = None if isinstance(image.pixels, InputError) else image.pixels
    return Frame(pixels, stamp_s, None if moved is None else (moved, None), prior)


def _camera(image: QueryImage, localizer: Trackable) -> QueryCamera | None:
    """Return the camera that a bag states, or over a map a photo; None: that of the training."""
    if image.camera is not None or not isinstance(localizer, MapLocalizer):
        return image.camera
    try:
        return exif_camera(image.path)
    except (InputError, OSError):
        return None


def _shown(image: QueryImage, frame: Frame, found: Tracked) -> RecordedFrame:
    """Return what the viewer shows of a frame."""
    answer = None
    if found.pose is not None and found.covariance is not None:
        answer = Hint(found.pose, found.covariance)
    return RecordedFrame(
        found.stamp_s,
        found.status,
        found.note,
        None if isinstance(image.pixels, InputError) else image.pixels,
        answer=answer,
        motion=frame.motion[0] if frame.motion else None,
        prior=frame.prior,
    )
