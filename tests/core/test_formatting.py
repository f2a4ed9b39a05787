import pytest

from hinted_posenet.core.formatting import length, length_interval, round_down, short_length
from hinted_posenet.core.tables import markdown_table, text_table
from hinted_posenet.evaluation.metrics import recalls_of


@pytest.mark.parametrize(
    ("metres", "text"),
    [
        (0.0834, "8.3 cm"),
        (0.9994, "99.9 cm"),
        (1.5, "1.50 m"),
        (82.4, "82 m"),
        (250_000.0, "250 km"),
        (float("inf"), "inf m"),
    ],
)
def test_lengths_as_a_person_writes_them(metres: float, text: str) -> None:
    assert length(metres) == text


def test_round_lengths_are_short_and_an_interval_has_the_unit_of_its_length() -> None:
    assert [short_length(x) for x in (0.05, 1.5, 2, 2000)] == ["5 cm", "1.5 m", "2 m", "2 km"]
    assert [round_down(x) for x in (0.3, 5, 999)] == [0.2, 5, 500]
    assert length_interval(0.622, 0.4, 0.669) == "62.2 [40.0, 66.9] cm"


def test_recall_titles_name_both_thresholds() -> None:
    row = {"median_t_m": 1.0, "recall_0.05m_5deg": 0.5, "recall_25m_10deg": 1.0}
    titles = [recall.title for recall in recalls_of({"rows": [row]})]
    assert titles == ["≤ 5 cm, 5°", "≤ 25 m, 10°"]


def test_columns_line_up() -> None:
    lines = text_table([["", "a"], ["group"], ["  method", "10"]]).splitlines()
    assert lines == ["           a", "group", "  method  10"]


def test_tables_without_rows_are_empty():
    assert text_table([]) == "" == markdown_table([])
    assert text_table([["group"]]) == "group"
