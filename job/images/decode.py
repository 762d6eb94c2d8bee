"""Decode photo files to RGB pixels, or reject them with a reason.

Limits that are checked before decoding: ``job/images/limits.py``.
"""

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import AvifImagePlugin, ExifTags, Image, UnidentifiedImageError
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from job.errors import one_line
from job.images import colour, heic
from job.images.formats import FORMATS, describe_content
from job.images.headers import jpeg_markers, only_pixels, resolutions, unsupported_jpeg
from job.images.jpeg_scan import load_jpeg
from job.images.limits import LARGEST_PHOTO, RejectedPhotoError, require_few_scans, require_size

DECODING = 2
"""Increase this when decoding returns other pixels than before: runs then recompute instead of reusing features."""

EXACT, SCALED = "exact", "scaled"
"""Values of ``--decode``: decode every pixel, or let the decoder scale the photo down where its format can."""

OVERSAMPLING = 2
"""A photo scaled while decoding has at least this many pixels per output pixel, on both axes (decision 0127)."""

CONVERTED_AT_A_TIME = 4_000_000
"""Pixels: converting makes several copies, so large photos are converted strip by strip."""

LONGEST_REASON = 200
"""Characters of a decoder's message that are kept."""

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
"""The transposition that makes a photo upright, by its EXIF orientation."""

_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

_PROFILE = "icc_profile"
"""Pillow's name of the embedded colour profile."""

heic.register()
# Tasks use all cores already.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def decode(content: bytes, width: int, height: int, method: str = EXACT) -> Pixels:
    """Decode a photo and resize it, without keeping its aspect ratio.

    The photo is turned upright by its EXIF orientation, transparency is laid over white, 16-bit greys are scaled to
    8 bits, other modes are converted as Pillow does, the size is changed by Pillow's default filter, and colours are
    converted to sRGB by the embedded profile. The first frame of an animation is used.

    Parameters
    ----------
    method
        ``EXACT`` or ``SCALED``.

    Returns
    -------
    uint8 of shape (height, width, 3).
    """
    return np.asarray(resized(open_photo(content, _minimum(width, height, method)), width, height))


def decode_at_own_size(content: bytes, largest_side: int, method: str = EXACT) -> Image.Image:
    """Decode a photo as ``decode`` does, at its own size or with its longer side reduced to ``largest_side`` pixels.

    Returns an RGB image.
    """
    photo = open_photo(content, _minimum(largest_side, largest_side, method))
    shrink = min(1.0, largest_side / max(photo.size))
    return resized(photo, max(1, round(photo.width * shrink)), max(1, round(photo.height * shrink)))


def open_photo(content: bytes, minimum: tuple[int, int] | None = None) -> Image.Image:
    """Decode a photo to an upright image without transparency, to be passed to ``resized``.

    Its mode is RGB, or CMYK if an embedded profile gives the colours.

    Parameters
    ----------
    minimum
        Width and height in pixels. Formats that can scale while decoding (JPEG by 2, 4 or 8, JPEG 2000 by powers of 2)
        return the smallest size that is not below it on either axis, and at most the photo's own. None decodes every
        pixel.

    Raises
    ------
    RejectedPhotoError
        If the photo cannot be used.
    """
    if not content:
        raise RejectedPhotoError("the file is empty")
    try:
        return _opened(content, minimum)
    except RejectedPhotoError as rejection:
        pixels = only_pixels(content)
        if pixels == content:
            raise
        try:
            return _opened(pixels, minimum)
        except RejectedPhotoError:
            raise rejection from None


def resized(
    photo: Image.Image, width: int, height: int, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """Resize an image from ``open_photo``, or the part inside a box, to an RGB image.

    Parameters
    ----------
    box
        Left, top, right and bottom of the part, in pixels of ``photo``; None for all of it.
    """
    part = photo.resize((width, height), box=box)
    return colour.to_srgb(part, photo.info.get(_PROFILE, b""))


def _opened(content: bytes, minimum: tuple[int, int] | None) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow's warnings (odd EXIF data, many pixels) are harmless here or covered by the limits.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as photo:
                require_size(photo, content)
                found = jpeg_markers(content) if photo.format in ("JPEG", "MPO") else None
                if found is not None:
                    require_few_scans(photo, found)
                if minimum is not None:
                    _scale_while_decoding(photo, content, minimum)
                if found is not None:
                    load_jpeg(photo, content, found)
                turned = upright(photo)
                profile = colour.profile_of(turned)
                solid = turned if profile and turned.mode == "CMYK" else to_rgb(turned)
                solid.info = {_PROFILE: profile}
                return solid
    except UnidentifiedImageError:
        raise RejectedPhotoError(_unsupported(describe_content(content))) from None
    except Image.DecompressionBombError:
        raise RejectedPhotoError(f"more than {LARGEST_PHOTO:,} pixels") from None
    except RejectedPhotoError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        kind = unsupported_jpeg(content)
        if kind:
            raise RejectedPhotoError(_unsupported(kind)) from error
        raise RejectedPhotoError(f"damaged: {one_line(error)}"[:LONGEST_REASON]) from error


def _unsupported(kind: str) -> str:
    return f"not a photo in a supported format: {kind}"


def _minimum(width: int, height: int, method: str) -> tuple[int, int] | None:
    return (OVERSAMPLING * width, OVERSAMPLING * height) if method == SCALED else None


def _scale_while_decoding(photo: Image.Image, content: bytes, minimum: tuple[int, int]) -> None:
    """Make the decoder return a smaller image, if the format supports it; must be called before the photo is loaded."""
    width, height = minimum[::-1] if _orientation(photo) in _SIDEWAYS else minimum
    photo.draft(None, (width, height))
    if isinstance(photo, Jpeg2KImageFile):
        halvings = min(photo.width // width, photo.height // height).bit_length() - 1
        photo.reduce = max(0, min(halvings, resolutions(content)))


def upright(photo: Image.Image) -> Image.Image:
    """Load a photo and turn it by its EXIF orientation, if there is a readable one.

    Raises any error of Pillow's decoders if the photo is damaged.
    """
    photo.load()
    if photo.mode in ("I", "F"):
        raise RejectedPhotoError("its pixels have 32 bits, without a range from black to white; save it with 8 or 16")
    turn = _TURNS.get(_orientation(photo))
    return photo if turn is None else photo.transpose(turn)


def _orientation(photo: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) if there is none or it cannot be read."""
    try:
        orientation = photo.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - unreadable metadata must not reject a photo with good pixels
        return 1
    return orientation if isinstance(orientation, int) else 1


def to_rgb(photo: Image.Image) -> Image.Image:
    """Convert a photo of any mode to RGB, with white behind transparency."""
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
    if photo.mode.startswith("I;16"):
        # Pillow would clip 16-bit greys at 255, which turns most of them white.
        greys = np.clip(np.asarray(photo) // 257, 0, 255).astype(np.uint8)
        return Image.fromarray(greys).convert("RGB")
    if photo.has_transparency_data:
        solid = photo.convert("RGBA")
        white = Image.new("RGBA", solid.size, "white")
        return Image.alpha_composite(white, solid).convert("RGB")
    return photo.convert("RGB")
