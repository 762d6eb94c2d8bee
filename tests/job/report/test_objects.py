"""Tests of job/report/objects.py: boxes on the photos of a prediction."""

import re

from job.report.messages import Messages
from job.report.objects import ObjectsFound, PhotoOfObjects, drawing, section

BOX = {"left": 10, "top": 20, "width": 30, "height": 40, "label": "<Kiwi>", "probability": 0.75}
PHOTO = PhotoOfObjects("/new/a&b.jpg", 200, 100, [BOX, {**BOX, "left": 90, "label": "Pear"}])
ENGLISH = Messages("en")


def test_draws_each_box_at_its_place() -> None:
    made = drawing(PHOTO, "data:image/webp;base64,AA", {"<Kiwi>": 0, "Pear": 1}, ENGLISH)

    assert '<svg viewBox="0 0 200 100"' in made
    assert re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" style="([^"]+)"', made) == [
        ("10", "20", "30", "40", "stroke:var(--label-0)"),
        ("90", "20", "30", "40", "stroke:var(--label-1)"),
    ]
    assert made.count("<image ") == 1
    assert "&lt;Kiwi&gt;" in made
    assert "<Kiwi>" not in made


def test_photo_that_cannot_be_read_keeps_its_boxes() -> None:
    made = drawing(PHOTO, None, {"<Kiwi>": 0, "Pear": 1}, ENGLISH)

    assert "<image " not in made
    assert made.count("<rect ") == 2


def test_section_counts_objects_and_photos() -> None:
    made = section(ObjectsFound({"Pear": 1200, "<Kiwi>": 1}, 700, [PHOTO]), {}, ENGLISH)

    assert "1,201 objects were found in 700 photos" in made
    assert made.index(">Pear<") > 0
    assert made.count("<figure>") == 1
