import pytest

from hinted_posenet.report.table import length, recall_title, text_table


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
    assert recall_title("recall_0.05m_5deg") == "≤ 5 cm, 5°"
    assert recall_title("recall_25m_10deg") == "≤ 25 m, 10°"


def test_columns_line_up() -> None:
    lines = text_table([["", "a"], ["group"], ["  method", "10"]]).splitlines()
    assert lines == ["           a", "group", "  method  10"]
