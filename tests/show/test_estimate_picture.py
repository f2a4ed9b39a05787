"""The picture of estimates: what each map shows around its camera, and what is said of an image without a pose."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.inference.map_marks import CHI_95
from hinted_posenet.show import estimate_picture
from hinted_posenet.show.estimate_picture import ESTIMATE, HINT, scene_map, write_estimates_picture

IMAGE = np.full((60, 80, 3), (200, 30, 30), np.uint8)
TRAINING = np.array([[0.0, 0, 50], [1000, 0, 51], [0, 800, 52], [1000, 800, 50]])
DOWN = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64)


def covariance(sigma_x_m: float, sigma_y_m: float) -> torch.Tensor:
    sigma = torch.tensor([sigma_x_m, sigma_y_m, 3.0, 0.02, 0.02, 0.02], dtype=torch.float64)
    return torch.diag(sigma.square())


def estimate(name: str, x_m: float, y_m: float, spread: torch.Tensor) -> Located:
    position = torch.tensor([x_m, y_m, 50.0], dtype=torch.float64)
    return Located(EstimateRow(name, Pose(position, DOWN), spread, "ok"), IMAGE)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved from now on."""
    found: list[Figure] = []

    def save(figure: Figure, *_: Any) -> None:
        found.append(figure)

    monkeypatch.setattr(estimate_picture, "save_figure", save)
    return found


def lines(axes: Any, colour: str) -> list[np.ndarray]:
    return [line.get_xydata() for line in axes.lines if same_color(line.get_color(), colour)]


def test_ellipses_and_heading_lie_around_the_estimate_and_the_hint(saved: list[Figure]) -> None:
    place = torch.tensor([420.0, 320.0, 60.0], dtype=torch.float64)
    one = estimate("a.jpg", 400, 300, covariance(10, 5))
    one = one._replace(hint=Hint(Pose(place, DOWN), covariance(30, 30)))
    write_estimates_picture(Path("a.png"), [one], scene_map(TRAINING))
    photo, ground = saved[0].axes
    np.testing.assert_array_equal(photo.images[0].get_array(), IMAGE)
    assert photo.get_title("left").splitlines() == [
        "a.jpg: ok",
        "x 400.0 \N{PLUS-MINUS SIGN} 10.0, y 300.0 \N{PLUS-MINUS SIGN} 5.0, z 50.0 \N{PLUS-MINUS SIGN} 3.0 m; "
        "rotation \N{PLUS-MINUS SIGN} 1.1°",
    ]
    outline, point = lines(ground, ESTIMATE)
    assert point.tolist() == [[400, 300]]
    assert np.ptp(outline, axis=0) == pytest.approx([20 * CHI_95, 10 * CHI_95], rel=1e-3)
    outline, point = lines(ground, HINT)
    assert point.tolist() == [[420, 320]]
    assert np.ptp(outline, axis=0) == pytest.approx([60 * CHI_95] * 2, rel=1e-3)
    (left, right), (low, high) = ground.get_xlim(), ground.get_ylim()
    assert (left + right, low + high) == pytest.approx((800, 600))
    assert left < outline[:, 0].min() < outline[:, 0].max() < right
    arrow = ground.texts[-1]
    assert arrow.xy[0] == pytest.approx(400)
    assert arrow.xy[1] > 300  # the top of the image is north


def test_unknown_uncertainty_has_no_ellipse(saved: list[Figure]) -> None:
    one = estimate("a.jpg", 400, 300, torch.diag(torch.full((6,), torch.inf)))
    write_estimates_picture(Path("a.png"), [one], scene_map(TRAINING))
    photo, ground = saved[0].axes
    assert photo.get_title("left").endswith("x 400.0, y 300.0, z 50.0 m")
    assert [len(line) for line in lines(ground, ESTIMATE)] == [1]
    assert ground.get_xlim()[1] - ground.get_xlim()[0] == pytest.approx(0.16 * 1100)


def test_an_image_without_an_answer_shows_the_whole_map(saved: list[Figure]) -> None:
    row = EstimateRow.unanswered("b.jpg", "outside the map")
    write_estimates_picture(Path("a.png"), [Located(row, None)], scene_map(TRAINING))
    photo, ground = saved[0].axes
    assert photo.get_title("left") == "b.jpg: outside the map\nno position"
    assert photo.texts[0].get_text() == "no image"
    assert ground.get_xlim() == pytest.approx((-50, 1050))


def test_the_map_has_the_axes_along_which_cameras_moved() -> None:
    assert scene_map(TRAINING).plane == (0, 1)
    assert scene_map(TRAINING[:, [0, 2, 1]]).plane == (0, 2)


def test_the_picture_from_above_lies_under_the_map(tmp_path: Path, saved: list[Figure]) -> None:
    path = tmp_path / "map.jpg"
    cv2.imwrite(str(path), np.full((8, 10, 3), 90, np.uint8))
    overview = {"image": str(path), "bounds_m": [-100, -100, 1100, 900]}
    scene = scene_map(TRAINING, overview)
    write_estimates_picture(Path("a.png"), [estimate("a", 0, 0, covariance(9, 9))], scene)
    ground = saved[0].axes[1]
    assert ground.images[0].get_extent() == [-100, 1100, -100, 900]
    assert ground.get_xlabel() == "east in m"


def test_the_picture_is_written(tmp_path: Path) -> None:
    scene = scene_map(TRAINING)
    three = [estimate(f"{i}.jpg", 300 * i, 200, covariance(9, 9)) for i in range(3)]
    write_estimates_picture(tmp_path / "a.png", three, scene)
    assert cv2.imread(str(tmp_path / "a.png")).shape[0] > 500
    with pytest.raises(InputError, match=r"preview=a.gif: expected one of .jpg"):
        write_estimates_picture(Path("a.gif"), three, scene)
