"""Tests of the report as a person sees it: job/report/page.py, page.css and interactive.js in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infra.commands.sample_photos import FRUITS, draw_photo
from job.report import making
from tests.job.report import synthetic
from tests.job.report.conftest import HOSTILE

DESKTOP = {"width": 1200, "height": 900}
PHONE = {"width": 360, "height": 740}
SECTIONS = ["run", "labels", "variance", "scatter", "classifier", "mistakes", "quality", "rejected", "time"]
FIGURES = ["scree", "scatter", "confusion", "stages", "tasks"]
PREDICTION_FIGURES = ["certainty", "scatter", "stages", "tasks"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a run on labels that would do harm where they are not taken as text. Read only."""
    folder = tmp_path_factory.mktemp("hostile")
    rejected = (("/photos/<script>alert(3)</script>/1.jpg", "damaged: <b>cut</b> off"),)
    run = synthetic.Run(HOSTILE, train=8, test=8, rejected=rejected)
    manifest = synthetic.write(run, folder)
    making.write(str(folder), manifest, "en")
    return folder / "report.html"


@contextmanager
def looked_at(browser: Any, page: Path, size: dict[str, int], scheme: str, **options: Any) -> Iterator[Any]:
    """Show a page, drawn to its end; at the end, require that it complained of nothing and asked for nothing."""
    context = browser.new_context(viewport=size, color_scheme=scheme, **options)
    shown = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("dialog", lambda dialog: complaints.append(dialog.message))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(page.as_uri())
    shown.wait_for_function("document.documentElement.dataset.drawn")
    yield shown
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "mobile"), [(DESKTOP, False), (PHONE, True)], ids=["desktop", "phone"])
def test_shows_every_section_without_requests_or_overflow(
    browser: Any, report: Path, size: dict[str, int], mobile: bool, scheme: str
) -> None:
    with looked_at(browser, report, size, scheme, is_mobile=mobile, has_touch=mobile) as page:
        assert page.evaluate("[...document.querySelectorAll('section')].map(s => s.id)") == SECTIONS
        drawn = "[...document.querySelectorAll('.figure')].filter(f => f.querySelector('svg, canvas')).map(f => f.id)"
        assert page.evaluate(drawn) == [f"figure-{name}" for name in FIGURES]
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert page.evaluate("document.documentElement.dataset.drawn") == scheme


