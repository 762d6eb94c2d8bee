"""Measures ``predict --multiple`` on composed photos of several fruits whose places are known.

A fruit of Fruits-360 is cut out of its white background and pasted at a random place and scale. A quarter of the
backgrounds is white, a quarter has another plain colour, and half are parts of photos. The fruits do not overlap.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFilter

from job.__main__ import main as run_job
from job.results import OBJECTS

WHITE = 40
"""Most difference of a background pixel from white, summed over the channels, where a fill from the edge passes."""

FRUITS = (2, 4)
"""Fewest and most fruits in a photo."""

SHARES = (0.2, 0.45)
"""Least and largest length of a fruit's longer side, as a share of the photo's shorter side."""

MATCH = 0.5
"""Least intersection over union of a box with the fruit that it found."""

_MARK = (255, 0, 255)

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

BACKGROUNDS = ("white", "plain", "photo", "photo")
"""Backgrounds, in turn."""


@dataclass(frozen=True)
class Fruit:
    """A fruit in a composed photo."""

    label: str
    box: Box


def main(argv: Sequence[str] | None = None) -> int:
    """Compose photos, find their objects, and print a line of JSON for each kind of background."""
    parser = argparse.ArgumentParser(prog="python -m bench.objects", description=__doc__)
    parser.add_argument("--fruits", required=True, help="folder of photos of fruits, in a folder for each label")
    parser.add_argument("--backgrounds", required=True, help="folder of photos")
    parser.add_argument("--results", required=True, help="results of a run on fruits")
    parser.add_argument("--output", required=True, help="new folder for photos and prediction")
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    composed, predicted = Path(given.output, "composed"), Path(given.output, "predicted")
    placed = write_photos(given.fruits, given.backgrounds, composed, given.photos, given.seed)
    options = ("--results", given.results, "--images", str(composed), "--output", str(predicted), "--multiple")
    code = run_job(["predict", *options])
    if code == 0:
        for kind, counts in count(placed, read_objects(predicted)).items():
            found = {"found": counts["right"] / counts["fruits"], "wrong": counts["wrong"] / max(1, counts["boxes"])}
            print(json.dumps({"background": kind, **counts, **found}))
    return code


def write_photos(fruits: str, backgrounds: str, output: Path, photos: int, seed: int) -> dict[str, list[Fruit]]:
    """Write composed photos as PNG into a folder; return the fruits of each by its name."""
    random = np.random.default_rng(seed)
    paths = sorted(Path(fruits).glob("*/*.jpg"))
    behind = [Image.open(path).convert("RGB") for path in sorted(Path(backgrounds).iterdir()) if path.suffix != ".md"]
    output.mkdir(parents=True)
    placed = {}
    for number in range(photos):
        size = (int(random.integers(400, 801)), int(random.integers(400, 601)))
        kind = BACKGROUNDS[number % len(BACKGROUNDS)]
        if kind == "photo":
            background = photographic(behind[random.integers(len(behind))], random, size)
        else:
            background = plain(random, size) if kind == "plain" else Image.new("RGB", size, "white")
        chosen = random.choice(len(paths), random.integers(FRUITS[0], FRUITS[1] + 1), replace=False)
        shown = [(paths[index].parent.name, Image.open(paths[index])) for index in chosen]
        name = f"{number:04d}-{kind}.png"
        photo, placed[name] = compose(background, shown, random)
        photo.save(output / name)
    return placed


def read_objects(predicted: Path) -> dict[str, list[Fruit]]:
    """Return the objects of a prediction by the name of the photo."""
    rows = pq.read_table(predicted / OBJECTS).to_pylist()
    sides = ("left", "top", "width", "height")
    return {
        Path(path).name: [Fruit(row["label"], tuple(row[side] for side in sides)) for row in group]
        for path, group in groupby(rows, itemgetter("path"))
    }


def count(placed: Mapping[str, Sequence[Fruit]], found: Mapping[str, Sequence[Fruit]]) -> dict[str, Counter[str]]:
    """Return fruits, those found with their label ("right"), boxes, and wrong boxes, by background and of all."""
    counts: dict[str, Counter[str]] = {}
    for name, fruits in placed.items():
        boxes = found.get(name, [])
        right, wrong = compare(boxes, fruits)
        for kind in ("all", name.split("-")[1].removesuffix(".png")):
            of_kind = counts.setdefault(kind, Counter())
            of_kind.update({"fruits": len(fruits), "right": right, "boxes": len(boxes), "wrong": wrong})
    return counts


def cut_out(photo: Image.Image) -> Image.Image:
    """Return a fruit as RGBA without its white background, cropped to its pixels."""
    filled = photo.convert("RGB")
    for corner in ((0, 0), (filled.width - 1, 0), (0, filled.height - 1), (filled.width - 1, filled.height - 1)):
        if (765 - np.asarray(filled)[corner[::-1]].sum(dtype=int)) <= WHITE:
            ImageDraw.floodfill(filled, corner, _MARK, thresh=WHITE)
    background = (np.asarray(filled) == _MARK).all(axis=2)
    mask = Image.fromarray(np.where(background, 0, 255).astype(np.uint8))
    # One pixel less on each side: the fruit's edge is mixed with white.
    mask = mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.7))
    cut = photo.convert("RGBA")
    cut.putalpha(mask)
    return cut.crop(mask.getbbox())


def compose(
    background: Image.Image, fruits: Sequence[tuple[str, Image.Image]], random: np.random.Generator
) -> tuple[Image.Image, list[Fruit]]:
    """Paste photos of fruits, each with its label, on a background; the fruits do not overlap."""
    photo = background.convert("RGB")
    placed: list[Fruit] = []
    for label, fruit in fruits:
        cut = cut_out(fruit)
        for _ in range(200):
            side = random.uniform(*SHARES) * min(photo.size)
            scale = side / max(cut.size)
            width, height = (max(1, round(length * scale)) for length in cut.size)
            left = int(random.integers(0, photo.width - width + 1))
            top = int(random.integers(0, photo.height - height + 1))
            box = (left, top, width, height)
            if all(overlap(box, other.box) == 0 for other in placed):
                resized = cut.resize((width, height))
                photo.paste(resized, (left, top), resized)
                placed.append(Fruit(label, box))
                break
    return photo, placed


def plain(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return a background of one random colour."""
    return Image.new("RGB", size, tuple(int(value) for value in random.integers(0, 256, 3)))


