"""Take the README's screenshot of the demo's report, with Playwright and this machine's Chromium."""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "demo" / "results" / "report.html"
PICTURE = ROOT / "docs" / "images" / "report.png"
WIDTH = 1000
MARGIN = 16
LEFT_OUT = (
    *("header nav", "#run", "#labels", "#variance .columns", "#scatter p"),
    # The screenshot ends with the scatter's legend.
    *("#figure-scatter + .controls", "#scatter ~ section", "footer"),
)


def take(browser: str, page: Path, picture: Path) -> None:
    """Write a screenshot of a report's curve and scatter, with the pointer on a photo."""
    with sync_playwright() as running:
        started = running.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shown = started.new_page(viewport={"width": WIDTH, "height": WIDTH}, color_scheme="light")
        shown.goto(page.as_uri())
        shown.wait_for_function("document.documentElement.dataset.drawn")
        for part in LEFT_OUT:
            shown.evaluate("part => document.querySelectorAll(part).forEach((one) => one.remove())", part)
        # A tooltip is placed on the screen, not on the page: show the whole page.
        end = shown.evaluate("document.getElementById('scatter').getBoundingClientRect().bottom + window.scrollY")
        shown.set_viewport_size({"width": WIDTH, "height": round(end) + MARGIN})
        shown.locator("#figure-scatter .mark-symbol path").first.hover()
        shown.screenshot(path=str(picture))
        started.close()
    with Image.open(picture) as taken:
        # A palette of 256 colours keeps the file small.
        taken.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=1).save(picture, optimize=True)


if __name__ == "__main__":
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("error: The screenshot requires Chromium.\nInstall it: apt-get install chromium")
    take(chromium, REPORT, PICTURE)
    print(f"screenshot: {PICTURE}, {PICTURE.stat().st_size:,} bytes")
