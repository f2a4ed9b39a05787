"""The report page in a headless browser, from a file and without a network."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import (
    TOO_WIDE,
    UNNAMED,
    complaints,
    emulate,
    headless,
    needs_browser,
    wait_until_ready,
)
from report_runs import write_runs
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.reports.page.page import write_page

pytestmark = [pytest.mark.slow, needs_browser]
Open = Callable[..., webdriver.Chrome]
PLOTS = "return [...document.querySelectorAll('.plot')].filter(p => p.querySelector('.main-svg')).length"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    write_page(root / "report.html", read_runs(write_runs(root)))
    return root / "report.html"


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    with headless() as browser:
        yield browser


@pytest.fixture
def opened(report: Path, chrome: webdriver.Chrome) -> Iterator[Open]:
    """Opens the page; afterwards the console must be without errors."""

    def opened(width: int = 1240, scheme: str = "light") -> webdriver.Chrome:
        emulate(chrome, width, scheme)
        chrome.get(report.as_uri())
        wait_until_ready(chrome)
        return chrome

    complaints(chrome)
    yield opened
    assert complaints(chrome) == []


def column(page: webdriver.Chrome, title: str) -> tuple[WebElement, Callable[[], list[float]]]:
    """Header of a column of the summary, and its values in the order of the rows."""
    (header,) = (
        h for h in page.find_elements(By.CSS_SELECTOR, "#table th[scope=col]") if title in h.text
    )
    script = (
        "return [...document.querySelector('#table tbody:not([hidden])').rows]"
        ".map(row => Number(row.cells[arguments[0].cellIndex].dataset.value))"
    )
    return header, lambda: page.execute_script(script, header)


def answers(page: webdriver.Chrome) -> list[Any]:
    """What the map draws of the chosen frame."""
    found: list[Any] = page.execute_script("return document.getElementById('map').data[3].x")
    return found


def test_every_plot_is_drawn(opened: Open) -> None:
    page = opened()
    assert page.execute_script(PLOTS) == len(page.find_elements(By.CLASS_NAME, "plot")) == 16
    assert page.find_elements(By.CSS_SELECTOR, "#scene canvas")
    assert not page.find_element(By.ID, "message").is_displayed()


def test_table_is_sorted_by_mouse_and_by_keyboard(opened: Open) -> None:
    page = opened()
    header, values = column(page, "position, median")
    assert header.get_attribute("aria-sort") == "none"
    assert values() != sorted(values())
    header.find_element(By.TAG_NAME, "button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert values() == sorted(values())
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "descending"
    assert values() == sorted(values(), reverse=True)
    page.switch_to.active_element.send_keys(Keys.TAB, Keys.SPACE)
    assert header.get_attribute("aria-sort") == "none"
    assert (
        page.switch_to.active_element.find_element(By.XPATH, "..").get_attribute("aria-sort")
        == "ascending"
    )


def test_empty_cells_come_last(opened: Open) -> None:
    page = opened()
    header, _ = column(page, "another image")
    header.find_element(By.TAG_NAME, "button").click()
    script = (
        "return [...document.querySelector('#table tbody:not([hidden])').rows]"
        ".map(row => row.cells[arguments[0].cellIndex].textContent !== '')"
    )
    filled = page.execute_script(script, header)
    assert filled == sorted(filled, reverse=True)
    assert 0 < sum(filled) < len(filled)


def test_group_changes_table_and_plots(opened: Open) -> None:
    page = opened()
    drawn = "return document.getElementById('map').data[1].x.length"
    first = page.execute_script("return document.getElementById('recall-position').data[1].x")
    assert page.execute_script(drawn) == 60
    Select(page.find_element(By.ID, "group")).select_by_value("unseen seasons")
    WebDriverWait(page, 10).until(lambda page: page.execute_script(drawn) == 30)
    assert (
        page.execute_script("return document.getElementById('recall-position').data[1].x") != first
    )
    (shown,) = (b for b in page.find_elements(By.CSS_SELECTOR, "#table tbody") if b.is_displayed())
    assert shown.get_attribute("data-group") == "unseen seasons"


def test_curves_are_hidden(opened: Open) -> None:
    page = opened()
    page.find_element(By.CSS_SELECTOR, "[name=line][value='1']").send_keys(Keys.SPACE)
    script = "return document.getElementById('recall-position').data.map(t => t.visible)"
    WebDriverWait(page, 10).until(
        lambda page: page.execute_script(script)[:3] == [True, False, True]
    )


def test_frames_are_picked_by_mouse_and_by_keyboard(opened: Open) -> None:
    page = opened()
    select = page.find_element(By.ID, "frame")
    caption = page.find_element(By.ID, "query-caption")
    first, before = caption.text, answers(page)
    assert first.startswith("Frame test/")
    assert page.find_element(By.ID, "neighbour-caption").text.startswith(
        "Most similar training image: train/"
    )
    assert page.find_elements(By.CSS_SELECTOR, "#query img") and page.find_elements(
        By.CSS_SELECTOR, "#neighbour img"
    )
    select.send_keys(Keys.ARROW_DOWN)
    assert caption.text != first
    assert answers(page) != before
    page.find_element(By.ID, "worse").send_keys(Keys.ENTER)
    assert caption.text == first
    best = page.find_element(By.CSS_SELECTOR, "#gallery button")
    best.click()
    assert best.get_attribute("aria-pressed") == "true"
    errors = [row.text for row in page.find_elements(By.CSS_SELECTOR, "#errors tr")]
    assert len(errors) == 7 and all("m" in text and "°" in text for text in errors)
    shown = page.find_element(By.CSS_SELECTOR, "#frames select.method").get_attribute("value")
    assert "oracle" not in errors[int(shown)]  # at first, a network's answers without an oracle
    assert best.text.split(",")[0] in errors[int(shown)]


def test_a_click_on_the_map_picks_its_frame(opened: Open) -> None:
    page = opened()
    page.execute_script(
        "document.getElementById('map').emit('plotly_click', {points: [{customdata: 7}]})"
    )
    assert page.find_element(By.ID, "query-caption").text.startswith("Frame test/0007.jpg")


def test_dark_mode_recolours_page_and_plots(opened: Open) -> None:
    ink = "return getComputedStyle(document.querySelector('#recall-position .xtick text')).fill"
    paper = "return getComputedStyle(document.body).backgroundColor"
    light, dark = (
        [opened(scheme=s).execute_script(x) for x in (ink, paper)] for s in ("light", "dark")
    )
    assert light == ["rgb(27, 31, 36)", "rgb(255, 255, 255)"]
    assert dark == ["rgb(232, 234, 237)", "rgb(18, 21, 26)"]


@pytest.mark.parametrize("width", [390, 820, 1240])
def test_page_is_as_wide_as_its_window(opened: Open, width: int) -> None:
    assert opened(width).execute_script(TOO_WIDE) == 0


def test_headings_landmarks_and_names(opened: Open) -> None:
    page = opened()
    assert page.execute_script(UNNAMED) == 0
    levels = page.execute_script(
        "return [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert len(page.find_elements(By.CSS_SELECTOR, landmark)) == 1
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.get_attribute("class") == "skip"
