"""Photographs the demonstration's report for README, with Playwright and the browser of this machine."""

import shutil
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "demo" / "results" / "report.html"
PICTURE = ROOT / "docs" / "images" / "report.png"
WIDTH = 1000
MARGIN = 16
LEFT_OUT = (
    *("header nav", "#run", "#labels", "#variance .columns", "#scatter p"),
    # The picture ends with the scatter's legend.
    *("#figure-scatter + .controls", "#scatter ~ section", "footer"),
)
COLOURS = 256
"""A palette keeps the picture small."""


def main() -> int:
    """Write the picture; return the exit code."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not REPORT.is_file():
        message = "no browser: apt-get install chromium" if browser is None else f"no {REPORT}: make demo"
        print(f"screenshot: there is {message}", file=sys.stderr)
        return 1
    photograph(browser, REPORT, PICTURE)
    print(f"screenshot: {PICTURE}, {PICTURE.stat().st_size:,} bytes")
    return 0


def photograph(browser: str, page: Path, picture: Path) -> None:
    """Write a picture of a report, its curve and its scatter, with the pointer on a photo."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only installed for development

    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as running:
        started = running.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shown = started.new_page(viewport={"width": WIDTH, "height": WIDTH}, color_scheme="light")
        shown.goto(page.as_uri())
        shown.wait_for_function("document.documentElement.dataset.drawn")
        for part in LEFT_OUT:
            shown.evaluate("part => document.querySelectorAll(part).forEach((one) => one.remove())", part)
        # All of it in sight: a tooltip has its place on the screen, not on the page.
        end = shown.evaluate("document.getElementById('scatter').getBoundingClientRect().bottom + window.scrollY")
        shown.set_viewport_size({"width": WIDTH, "height": round(end) + MARGIN})
        shown.locator("#figure-scatter .mark-symbol path").last.hover()
        shown.screenshot(path=str(picture))
        started.close()
    with Image.open(picture) as taken:
        taken.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
