"""How large a photo may be: checked before it is decoded, so that none takes the memory or the time of all others.

The limits and what was measured: docs/decisions/0108-limits-per-photo.md.
"""

import re

from PIL import Image

LARGEST_PHOTO = 100_000_000
"""Pixels; decoded, a photo of this size takes up to 800 MB of a task's memory."""

LARGEST_AT_ONCE = 50_000_000
"""Pixels of a WebP, or of a JPEG in several scans (a progressive one): their decoders hold all of it several times."""

LARGEST_RUN_LENGTH_ENCODED = 5_000_000
"""Pixels, and bytes, of a BMP with run lengths: Pillow decodes it in Python, and takes 3 s for 10 million of either."""

LONGEST_SIDE = 65_535
"""Pixels, the most that a JPEG can have. Resizing takes 32 bytes for each pixel of a side and 224 for each that
becomes: a line of 100 million pixels would take gigabytes."""

MOST_SCANS = 100
"""Of a JPEG. Encoders write at most some 15; each costs a pass over all pixels and may be 10 bytes long."""

LARGEST_FILE = 500_000_000
"""Bytes, for a file is read whole: more than 100 million pixels with transparency take as BMP."""

_RUN_LENGTHS = (1, 2)
"""What a BMP's header calls its two kinds of run lengths."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What follows a scan: in it a byte of 255 is followed by 0, by a restart marker, or by another 255 that fills."""

_START_OF_SCAN, _END = 0xDA, 0xD9


class RejectedPhotoError(Exception):
    """A photo that cannot be used; the message is the reason that goes into the results."""


def require_size(photo: Image.Image, content: bytes) -> None:
    """Raise RejectedPhotoError if a photo that is not decoded yet would take too much memory or time."""
    width, height = photo.size
    pixels = width * height
    if pixels == 0:
        raise RejectedPhotoError("it has no pixels")
    if pixels > LARGEST_PHOTO:
        raise RejectedPhotoError(_too_many(photo, ""))
    if max(width, height) > LONGEST_SIDE:
        raise RejectedPhotoError(
            f"{width:,} x {height:,} pixels: a side is longer than the {LONGEST_SIDE:,} that are allowed"
        )
    if photo.format == "BMP" and photo.info.get("compression") in _RUN_LENGTHS:
        larger = max(pixels, len(content))
        if larger > LARGEST_RUN_LENGTH_ENCODED:
            unit = "pixels" if larger == pixels else "bytes"
            raise RejectedPhotoError(
                f"a run-length-encoded BMP of {larger:,} {unit}, more than the {LARGEST_RUN_LENGTH_ENCODED:,} allowed"
            )
    if photo.format == "WEBP" and pixels > LARGEST_AT_ONCE:
        raise RejectedPhotoError(_too_many(photo, " of a WebP", LARGEST_AT_ONCE))
    if photo.format in ("JPEG", "MPO"):
        _require_few_scans(photo, content)


def jpeg_scans(content: bytes) -> int:
    """Return how many scans the first image of a JPEG file has, from its markers: ISO/IEC 10918-1, B.1."""
    scans, at = 0, 2
    while True:
        found = _MARKER.search(content, at)
        if found is None:
            return scans
        marker = content[found.start() + 1]
        if marker == _END:
            return scans
        scans += marker == _START_OF_SCAN
        # A marker that carries data says how long it is; of a scan only its header does.
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])


def _require_few_scans(photo: Image.Image, content: bytes) -> None:
    # Counting every pair of bytes that looks like a scan is nearly free, and for nearly all photos enough.
    large = photo.width * photo.height > LARGEST_AT_ONCE
    if not large and content.count(bytes([0xFF, _START_OF_SCAN])) <= MOST_SCANS:
        return
    scans = jpeg_scans(content)
    if scans > MOST_SCANS:
        raise RejectedPhotoError(f"a JPEG in {scans:,} scans, more than the {MOST_SCANS} that are allowed")
    if large and scans > 1:
        raise RejectedPhotoError(_too_many(photo, " of a progressive JPEG", LARGEST_AT_ONCE))


def _too_many(photo: Image.Image, of_what: str, allowed: int = LARGEST_PHOTO) -> str:
    pixels = photo.width * photo.height
    return f"{photo.width:,} x {photo.height:,} pixels{of_what} are {pixels:,}, more than the {allowed:,} allowed"