def test_prediction_report_draws_its_figures(browser: Any, tmp_path: Path) -> None:
    manifest = synthetic.write_prediction(synthetic.Run(HOSTILE, test=5), tmp_path)
    making.write(str(tmp_path), manifest, "en")

    with looked_at(browser, tmp_path / "report.html", DESKTOP, "light") as page:
        drawn = "[...document.querySelectorAll('.figure')].filter(f => f.querySelector('svg')).map(f => f.id)"
        assert page.evaluate(drawn) == [f"figure-{name}" for name in PREDICTION_FIGURES]
        axis = page.locator("#predictions .bars").inner_text()
        assert [label for label in HOSTILE if label[:20] not in axis] == []
    with looked_at(browser, tmp_path / "report.html", PHONE, "light", is_mobile=True, has_touch=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_labels_that_would_do_harm_are_shown_as_text(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "light") as page:
        chips = page.evaluate("[...document.querySelectorAll('#chips button')].map(b => b.lastChild.textContent)")
        assert chips == sorted(HOSTILE)
        axis = page.locator("#labels .bars").inner_text()
        assert [label for label in HOSTILE if label[:20] not in axis] == []
        # The one script that a label could add would be one more than the page's own three.
        assert page.evaluate("document.scripts.length") == 3
        assert "damaged: <b>cut</b> off" in page.locator("#rejected").inner_text()


def test_text_stands_out_from_its_background_in_light_and_dark(browser: Any, report: Path) -> None:
    # Relative luminance and contrast as WCAG 2 defines them; 4.5 is its level AA for text.
    contrast = """() => {
        const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        const luminance = (name) => {
            canvas.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
            canvas.fillRect(0, 0, 1, 1);
            const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
            const linear = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        };
        const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const text = ["--text", "--soft", "--accent"].map((name) => ratio(luminance(name), luminance("--card")));
        const marks = [0, 1, 2, 3, 4, 5, 6, 7].map((slot) => ratio(luminance("--label-" + slot), luminance("--card")));
        return [Math.min(...text), Math.min(...marks)];
    }"""
    for scheme in ("light", "dark"):
        with looked_at(browser, report, DESKTOP, scheme) as page:
            text, marks = page.evaluate(contrast)
            assert text >= 4.5
            # WCAG asks 3 of graphics; a shape goes with each colour, and sky blue is the weakest of them.
            assert marks >= 2.5


def test_colours_follow_the_system_while_the_page_is_open(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "light") as page:
        colour = "document.querySelector('#figure-stages .mark-rect path').getAttribute('fill')"
        assert page.evaluate(colour) == "#0a6b5e"

        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.documentElement.dataset.drawn === 'dark'")

        assert page.evaluate(colour) == "#5fc8b4"


def test_the_scatter_shows_other_components_and_other_labels(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "light") as page:
        points = "document.querySelectorAll('#figure-scatter .mark-symbol.layer_1_marks path').length"
        assert page.evaluate(points) == 8 * 16
        assert "Component 1" in page.locator("#figure-scatter").inner_text()

        page.select_option("#across", "4")
        page.click("#no-labels")
        page.locator("#chips button", has_text="pêche").click()
        page.wait_for_function(f"{points} === 16")

        axes = page.locator("#figure-scatter").inner_text()
        assert "Component 5" in axes
        assert "Component 1" not in axes


def test_scatter_shows_the_photos_classified_wrong_alone(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "light") as page:
        rings = "document.querySelectorAll('#figure-scatter .mark-symbol.layer_2_marks path').length"
        others = "document.querySelectorAll('#figure-scatter .mark-symbol:not(.layer_2_marks) path').length"
        wrong = page.evaluate(rings)
        assert 0 < wrong < page.evaluate(others)

        page.select_option("#shown-kinds", label="classified wrong")

        page.wait_for_function(f"{others} === {wrong}")
        assert page.evaluate(rings) == wrong


def test_a_label_is_found_by_a_part_of_its_name(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "light") as page:
        page.fill("#find-label", "PÊCHE")

        found = page.locator("#chips button:visible").evaluate_all("all => all.map(one => one.lastChild.textContent)")
        assert found == ["pêche 🍑"]


def test_pointing_at_a_photo_shows_its_thumbnail_label_and_name(browser: Any, tmp_path: Path) -> None:
    kinds = tuple(list(FRUITS)[:2])
    run = synthetic.Run(kinds, train=3, test=1, photos=str(tmp_path / "photos"))
    manifest = synthetic.write(run, tmp_path / "results")
    for kind in kinds:
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for number in range(4):
            photo = Image.new("RGB", (100, 100)) if number == 0 else draw_photo(kind, 0, np.random.default_rng(number))
            photo.save(tmp_path / "photos" / kind / f"{number:04d}.jpg")
    making.write(str(tmp_path / "results"), manifest, "en")

    with looked_at(browser, tmp_path / "results" / "report.html", DESKTOP, "light") as page:
        page.locator("#figure-scatter .mark-symbol path").last.hover()

        tooltip = page.locator("#tooltip")
        assert tooltip.locator("img").evaluate("image => image.naturalWidth") == 72
        assert tooltip.locator("b").inner_text() in kinds
        assert tooltip.locator("small").inner_text().endswith(".jpg")

        page.locator("#figure-scatter .mark-symbol path").last.click()

        like = page.locator("#like .card")
        assert like.count() == 7
        assert like.first.locator("small").inner_text() == tooltip.locator("small").inner_text()
        second = like.nth(1).locator("small").inner_text()
        like.nth(1).click()
        assert like.first.locator("small").inner_text() == second


def test_map_gives_way_to_components(browser: Any, tmp_path: Path) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b")), tmp_path)
    making.write(str(tmp_path), manifest, "en", with_map=True)

    with looked_at(browser, tmp_path / "report.html", DESKTOP, "light") as page:
        assert not page.locator("#across").is_visible()
        assert "Component" not in page.locator("#figure-scatter").inner_text()

        page.select_option("#plane", "components")

        page.wait_for_function("document.getElementById('figure-scatter').textContent.includes('Component 2')")
        assert page.locator("#across").is_visible()


def test_touch_near_photo_shows_it_and_elsewhere_hides_it(browser: Any, report: Path) -> None:
    with looked_at(browser, report, PHONE, "light", is_mobile=True, has_touch=True) as page:
        point = page.locator("#figure-scatter .mark-symbol path").last
        point.scroll_into_view_if_needed()
        # What scrolling hides, it hides a moment later
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        box = point.bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] + 4)

        page.wait_for_function("!document.getElementById('tooltip').hidden")
        assert page.locator("#tooltip b").inner_text() in HOSTILE

        page.locator("#scatter h2").tap()
        page.wait_for_function("document.getElementById('tooltip').hidden")


def test_a_page_that_is_read_in_the_dark_is_printed_on_white(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "dark") as page:
        ground = "selector => getComputedStyle(document.querySelector(selector)).backgroundColor"
        assert page.evaluate(ground, "section") == "rgb(27, 33, 31)"

        page.emulate_media(media="print", color_scheme="dark")

        assert page.evaluate(ground, "section") == "rgb(255, 255, 255)"
        # Its figures were drawn for the dark, and keep the ground that they need
        assert page.evaluate(ground, "#figure-scree") == "rgb(27, 33, 31)"
        legend = "all => all.filter(one => one.offsetParent !== null).map(one => one.getAttribute('aria-pressed'))"
        assert page.locator("#chips button").evaluate_all(legend) == ["true"] * 8


def test_labels_that_have_a_colour_come_first(browser: Any, report: Path) -> None:
    with looked_at(browser, report, DESKTOP, "light") as page:
        order = "all => all.sort((a, b) => a.offsetTop - b.offsetTop || a.offsetLeft - b.offsetLeft)"
        pressed = f"all => ({order})(all).map(one => one.getAttribute('aria-pressed'))"
        assert page.locator("#chips button").evaluate_all(pressed) == ["true"] * 8 + ["false"]


def test_french_is_french_in_tables_and_in_figures(browser: Any, tmp_path: Path) -> None:
    manifest = synthetic.write(synthetic.Run(("a", "b"), classifier=False), tmp_path)
    making.write(str(tmp_path), manifest, "fr")

    with looked_at(browser, tmp_path / "report.html", DESKTOP, "light") as page:
        assert page.locator("#variance h2").inner_text() == "Variance expliquée"
        assert "80\u202f%" in page.locator("#figure-scree").inner_text()
        assert "2\u202f310,4" in page.locator("#figure-tasks").inner_text()
