"""The page of the service in a headless browser: an image is dropped, the hint is dragged, the answer follows."""

from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from browser import (
    TOO_WIDE,
    UNNAMED,
    complaints,
    emulate,
    headless,
    needs_browser,
    wait_until_ready,
)
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from served import MAP_K, aerial_photo, locate, map_localizer, noise, small_localizer

from hinted_posenet.inference.serve import bound_socket
from hinted_posenet.inference.service import create_app

pytestmark = [pytest.mark.slow, needs_browser]
Open = Callable[..., webdriver.Chrome]
DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0));
const dropped = new DataTransfer();
dropped.items.add(new File([bytes], 'photo.png', {type: 'image/png'}));
document.getElementById('drop').dispatchEvent(
  new DragEvent('drop', {dataTransfer: dropped, bubbles: true, cancelable: true}));
"""


def addressed(app: FastAPI) -> Iterator[str]:
    """Where an application answers, in a thread of this process."""
    with bound_socket("127.0.0.1", 0) as listening:
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from addressed(create_app(small_localizer(tmp_path_factory.mktemp("run"))))


@pytest.fixture(scope="module")
def map_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from addressed(create_app(map_localizer(tmp_path_factory.mktemp("map"))))


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    with headless() as browser:
        yield browser


@pytest.fixture
def opened(address: str, chrome: webdriver.Chrome) -> Iterator[Open]:
    """Opens the page; afterwards the console must be without errors."""

    def opened(width: int = 1240, scheme: str = "light", at: str = address) -> webdriver.Chrome:
        emulate(chrome, width, scheme)
        chrome.get(at)
        wait_until_ready(chrome)
        return chrome

    complaints(chrome)
    yield opened
    assert complaints(chrome) == []


def drop(page: webdriver.Chrome, image: bytes) -> None:
    from base64 import b64encode

    page.execute_script(DROP, b64encode(image).decode())


def element(page: webdriver.Chrome, name: str) -> WebElement:
    return page.find_element(By.ID, name)


def value(page: webdriver.Chrome, name: str) -> float:
    return float(element(page, name).get_property("value"))


def ellipse(page: webdriver.Chrome, mark: str = "answer-mark") -> dict[str, float]:
    """What is drawn of an answer, in pixels."""
    script = (
        f"const e = document.querySelector('#{mark} .outline');"
        "return e && Object.fromEntries(['cx', 'cy', 'rx', 'ry'].map(k => [k, +e.getAttribute(k)]))"
    )
    found: dict[str, float] = page.execute_script(script)
    return found


def until(page: webdriver.Chrome, condition: Callable[[], Any]) -> Any:
    return WebDriverWait(page, 30, poll_frequency=0.05).until(lambda _: condition())


def settled(page: webdriver.Chrome) -> None:
    """No request is on its way any more."""
    until(page, lambda: "started from" in element(page, "more").get_property("textContent"))
    until(
        page,
        lambda: page.execute_script("return document.documentElement.dataset.asking !== 'yes'"),
    )


def drag(page: webdriver.Chrome, name: str, right: int, down: int) -> None:
    grip = element(page, name).find_element(By.CLASS_NAME, "grip")
    moves = ActionChains(page, duration=40).move_to_element(grip).click_and_hold()
    for _ in range(4):
        moves.move_by_offset(right // 4, down // 4)
    moves.release().perform()
    settled(page)


def test_an_image_is_dropped_and_answered(opened: Open, address: str) -> None:
    page = opened()
    assert element(page, "verdict").text.startswith("Drop an image")
    drop(page, noise())
    settled(page)
    expected = locate(httpx.Client(base_url=address, trust_env=False), noise()).json()
    cells = [cell.text for cell in page.find_elements(By.CSS_SELECTOR, "#row-answer td")]
    shown = [float(cell.replace("\N{MINUS SIGN}", "-")) for cell in cells[:2]]
    assert shown == pytest.approx(expected["position_m"][:2], abs=0.06)
    assert element(page, "status").text == expected["status"]
    assert element(page, "verdict").text.startswith("From the image alone: \N{PLUS-MINUS SIGN}")
    assert not element(page, "row-hint").is_displayed()
    assert element(page, "preview").is_displayed()
    assert ellipse(page)["rx"] >= ellipse(page)["ry"] > 0


def test_dragging_the_hint_moves_the_answer(opened: Open) -> None:
    page = opened()
    drop(page, noise())
    settled(page)
    element(page, "use").click()
    settled(page)
    element(page, "whole").click()
    before, u, v = ellipse(page), value(page, "u"), value(page, "v")
    drag(page, "hint-middle", 80, -60)
    assert value(page, "u") > u and value(page, "v") > v
    after = ellipse(page)
    assert (after["cx"], after["cy"]) != (before["cx"], before["cy"])
    verdict = element(page, "verdict").text
    assert "Hint \N{PLUS-MINUS SIGN}" in verdict and "without the hint" in verdict
    assert element(page, "row-alone").is_displayed()
    details = element(page, "more").get_property("textContent")
    assert "image known" in details and "given" in details


def test_size_and_heading_have_handles_and_sliders(opened: Open) -> None:
    page = opened()
    element(page, "use").click()
    sigma_m = value(page, "sigma")
    drag_without_answer(page, "hint-size", 120, 0)
    assert value(page, "sigma") > 1.5 * sigma_m
    element(page, "heading-known").click()
    drag_without_answer(page, "hint-turn", 200, 100)
    assert 30 < value(page, "heading") < 180
    page.execute_script(
        "const e = document.getElementById('heading-slide'); e.value = 270;"
        "e.dispatchEvent(new Event('input'))"
    )
    assert value(page, "heading") == 270
    field = element(page, "sigma")
    field.clear()
    field.send_keys("3.5")
    radius = float(page.find_element(By.ID, "hint-outline").get_attribute("r"))
    assert 10 ** value(page, "sigma-slide") == pytest.approx(3.5, rel=0.03) and radius > 0


def drag_without_answer(page: webdriver.Chrome, name: str, right: int, down: int) -> None:
    grip = element(page, name).find_element(By.CLASS_NAME, "grip")
    ActionChains(page, duration=40).drag_and_drop_by_offset(grip, right, down).perform()


def test_the_hint_is_moved_by_keys(opened: Open) -> None:
    page = opened()
    element(page, "use").click()
    middle = element(page, "hint-middle")
    page.execute_script("arguments[0].focus()", middle)
    u, v, sigma_m = (value(page, name) for name in ("u", "v", "sigma"))
    keys = ActionChains(page).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP)
    keys.key_up(Keys.SHIFT).send_keys("+").perform()
    assert value(page, "u") > u and value(page, "v") > v and value(page, "sigma") > sigma_m
    assert f"{value(page, 'u'):g}"[:3] in middle.get_attribute("aria-valuetext")


def test_a_click_puts_the_hint_and_the_background_pans(opened: Open) -> None:
    page = opened()
    plan = element(page, "plan")
    ActionChains(page, duration=40).move_to_element_with_offset(plan, 90, 90).click().perform()
    assert element(page, "use").is_selected()
    first = value(page, "u")
    assert first > 0 > value(page, "v")
    outline = page.find_element(By.ID, "hint-outline")
    before = float(outline.get_attribute("cx"))
    moves = ActionChains(page, duration=40).move_to_element_with_offset(plan, -150, -100)
    moves.click_and_hold().move_by_offset(-40, 0).move_by_offset(-40, 0).release().perform()
    assert float(outline.get_attribute("cx")) == pytest.approx(before - 80, abs=3)
    assert value(page, "u") == first, "only the view has moved"
    radius = float(outline.get_attribute("r"))
    element(page, "closer").click()
    assert float(outline.get_attribute("r")) == pytest.approx(1.5 * radius, rel=0.01)


def test_the_hint_is_dragged_by_a_finger(opened: Open) -> None:
    page = opened(390)
    drop(page, noise())
    settled(page)
    page.execute_script("document.getElementById('use').click()")
    page.execute_script("document.getElementById('plan').scrollIntoView({block: 'center'})")
    box = page.execute_script(
        "const b = document.querySelector('#hint-middle .grip').getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]"
    )
    u = value(page, "u")
    for kind, off in (("touchStart", 0), ("touchMove", 20), ("touchMove", 60), ("touchEnd", None)):
        points = [] if off is None else [{"x": box[0] + off, "y": box[1] - off}]
        touch = {"type": kind, "touchPoints": points}
        page.execute_cdp_cmd("Input.dispatchTouchEvent", touch)
    settled(page)
    assert value(page, "u") > u
    assert "without the hint" in element(page, "verdict").text


def test_an_image_that_is_forgotten_is_sent_again(opened: Open, address: str) -> None:
    page = opened()
    drop(page, noise())
    settled(page)
    with httpx.Client(base_url=address, trust_env=False) as other:
        for seed in range(20, 30):
            locate(other, noise(seed))
    element(page, "use").click()
    until(page, lambda: "without the hint" in element(page, "verdict").text)
    assert not element(page, "message").is_displayed()
    assert any("404" in line for line in complaints(page))


def test_a_mistake_is_told_and_forgotten(opened: Open) -> None:
    page = opened()
    drop(page, b"no image")
    until(page, lambda: element(page, "message").is_displayed())
    assert element(page, "message").text.startswith("image: not a readable image")
    drop(page, noise())
    settled(page)
    assert not element(page, "message").is_displayed()
    assert all("422" in line for line in complaints(page))


def test_a_map_is_shown_and_asks_for_a_camera(opened: Open, map_address: str) -> None:
    page = opened(at=map_address)
    assert page.execute_script("return document.querySelector('#plan image').href.baseVal")
    assert not element(page, "use").is_enabled() and element(page, "use").is_selected()
    drop(page, aerial_photo())
    until(page, lambda: element(page, "message").is_displayed())
    assert "its camera is not known" in element(page, "message").text
    assert any("422" in line for line in complaints(page))
    element(page, "camera").click()
    for name, text in (("third", "100"), ("sigma", "5"), ("K", MAP_K)):
        element(page, name).clear()
        element(page, name).send_keys(text, Keys.TAB)
    settled(page)
    until(page, lambda: "without" not in element(page, "verdict").text)
    until(page, lambda: "fits the map" in element(page, "more").get_property("textContent"))
    complaints(page)


@pytest.mark.parametrize("width", [390, 820, 1240])
def test_the_page_is_as_wide_as_its_window(opened: Open, width: int) -> None:
    page = opened(width)
    drop(page, noise())
    settled(page)
    page.execute_script("document.getElementById('use').click()")
    settled(page)
    assert page.execute_script(TOO_WIDE) == 0


def test_dark_and_light(opened: Open) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert opened(scheme="light").execute_script(paper) == "rgb(255, 255, 255)"
    assert opened(scheme="dark").execute_script(paper) == "rgb(18, 21, 26)"


def test_names_and_no_other_server(opened: Open, address: str) -> None:
    page = opened()
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.get_attribute("class") == "skip"
    drop(page, noise())
    element(page, "use").click()
    element(page, "heading-known").click()
    settled(page)
    assert page.execute_script(UNNAMED) == 0
    asked = page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert asked and all(url.startswith((address, "blob:", "data:")) for url in asked)
