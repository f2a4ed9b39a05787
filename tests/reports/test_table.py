import pytest

from hinted_posenet.core.formatting import length
from hinted_posenet.core.tables import text_table
from hinted_posenet.evaluation.metrics import recalls_of


@pytest.mark.parametrize(
    ("metres", "text"),
    [
        (0.0834, "8.3 cm"),
        (0.9994, "99.9 cm"),
        (1.5, "1.50 m"),
        (82.4, "82 m"),
        (float("inf"), "inf m"),
    ],
)
def test_lengths_as_a_person_writes_them(metres: float, text: str) -> None:
    assert length(metres) == text


def test_recall_titles_name_both_thresholds() -> None:
    row = {"median_t_m": 1.0, "recall_0.05m_5deg": 0.5, "recall_25m_10deg": 1.0}
    titles = [recall.title for recall in recalls_of({"rows": [row]})]
    assert titles == ["≤ 5 cm, 5°", "≤ 25 m, 10°"]


def test_columns_line_up() -> None:
    lines = text_table([["", "a"], ["group"], ["  method", "10"]]).splitlines()
    assert lines == ["           a", "group", "  method  10"]
