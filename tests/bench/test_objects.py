"""Tests of bench/objects.py: photos composed of fruits, and the boxes that find them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from bench import objects
from bench.objects import Fruit
from job.results import OBJECTS, layout


def drawn(folder: Path) -> Path:
    """Write two photos of a fruit on white for each of two labels; return their folder."""
    for label, colour in (("Lemon", (240, 220, 40)), ("Plum", (110, 30, 90))):
        (folder / label).mkdir(parents=True)
        for number in range(2):
            photo = Image.new("RGB", (100, 100), "white")
            ImageDraw.Draw(photo).ellipse((10, 20, 89, 79 - number), colour)
            photo.save(folder / label / f"{number}.jpg", quality=95)
    return folder


def test_cut_out_fruit_has_no_background() -> None:
    photo = Image.new("RGB", (100, 100), "white")
    ImageDraw.Draw(photo).ellipse((10, 20, 89, 79), (110, 30, 90))

    pixels = np.asarray(objects.cut_out(photo))

    assert pixels.shape[:2] == pytest.approx((60, 80), abs=2)
    assert pixels[0, 0, 3] == 0
    assert pixels[30, 40].tolist() == [110, 30, 90, 255]


def test_same_seed_composes_the_same_photos(tmp_path: Path) -> None:
    fruits = drawn(tmp_path / "fruits")
    (tmp_path / "behind").mkdir()
    Image.effect_noise((300, 200), 80).save(tmp_path / "behind" / "noise.png")
    (tmp_path / "behind" / "README.md").write_text("Where they are from.")

    once, twice = (
        objects.write_photos(str(fruits), str(tmp_path / "behind"), tmp_path / name, 4, 7) for name in ("a", "b")
    )

    assert once == twice
    assert [name.split("-")[1] for name in once] == ["white.png", "plain.png", "photo.png", "photo.png"]
    for name, placed in once.items():
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert 1 <= len(placed) <= 4
        boxes = [fruit.box for fruit in placed]
        assert not any(objects.overlap(one, other) for one in boxes for other in boxes if one is not other)
        photo = Image.open(tmp_path / "a" / name)
        assert all(left + width <= photo.width and top + height <= photo.height for left, top, width, height in boxes)


def test_fruit_is_found_by_one_box_with_its_label() -> None:
    placed = [Fruit("Lemon", (0, 0, 100, 100)), Fruit("Plum", (200, 0, 50, 50))]
    found = [
        Fruit("Lemon", (10, 0, 100, 100)),
        Fruit("Lemon", (0, 0, 100, 110)),
        Fruit("Lemon", (200, 0, 50, 50)),
        Fruit("Plum", (240, 0, 50, 50)),
    ]

    assert objects.compare(found, placed) == (1, 3)
    assert objects.compare([], placed) == (0, 0)


def test_counts_by_background_and_of_all(tmp_path: Path) -> None:
    lemon = {"left": 0, "top": 0, "width": 10, "height": 10, "label": "Lemon", "probability": 0.9}
    rows = [
        {"path": f"file:/photos/{name}", **lemon, "photo_width": 40, "photo_height": 40}
        for name in ("0000-white.png", "0001-photo.png", "0001-photo.png")
    ]
    layout.write_parquet(str(tmp_path), OBJECTS, pa.Table.from_pylist(rows, layout.OBJECTS_SCHEMA))
    fruit = Fruit("Lemon", (0, 0, 10, 10))
    placed = {"0000-white.png": [fruit], "0001-photo.png": [fruit], "0002-photo.png": [fruit]}

    counts = objects.count(placed, objects.read_objects(tmp_path))

    assert counts["white"] == {"fruits": 1, "right": 1, "boxes": 1, "wrong": 0}
    assert counts["photo"] == {"fruits": 2, "right": 1, "boxes": 2, "wrong": 1}
    assert counts["all"] == {"fruits": 3, "right": 2, "boxes": 3, "wrong": 1}


def test_photographic_background_is_a_part_of_the_photo() -> None:
    photo = Image.fromarray(np.arange(200, dtype=np.uint8).repeat(3 * 100).reshape(200, 100, 3))

    part = objects.photographic(photo, np.random.default_rng(0), (400, 500))

    assert part.size == (400, 500)
