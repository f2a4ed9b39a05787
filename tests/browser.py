"""A headless Chromium, of which every test may change window and colours."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

BINARIES = [shutil.which(name) for name in ("chromium", "chromedriver")]
needs_browser = pytest.mark.skipif(
    None in BINARIES, reason="chromium and chromium-driver are not installed"
)
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNNAMED = (
    "return [...document.querySelectorAll('select, input, button, img, [role=img], [role=slider],"
    " [role=region]')].filter(e => !(e.getAttribute('aria-label')"
    " || e.alt || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).length"
)


@contextmanager
def headless() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = BINARIES[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (
        "headless=new",
        "no-sandbox",
        "enable-unsafe-swiftshader",
        "disable-dev-shm-usage",
        "no-proxy-server",
    ):
        options.add_argument(f"--{flag}")
    with webdriver.Chrome(options, webdriver.ChromeService(BINARIES[1])) as browser:
        yield browser


def emulate(chrome: webdriver.Chrome, width: int, scheme: str, height: int = 900) -> None:
    """Give the window a width in pixels, as a phone has below 500, and light or dark colours."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in media.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    chrome.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": width < 500})


def wait_until_ready(chrome: webdriver.Chrome) -> None:
    ready = "return document.documentElement.dataset.ready === 'yes'"
    WebDriverWait(chrome, 60).until(lambda page: page.execute_script(ready))


def complaints(chrome: webdriver.Chrome) -> list[str]:
    """Errors in the console since it was last asked."""
    return [entry["message"] for entry in chrome.get_log("browser") if entry["level"] == "SEVERE"]
