"""Check how large a photo is before decoding it, so that no photo takes the memory or the time of all others.

The limits and what was measured: docs/decisions/0108-limits-per-photo.md.
"""

from PIL import Image

from job.images.headers import START_OF_SCAN, jpeg_scans

LARGEST_PHOTO = 100_000_000
"""Pixels. Decoding a photo of this size takes up to 800 MB of a task's memory."""

LARGEST_AT_ONCE = 50_000_000
"""Pixels of a JPEG in several scans (a progressive one), whose decoder holds all coefficients."""

LARGEST_BY_FORMAT = {
    "WEBP": LARGEST_AT_ONCE,
    "AVIF": LARGEST_AT_ONCE,
    "HEIF": LARGEST_AT_ONCE,
    "TIFF": LARGEST_AT_ONCE,
    "JPEG2000": 30_000_000,
}
"""Pixels of formats whose decoders hold the photo several times, by Pillow's name."""

LARGEST_RUN_LENGTH_ENCODED = 5_000_000
"""Pixels, and bytes, of a BMP with run lengths: Pillow decodes it in Python, 10 million of either in 3 s."""

LONGEST_SIDE = 65_535
"""Pixels, the most that a JPEG can have. Resizing takes 32 bytes per pixel of an input side and 224 per pixel of an
output side, so a line of 100 million pixels would take gigabytes."""

MOST_SCANS = 100
"""Of a JPEG. Encoders write at most 15 or so; each costs a pass over all pixels and may be 10 bytes long."""

LARGEST_FILE = 500_000_000
"""Bytes, because files are read whole: more than 100 million pixels with transparency take as BMP."""

_RUN_LENGTHS = (1, 2)
"""Values for both kinds of run lengths in a BMP's header."""

_NAMES = {"WEBP": "WebP", "HEIF": "HEIC", "JPEG2000": "JPEG 2000"}


class RejectedPhotoError(Exception):
    """A photo that cannot be used; the message is the reason that goes into the results."""


def require_size(photo: Image.Image, content: bytes) -> None:
    """Raise RejectedPhotoError if decoding an opened photo would take too much memory or time."""
    width, height = photo.size
    pixels = width * height
    if pixels == 0:
        raise RejectedPhotoError("it has no pixels")
    if pixels > LARGEST_PHOTO:
        raise RejectedPhotoError(_too_many(photo, ""))
    if max(width, height) > LONGEST_SIDE:
        raise RejectedPhotoError(f"{width:,} x {height:,} pixels: a side must have at most {LONGEST_SIDE:,}")
    if photo.format == "BMP" and photo.info.get("compression") in _RUN_LENGTHS:
        larger = max(pixels, len(content))
        if larger > LARGEST_RUN_LENGTH_ENCODED:
            unit = "pixels" if larger == pixels else "bytes"
            raise RejectedPhotoError(
                f"a run-length-encoded BMP of {larger:,} {unit}, more than the {LARGEST_RUN_LENGTH_ENCODED:,} allowed"
            )
    allowed = LARGEST_BY_FORMAT.get(photo.format or "", LARGEST_PHOTO)
    if pixels > allowed:
        raise RejectedPhotoError(
            _too_many(photo, f" of a {_NAMES.get(photo.format or '', photo.format)} photo", allowed)
        )
    if photo.format in ("JPEG", "MPO"):
        _require_few_scans(photo, content)


def _require_few_scans(photo: Image.Image, content: bytes) -> None:
    # Counting byte pairs that look like a scan is nearly free, and decides for nearly all photos.
    large = photo.width * photo.height > LARGEST_AT_ONCE
    if not large and content.count(bytes([0xFF, START_OF_SCAN])) <= MOST_SCANS:
        return
    scans = jpeg_scans(content)
    if scans > MOST_SCANS:
        raise RejectedPhotoError(f"a JPEG in {scans:,} scans, more than the {MOST_SCANS} allowed")
    if large and scans > 1:
        raise RejectedPhotoError(_too_many(photo, " of a progressive JPEG", LARGEST_AT_ONCE))


def _too_many(photo: Image.Image, of_what: str, allowed: int = LARGEST_PHOTO) -> str:
    pixels = photo.width * photo.height
    return f"{photo.width:,} x {photo.height:,} pixels{of_what} are {pixels:,}, more than the {allowed:,} allowed"
