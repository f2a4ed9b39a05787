"""Predict: which hint and camera each image is asked with, and what is written of those without an answer."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.load_image import Pixels
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference import predict as module
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.predict import predict
from hinted_posenet.inference.predict_settings import PredictSettings

DOWN = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64)


class Recorder:
    """A localizer that answers with the hint, or else the origin, and keeps what it was asked."""

    name = "aerial/village"
    takes_hints = True
    extent = (torch.zeros(3), 1000.0)
    origin: Origin | None = None

    def __init__(self) -> None:
        self.asked: list[tuple[Pixels, QueryCamera | None, Hint | None]] = []

    def locate(self, image: Pixels, K: QueryCamera | None, hint: Hint | None) -> Estimate:
        if image.shape[1] > 100:
            raise InputError("image: too wide")
        self.asked.append((image, K, hint))
        t = torch.zeros(3, dtype=torch.float64) if hint is None else hint.pose.t
        covariance: Tensor = 4 * torch.eye(6, dtype=torch.float64)
        return Estimate(Pose(t, DOWN), covariance, "ok", "none", 1, 0.0, ())


@pytest.fixture
def localizer(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(module, "load", lambda *_: recorder)
    return recorder


@pytest.fixture
def settings(tmp_path: Path) -> PredictSettings:
    """Four images, of which b cannot be read and c is too wide."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, width in (("a", 40), ("c", 120), ("d", 40)):
        cv2.imwrite(str(photos / f"{name}.png"), np.full((30, width, 3), ord(name), np.uint8))
    (photos / "b.png").write_text("no image")
    return PredictSettings(images=str(photos), out=tmp_path / "poses.csv")


def rows(settings: PredictSettings) -> list[dict[str, str]]:
    with settings.out.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_image_has_a_row(localizer: Recorder, settings: PredictSettings) -> None:
    found = predict(settings)
    written = rows(settings)
    assert [row["name"] for row in written] == ["a.png", "b.png", "c.png", "d.png"]
    assert [row["x_m"] for row in written] == ["0.0", "nan", "nan", "0.0"]
    assert written[0]["status"] == "ok"
    assert "b.png: not a readable image" in written[1]["status"]
    assert written[2]["status"] == "too wide"
    assert "4 images: 2 ok, 2 without an answer" in found.lines
    assert [int(image[0, 0, 0]) for image, _, _ in localizer.asked] == [ord("a"), ord("d")]


def test_each_image_is_asked_with_its_own_prior(
    localizer: Recorder, settings: PredictSettings, tmp_path: Path
) -> None:
    file = tmp_path / "gps.csv"
    file.write_text("name,x,y,z\nd.png,1,2,3\nb.png,4,5,6\nz.png,7,8,9\n")
    found = predict(replace(settings, priors=str(file), prior_sigma_m=(5.0, 15.0)), shown=4)
    (_, _, first), (_, _, last) = localizer.asked
    assert first is None
    assert last is not None
    assert last.pose.t.tolist() == [1, 2, 3]
    assert last.covariance.diagonal()[:3].tolist() == [25, 25, 225]
    text = "\n".join(found.lines)
    assert "2 of 4 images have a prior" in text
    assert "2 images without a prior: a.png, c.png" in text
    assert "gps.csv line 4" in text
    assert [row["z_m"] for row in rows(settings)] == ["0.0", "nan", "nan", "3.0"]
    assert [one.row.name for one in found.shown] == ["a.png", "b.png", "c.png", "d.png"]
    assert [one.pixels is None for one in found.shown] == [False, True, False, False]


def test_frames_of_a_video_find_their_priors_by_time(
    localizer: Recorder, settings: PredictSettings, tmp_path: Path
) -> None:
    path = tmp_path / "flight.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), number, np.uint8))
    writer.release()
    file = tmp_path / "gps.csv"
    file.write_text("time_s,x,y,z,sigma_t_m\n900.5,1,0,0,5\n901.5,2,0,0,5\n")
    asked = replace(settings, images=str(path), every_s=0.5, video_start_s=900.0, priors=str(file))
    predict(asked)
    assert [row["time_s"] for row in rows(asked)] == ["900.0", "900.5", "901.0", "901.5"]
    hints = [hint if hint is None else hint.pose.t[0].item() for _, _, hint in localizer.asked]
    assert hints == [None, 1.0, None, 2.0]


def test_the_camera_reaches_the_localizer(localizer: Recorder, settings: PredictSettings) -> None:
    predict(replace(settings, K=(50.0, 50.0, 20.0, 15.0)))
    _, camera, _ = localizer.asked[0]
    assert camera is not None
    assert camera.of_image(30, 40).K[0].tolist() == [50, 0, 20]


def test_far_priors_are_refused_or_ignored(
    localizer: Recorder, settings: PredictSettings, tmp_path: Path
) -> None:
    file = tmp_path / "gps.csv"
    file.write_text("name,x,y,z,sigma_t_m\na.png,1e6,0,0,5\nd.png,1,2,3,5\n")
    asked = replace(settings, priors=str(file))
    with pytest.raises(InputError, match=r"a.png: its prior is 1,?000 km from the scene"):
        predict(asked)
    assert not localizer.asked
    predict(replace(asked, far_priors="ignore"))
    assert [hint is None for _, _, hint in localizer.asked] == [True, False]


def test_what_cannot_be_written_is_refused_before_the_first_answer(
    localizer: Recorder, settings: PredictSettings, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no geographic origin"):
        predict(replace(settings, out=tmp_path / "poses.kml"))
    assert not localizer.asked
    localizer.origin = Origin(8.5, 47.4, 400.0, "geoid")
    predict(replace(settings, out=tmp_path / "poses.kml"))
    assert "<name>d.png</name>" in (tmp_path / "poses.kml").read_text()


def test_images_without_any_answer_are_an_error(
    localizer: Recorder, settings: PredictSettings
) -> None:
    with pytest.raises(InputError, match=r"c.png: too wide"):
        predict(replace(settings, images=f"{settings.images}/c*"))
    assert not settings.out.exists()
