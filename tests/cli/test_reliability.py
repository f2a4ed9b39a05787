"""The page of faults is what the verbs answer, and none of them answers with a traceback."""

import re
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs/tools"))
PAGE = (ROOT / "docs/reliability.md").read_text()
AGAIN = ["an unknown key", "its file is missing", "its output's folder cannot be made"]


def test_no_cell_is_a_traceback_or_goes_on_in_silence():
    from reliability_table import FAULTS, VERBS

    table = PAGE.partition("<!-- begin faults -->")[2].partition("<!-- end faults -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[2:]] == list(FAULTS)
    assert all(len(row) == 1 + len(VERBS) for row in rows)
    assert all(re.fullmatch("[012]|-", cell) for row in rows[2:] for cell in row[1:])
    assert "TRACEBACK" not in table


@pytest.mark.slow
def test_the_page_is_what_the_verbs_answer():
    from reliability_table import answers, table

    # it forks, which the threads of autograd do not survive that other tests may have started for their device
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        found = fresh.submit(answers, AGAIN).result()
    lines = [line for line in table(found).splitlines() if line][2:]
    assert len(lines) > 2 * len(AGAIN)
    assert [line for line in lines if line not in PAGE.splitlines()] == []
