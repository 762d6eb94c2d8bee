"""Draw sample photos: kinds of fruit on white from several angles, the same ones for the same seed.

For demonstrations and tests, which must run without a download.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

SIDE = 100
"""Pixels of a photo, as in the Fruits-360 data set."""

_CANVAS = 4 * SIDE
"""Side of the drawing in pixels, scaled down afterwards so that edges are smooth."""

Colour = tuple[int, int, int]
Point = tuple[float, float]
Outline = Callable[[float], float]

LEAF: Colour = (86, 140, 60)
STEM: Colour = (105, 78, 50)


def draw_photos(folder: Path, angles: int, seed: int) -> int:
    """Write a folder per kind of fruit with a JPEG per angle; return the number of photos."""
    for kind in FRUITS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for angle in range(angles):
            photo = draw_photo(kind, 360 * angle / angles, np.random.default_rng([seed, angle, *kind.encode()]))
            photo.save(folder / kind / f"{angle:03d}.jpg", quality=90)
    return angles * len(FRUITS)


def draw_photo(kind: str, angle: float, random: np.random.Generator) -> Image.Image:
    """Return one photo, RGB of ``SIDE`` by ``SIDE`` pixels."""
    fruit = FRUITS[kind](random).rotate(angle, Image.Resampling.BICUBIC)
    side = round(_CANVAS * random.uniform(0.8, 1.0))
    fruit = fruit.resize((side, side), Image.Resampling.BICUBIC)
    photo = Image.new("RGBA", (_CANVAS, _CANVAS), "white")
    corner = (_CANVAS - side) // 2
    photo.alpha_composite(fruit, (corner, corner))
    return photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _apple(colour: Colour) -> Callable[[np.random.Generator], Image.Image]:
    def outline(angle: float) -> float:
        return 0.8 - 0.22 * _bump(angle, 90, 18) - 0.08 * _bump(angle, 270, 14)

    def draw(random: np.random.Generator) -> Image.Image:
        fruit = _body(outline, colour, random)
        _line(fruit, [(0, 0.5), (0.06, 0.85)], STEM, 14)
        return fruit

    return draw


def _pear(random: np.random.Generator) -> Image.Image:
    def outline(angle: float) -> float:
        return 0.58 + 0.28 * _bump(angle, 90, 30) + 0.1 * _bump(angle, 270, 70)

    fruit = _body(outline, (190, 200, 70), random)
    _line(fruit, [(0, 0.8), (0.08, 0.98)], STEM, 12)
    return fruit


def _lemon(random: np.random.Generator) -> Image.Image:
    def outline(angle: float) -> float:
        ellipse = 1 / math.hypot(math.cos(math.radians(angle)) / 0.72, math.sin(math.radians(angle)) / 0.55)
        return ellipse + 0.16 * _bump(angle, 0, 9) + 0.12 * _bump(angle, 180, 9)

    return _body(outline, (245, 220, 60), random, speckles=250)


def _orange(random: np.random.Generator) -> Image.Image:
    fruit = _body(lambda _: 0.8, (240, 140, 30), random, speckles=500)
    _disc(fruit, (0.1, 0.25), 0.06, LEAF)
    return fruit


def _banana(random: np.random.Generator) -> Image.Image:
    outer = [_polar(angle, 0.95) for angle in range(200, 341, 4)]
    inner = [(0.72 * x, 0.45 * y - 0.13) for x, y in reversed(outer)]
    crescent = [(x, y + 0.55) for x, y in outer + inner]
    fruit = _shade(_mask(crescent), (240, 210, 70), random, speckles=60)
    for end in (crescent[0], crescent[len(outer) - 1]):
        _disc(fruit, end, 0.05, STEM)
    return fruit


def _strawberry(random: np.random.Generator) -> Image.Image:
    def outline(angle: float) -> float:
        return 0.6 + 0.25 * _bump(angle, 270, 30)

    fruit = _body(outline, (205, 30, 45), random)
    for x, y in random.uniform(-0.4, 0.4, (40, 2)):
        _disc(fruit, (x, y - 0.1), 0.02, (240, 210, 120))
    for angle in range(30, 151, 24):
        _line(fruit, [(0, 0.5), _polar(angle, 0.8)], LEAF, 26)
    return fruit


def _berries(
    colour: Colour, radius: float, places: list[Point], stalk: Colour
) -> Callable[[np.random.Generator], Image.Image]:
    def draw(random: np.random.Generator) -> Image.Image:
        bunch = Image.new("RGBA", (_CANVAS, _CANVAS))
        for x, y in places:
            _line(bunch, [(0, 0.95), (x, y)], stalk, 7)
        for x, y in places:
            berry = [(x + radius * math.cos(a / 20), y + radius * math.sin(a / 20)) for a in range(126)]
            bunch.alpha_composite(_shade(_mask(berry), colour, random))
        return bunch

    return draw


def _kiwi(random: np.random.Generator) -> Image.Image:
    fruit = _body(lambda _: 0.8, (110, 85, 50), random, speckles=150)
    _disc(fruit, (0, 0), 0.7, (140, 180, 60))
    _disc(fruit, (0, 0), 0.2, (235, 235, 200))
    for angle in range(0, 360, 18):
        _disc(fruit, _polar(angle, 0.33), 0.035, (30, 30, 25))
    return fruit


_GRAPES: list[Point] = [
    *((x, 0.45) for x in (-0.45, -0.15, 0.15, 0.45)),
    *((x, 0.15) for x in (-0.3, 0.0, 0.3)),
    *((x, -0.15) for x in (-0.15, 0.15)),
    (0.0, -0.45),
]

FRUITS: Mapping[str, Callable[[np.random.Generator], Image.Image]] = {
    "Apple Green": _apple((150, 195, 60)),
    "Apple Red": _apple((195, 40, 40)),
    "Banana": _banana,
    "Cherry": _berries((150, 15, 35), 0.3, [(-0.4, -0.3), (0.4, -0.4)], LEAF),
    "Grape Blue": _berries((75, 60, 130), 0.2, _GRAPES, STEM),
    "Kiwi": _kiwi,
    "Lemon": _lemon,
    "Orange": _orange,
    "Pear": _pear,
    "Strawberry": _strawberry,
}
"""The function that draws each kind; the key is the name of its folder, the label."""


def _body(outline: Outline, colour: Colour, random: np.random.Generator, speckles: int = 0) -> Image.Image:
    return _shade(_mask([_polar(angle, outline(angle)) for angle in range(360)]), colour, random, speckles)


def _shade(mask: Image.Image, colour: Colour, random: np.random.Generator, speckles: int = 0) -> Image.Image:
    """Return a shape in a colour, lit from the upper left, with darker speckles."""
    tone = np.array(colour) * random.uniform(0.9, 1.1)
    # Only inside its bounding box: a berry is a small part of the canvas, and a bunch has many.
    left, top, right, bottom = mask.getbbox() or (0, 0, _CANVAS, _CANVAS)
    width, height = right - left, bottom - top
    y, x = np.ogrid[0:height, 0:width]
    light = 1.2 - 0.6 * np.hypot(x - width * 0.35, y - height * 0.3) / max(width, height)
    pixels: npt.NDArray[np.float64] = tone * light[..., np.newaxis]
    rows, columns = random.integers(0, _CANVAS - 4, (2, speckles))
    for row, column in zip(rows - top, columns - left, strict=True):
        pixels[max(0, row) : max(0, row + 4), max(0, column) : max(0, column + 4)] *= 0.85
    shaded = Image.new("RGBA", mask.size)
    shaded.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), (left, top))
    shaded.putalpha(mask)
    return shaded


def _mask(points: list[Point]) -> Image.Image:
    mask = Image.new("L", (_CANVAS, _CANVAS))
    ImageDraw.Draw(mask).polygon([_on_canvas(point) for point in points], fill=255)
    return mask


def _disc(image: Image.Image, centre: Point, radius: float, colour: Colour) -> None:
    x, y = _on_canvas(centre)
    r = radius * _CANVAS / 2
    ImageDraw.Draw(image).ellipse([x - r, y - r, x + r, y + r], fill=(*colour, 255))


def _line(image: Image.Image, points: list[Point], colour: Colour, width: int) -> None:
    ImageDraw.Draw(image).line([_on_canvas(point) for point in points], fill=(*colour, 255), width=width)


def _on_canvas(point: Point) -> Point:
    """Return a point of the square from -1 to 1, y upwards, in pixels."""
    return (1 + point[0]) * _CANVAS / 2, (1 - point[1]) * _CANVAS / 2


def _polar(degrees: float, radius: float) -> Point:
    return radius * math.cos(math.radians(degrees)), radius * math.sin(math.radians(degrees))


def _bump(angle: float, centre: float, width: float) -> float:
    """Return a smooth bump of height 1 around an angle; all in degrees."""
    away = (angle - centre + 180) % 360 - 180
    return math.exp(-((away / width) ** 2))
