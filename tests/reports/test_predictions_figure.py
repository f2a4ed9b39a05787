import cv2
import numpy as np
import pytest

from hinted_posenet.reports.positions_figure import ground_of, predictions_figure

TRUE_M = np.array([[0.0, 0.1, 0.0], [2.0, 0.0, 4.0], [4.0, 0.1, 8.0]])
NOWHERE = np.full((3, 3), np.nan)


@pytest.mark.parametrize(
    "predicted_m",
    [TRUE_M + 1, NOWHERE, NOWHERE * np.inf, TRUE_M],
    ids=["off", "nan", "inf", "same"],
)
@pytest.mark.filterwarnings("error")
def test_any_answer_is_drawn(tmp_path, predicted_m):
    predictions_figure(tmp_path / "predictions.png", "title", TRUE_M, predicted_m, None)
    assert cv2.imread(str(tmp_path / "predictions.png")).shape[1] == 700


def test_without_a_map_the_axes_are_those_along_which_cameras_moved_most():
    ground = ground_of(TRUE_M, TRUE_M, None)
    assert ground.axes == (0, 2)
    assert ground.x_m[0] < 0 < 4 < ground.x_m[1]
    assert ground.y_m[0] < 0 < 8 < ground.y_m[1]


def test_the_map_is_drawn_in_its_place(tmp_path):
    """Red where x > 0, blue elsewhere; north is up."""
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:, 2] = picture[:, :50, 0] = 255
    cv2.imwrite(str(tmp_path / "map.jpg"), picture)
    overview = {"image": str(tmp_path / "map.jpg"), "bounds_m": [-10, -10, 10, 10]}
    path = tmp_path / "predictions.png"
    predictions_figure(path, "title", TRUE_M, TRUE_M, overview)
    drawn = cv2.imread(str(path)).astype(int)
    middle = drawn[len(drawn) // 2]
    blue, red = (np.flatnonzero(middle[:, a] > middle[:, b] + 50) for a, b in ((0, 2), (2, 0)))
    assert len(blue) > 100 and len(red) > 100
    assert np.median(blue) < np.median(red)
