import cv2
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.reports.learning_curve import learning_curve

HEADER = "epoch,step,train/loss,train/median_t_m,train/median_r_deg,"
HEADER += "val/median_t_m,val/median_r_deg,val/score"


@pytest.mark.parametrize(
    "rows",
    [
        ["1,10,2.5,0.4,9,0.5,10,0.8"],
        ["1,10,2.5,,,,,", "2,20,-1.5,0.2,5,0.3,6,0.4", "3,30,-2.5,,,,,"],
        ["1,10,nan,inf,inf,inf,inf,inf"],
        ["1,10,2.5,0.0,0.0,0.5,10,nan", "2,20,2.5,0.0,0.0,120.5,10,0.5"],
    ],
    ids=["one epoch", "validated now and then", "diverged", "found itself"],
)
@pytest.mark.filterwarnings("error")
def test_any_history_is_drawn(tmp_path, rows):
    history = tmp_path / "history.csv"
    history.write_text("\n".join([HEADER, *rows]) + "\n")
    learning_curve(tmp_path / "curve.png", history)
    assert cv2.imread(str(tmp_path / "curve.png")).shape[1] == 1300


def test_no_history_is_no_figure(tmp_path):
    learning_curve(tmp_path / "curve.png", tmp_path / "history.csv")
    assert not (tmp_path / "curve.png").exists()


def test_the_chosen_epoch_is_the_first_of_the_best(tmp_path):
    history = tmp_path / "history.csv"
    scores = (0.9, 0.4, 0.4, 0.7)
    rows = [f"{n},{n},1.0,0.2,5,0.3,6,{score}" for n, score in enumerate(scores, start=1)]
    history.write_text("\n".join([HEADER, *rows]) + "\n")
    learning_curve(tmp_path / "curve.svg", history)
    assert "epoch 2" in (tmp_path / "curve.svg").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,step\n1,2\n",
        f"{HEADER}\n1,10,2.5\n",
        f"{HEADER}\nx,1,1,1,1,1,1,1\n",
        f"{HEADER}\n1,1,1,1,1,1,1,y\n",
    ],
)
def test_a_damaged_history_is_one_line(tmp_path, text):
    history = tmp_path / "history.csv"
    history.write_text(text)
    with pytest.raises(
        InputError, match=r"history\.csv .*delete the file; a training that is resumed"
    ) as refused:
        learning_curve(tmp_path / "curve.png", history)
    assert "\n" not in str(refused.value)
