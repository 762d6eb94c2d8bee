"""What tests of the report share: hostile labels, and a browser."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=https://example.org/x.png onerror=alert(2)>",
    'it\'s "quoted" & <b>bold</b>',
    "pêche 🍑",
    "__proto__",
    "a, b; c",
    "@right",
    "<!--",
    "{{7*7}} ${7*7}",
)
"""Labels that would do harm where they are not taken as text."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start a browser that Playwright drives; skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: make setup")
    # A root's browser, as in a container, cannot make a sandbox.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        started.close()
