#!/usr/bin/env bash
# A picture of a report for the README: scripts/picture_report.sh REPORT.html PICTURE.jpg [SECTION [HEIGHT [light|dark]]]
# Needs chromium and chromium-driver; paths are from the checkout. SECTION is an id of the page: recall, histograms,
# hints, passes, calibration, above, space or frames; its top by default.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
command -v chromium chromedriver >/dev/null || {
    echo "no picture of $1: apt-get install chromium chromium-driver, and run again" >&2
    exit 0
}
python - "$@" <<'PYTHON'
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

report, picture, section, height, scheme = sys.argv[1:] + ["", "900", "light"][len(sys.argv) - 3 :]
options = webdriver.ChromeOptions()
for flag in ("headless=new", "no-sandbox", "enable-unsafe-swiftshader", "hide-scrollbars"):
    options.add_argument(f"--{flag}")
options.binary_location = shutil.which("chromium")
driver = webdriver.ChromeService(shutil.which("chromedriver"))  # selenium would download one
with webdriver.Chrome(options, driver) as browser:
    size = {"width": 1200, "height": int(height), "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    colours = [{"name": "prefers-color-scheme", "value": scheme}]
    colours += [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": colours})
    browser.get(Path(report).resolve(strict=True).as_uri() + (f"#{section}" if section else ""))
    ready = "return document.documentElement.dataset.ready === 'yes'"
    WebDriverWait(browser, 60).until(lambda page: page.execute_script(ready))
    shot = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
shot.convert("RGB").save(picture, quality=85)
PYTHON
