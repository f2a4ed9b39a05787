"""track: the rows of a path, the same as of the class, and that an interrupted track continues."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from streams import KnownErrors, loop, odometry_of
from tiny import small_checkpoint

from hinted_posenet.cli.compose import compose
from hinted_posenet.cli.track import run
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import quaternion_product, rotate
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference import track_inputs
from hinted_posenet.inference.track import track
from hinted_posenet.inference.track_filter import MotionModel
from hinted_posenet.inference.track_settings import TrackSettings
from hinted_posenet.inference.tracker import Tracker

FRAMES, STEP_S = 12, 0.5
PATH = loop(FRAMES)


class Interrupted(KnownErrors):
    """Is stopped at an image, as by Ctrl-C."""

    def locate(self, image, K=None, hint=None):
        if int(image[0, 0, 0]) == 8:
            raise KeyboardInterrupt
        return super().locate(image, K, hint)


@pytest.fixture
def settings(tmp_path: Path) -> TrackSettings:
    """Images that hold their number, odometry and GPS."""
    photos = tmp_path / "flight"
    photos.mkdir()
    for k in range(FRAMES):
        cv2.imwrite(str(photos / f"{k:03d}.png"), np.full((30, 40, 3), k, np.uint8))
    pose, lines = PATH[0], ["time_s,x,y,z,qw,qx,qy,qz"]
    for k, motion in enumerate(odometry_of(PATH)):
        if motion:
            t = pose.t + rotate(pose.q, motion[0].t)
            pose = Pose(t, quaternion_product(pose.q, motion[0].q))
        lines.append(",".join(map(repr, [STEP_S * k, *pose.t.tolist(), *pose.q.tolist()])))
    (tmp_path / "odom.csv").write_text("\n".join(lines) + "\n")
    gps = [f"{k:03d}.png,{','.join(map(str, PATH[k].t.tolist()))}" for k in range(5)]
    (tmp_path / "gps.csv").write_text("\n".join(["name,x,y,z", *gps]) + "\n")
    (tmp_path / "localizer.ckpt").write_text("")
    return TrackSettings(
        checkpoint=tmp_path / "localizer.ckpt",
        images=str(photos),
        out=tmp_path / "path.csv",
        rate_hz=1 / STEP_S,
        odometry=str(tmp_path / "odom.csv"),
        priors=str(tmp_path / "gps.csv"),
        prior_sigma_m=(1.0, 2.0),
    )


def opened(monkeypatch: pytest.MonkeyPatch, localizer: KnownErrors) -> KnownErrors:
    monkeypatch.setattr(track_inputs, "load", lambda *_: localizer)
    return localizer


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_frame_by_frame_it_answers_as_the_class(
    settings: TrackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(monkeypatch, KnownErrors(PATH))
    lines = track(settings)
    assert "12 frames: 10 ok, 1 lost, 1 started" in lines
    assert "12 of 12 images have odometry" in lines
    tracker = Tracker(KnownErrors(PATH), MotionModel())
    motions = odometry_of(PATH)
    for k, row in enumerate(rows(settings.out)):
        prior = Hint.from_position(PATH[k].t, [1.0, 2.0]) if k < 5 else None
        photo = np.full((30, 40, 3), k, np.uint8)
        found = tracker.step(photo, STEP_S * k, motions[k], prior)
        assert (row["status"], row["hint"], row["note"]) == (found.status, found.hint, found.note)
        assert found.pose is not None
        place = [float(row[name]) for name in ("x_m", "y_m", "z_m")]
        assert torch.allclose(torch.tensor(place).double(), found.pose.t, atol=1e-6)
        assert float(row["time_s"]) == STEP_S * k


def test_an_interrupted_track_continues_to_the_same_path(
    settings: TrackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(monkeypatch, KnownErrors(PATH))
    track(replace(settings, out=settings.out.with_name("whole.csv")))
    opened(monkeypatch, Interrupted(PATH))
    with pytest.raises(KeyboardInterrupt):
        track(settings)
    assert len(rows(settings.out)) == 8
    answers = settings.out.with_name("path.answers.jsonl")
    answers.write_bytes(answers.read_bytes()[:-100])  # power was cut within a line
    rest = opened(monkeypatch, KnownErrors(PATH))
    assert f"7 answers are those of {answers}" in track(settings)
    assert len(rest.hints) == FRAMES - 7
    assert settings.out.read_bytes() == settings.out.with_name("whole.csv").read_bytes()
    again = opened(monkeypatch, KnownErrors(PATH))
    track(replace(settings, drift_m=0.5))
    assert len(again.hints) == FRAMES - 2  # other predictions are other hints
    track(replace(settings, drift_m=0.5, K=(50.0, 50.0, 20.0, 15.0)))
    assert len(again.hints) == 2 * FRAMES - 2


def test_frames_that_cannot_be_used_have_rows_with_the_reason(
    settings: TrackSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened(monkeypatch, KnownErrors(PATH))
    (tmp_path / "flight" / "005.png").write_text("no image")
    stamps = [f"{k:03d}.png,{STEP_S * (k if k != 7 else 6)}" for k in range(FRAMES) if k != 9]
    (tmp_path / "stamps.csv").write_text("\n".join(["name,time_s", *stamps]) + "\n")
    track(replace(settings, rate_hz=None, stamps=tmp_path / "stamps.csv", smooth=True))
    found = rows(settings.out)
    assert len(found) == FRAMES
    assert found[5]["status"] == "coasting"
    assert "005.png: not a readable image" in found[5]["note"]
    assert (found[7]["status"], found[7]["note"]) == ("skipped", "its stamp repeats")
    assert (found[9]["status"], found[9]["note"]) == ("skipped", "its stamp is no number")
    smoothed = rows(settings.out.with_name("path.smoothed.csv"))
    assert [row["name"] for row in smoothed] == [row["name"] for row in found]
    assert [k for k, row in enumerate(smoothed) if row["x_m"] == "nan"] == [0, 7, 9]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate_hz": None}, "state no time in their EXIF; give stamps"),
        ({"out": Path("path.kml")}, "expected one of .csv"),
        ({"checkpoint": None}, "give the folder of a run, or map=PHOTOS"),
        ({"rate_hz": 1e-4}, "both must have one clock"),
        ({"map": ["a", "b"]}, "beside a run it is one file or folder"),
    ],
)
def test_mistakes_are_one_line(
    settings: TrackSettings, monkeypatch: pytest.MonkeyPatch, change: dict, message: str
) -> None:
    opened(monkeypatch, KnownErrors(PATH))
    if change == {"rate_hz": 1e-4}:
        odometry = Path(settings.odometry or "")
        lines = odometry.read_text().splitlines()
        odometry.write_text("\n".join([lines[0], *(f"9{line}" for line in lines[1:])]) + "\n")
    with pytest.raises(InputError, match=message):
        track(replace(settings, **change))


def test_a_stream_that_is_never_located_is_said(settings: TrackSettings, tmp_path: Path) -> None:
    run_folder = small_checkpoint(tmp_path / "run", "method=hinted_residual")
    words = [str(run_folder), f"images={settings.images}", f"out={settings.out}", "rate_hz=2"]
    config = compose("track", f"checkpoint={words[0]}", *words[1:], "accelerator=cpu", "threads=1")
    with pytest.raises(InputError, match="never located"):
        run(config)
    assert len(rows(settings.out)) == FRAMES