def photographic(photo: Image.Image, random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return a random part of a photo as a background."""
    scale = max(size[0] / photo.width, size[1] / photo.height) * random.uniform(1, 1.5)
    larger = photo.convert("RGB").resize((round(photo.width * scale) + 1, round(photo.height * scale) + 1))
    left, top = (int(random.integers(0, larger.size[axis] - size[axis] + 1)) for axis in (0, 1))
    return larger.crop((left, top, left + size[0], top + size[1]))


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    inside = max(0, width) * max(0, height)
    return inside / (one[2] * one[3] + other[2] * other[3] - inside)


def compare(found: Sequence[Fruit], placed: Sequence[Fruit], match: float = MATCH) -> tuple[int, int]:
    """Return how many fruits were found with their label, and how many boxes found none."""
    pairs = sorted(
        (
            (overlap(one.box, other.box), here, there)
            for here, one in enumerate(found)
            for there, other in enumerate(placed)
            if one.label == other.label
        ),
        reverse=True,
    )
    boxes, fruits = set[int](), set[int]()
    for share, here, there in pairs:
        if share >= match and here not in boxes and there not in fruits:
            boxes.add(here)
            fruits.add(there)
    return len(fruits), len(found) - len(boxes)


if __name__ == "__main__":
    raise SystemExit(main())
