"""Turns the bytes of a photo's file into RGB pixels; what cannot be used raises, with the reason for the results.

What is checked before anything is decoded: ``job/images/limits.py``.
"""

import io
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from job.errors import one_line
from job.images.limits import LARGEST_PHOTO, RejectedPhotoError, require_size

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
"""What a photo may be, whatever its name says: some of Pillow's other decoders run programs on what they read."""

DECODING = 1
"""Raised when decoding gives other pixels than before, so that no run reuses what was made of those."""

CONVERTED_AT_A_TIME = 4_000_000
"""Pixels: converting a photo makes several copies, and of a large one they are made strip by strip."""

LONGEST_REASON = 200
"""Characters of why a photo is damaged, where a decoder has more to say."""

Pixels = npt.NDArray[np.uint8]

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo upright, by its EXIF orientation."""


def decode(content: bytes, width: int, height: int) -> Pixels:
    """Return a photo as RGB pixels of the wanted size.

    The photo is turned upright as its EXIF orientation says, transparency is laid over white, 16-bit greys are
    scaled down to 8, any other mode is converted as Pillow does, and the size is changed by Pillow's default
    filter. Of an animation the first frame is taken.

    Returns
    -------
    uint8 array of shape (height, width, 3).
    """
    return _decode(content, lambda _width, _height: (width, height))


def decode_at_own_size(content: bytes, largest_side: int) -> Pixels:
    """Return a photo as RGB pixels of its own size, scaled down where a side is longer than allowed.

    In all else as ``decode``; no side becomes shorter than a pixel.
    """

    def size(width: int, height: int) -> tuple[int, int]:
        shrink = min(1.0, largest_side / max(width, height))
        return max(1, round(width * shrink)), max(1, round(height * shrink))

    return _decode(content, size)


def _decode(content: bytes, size: Callable[[int, int], tuple[int, int]]) -> Pixels:
    if not content:
        raise RejectedPhotoError("the file is empty")
    try:
        with warnings.catch_warnings():
            # What Pillow only warns of (odd EXIF data, many pixels) is either harmless or bounded here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as photo:
                require_size(photo, content)
                solid = to_rgb(upright(photo))
                pixels = solid.resize(size(solid.width, solid.height))
    except UnidentifiedImageError:
        raise RejectedPhotoError("not a photo, whatever its name says") from None
    except Image.DecompressionBombError:
        raise RejectedPhotoError(f"more than {LARGEST_PHOTO:,} pixels") from None
    except RejectedPhotoError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise RejectedPhotoError(f"damaged: {one_line(error)}"[:LONGEST_REASON]) from error
    return np.asarray(pixels)


def upright(photo: Image.Image) -> Image.Image:
    """Return a photo as its EXIF orientation says it is looked at; where that cannot be read, as it lies.

    Decodes the photo, and raises whatever Pillow raises for one that is damaged.
    """
    photo.load()
    try:
        turn = _TURNS.get(photo.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - notes about a photo that make no sense do not spoil its pixels
        return photo
    return photo if turn is None else photo.transpose(turn)


def to_rgb(photo: Image.Image) -> Image.Image:
    """Return an RGB image of the same size, whatever mode the photo has."""
    if photo.mode == "RGB" and not photo.has_transparency_data:
        return photo
    rows = max(1, CONVERTED_AT_A_TIME // photo.width)
    if photo.height <= rows:
        return _strip_to_rgb(photo)
    converted = Image.new("RGB", photo.size)
    for top in range(0, photo.height, rows):
        strip = (0, top, photo.width, min(top + rows, photo.height))
        converted.paste(_strip_to_rgb(photo.crop(strip)), strip)
    return converted


def _strip_to_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith("I"):
        # Pillow would clip 16-bit greys at 255 and so turn nearly all of them white.
        greys = np.clip(np.asarray(photo) // 257, 0, 255).astype(np.uint8)
        return Image.fromarray(greys).convert("RGB")
    if photo.has_transparency_data:
        solid = photo.convert("RGBA")
        white = Image.new("RGBA", solid.size, "white")
        return Image.alpha_composite(white, solid).convert("RGB")
    return photo.convert("RGB")
