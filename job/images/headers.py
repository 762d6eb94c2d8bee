"""Read the markers and chunks of image files, as far as the job needs to know them before decoding.

JPEG: ISO/IEC 10918-1, annex B. JPEG 2000: ISO/IEC 15444-1, annex A. PNG: ISO/IEC 15948, section 5.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

JPEG_SIGNATURE = b"\xff\xd8\xff"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

START_OF_SCAN, END, RESTART_INTERVAL = 0xDA, 0xD9, 0xDD
BASELINE = (0xC0, 0xC1)
"""Start-of-frame markers of JPEGs that are not progressive."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What follows a scan: inside a scan 0xFF is followed by 0, a restart marker, or another 0xFF as padding."""

_FRAMES = {
    0xF7: "a JPEG-LS image",
    0xC3: "a lossless JPEG",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG"),
    0xCB: "a lossless JPEG",
    **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC9, 0xCA), ""),
}
"""Start-of-frame markers, with what to say of those that libjpeg does not decode."""

_CODESTREAM = b"\xff\x4f\xff\x51"
_SIZE, _STYLE, _COMPONENT_STYLE, _TILE = 0xFF51, 0xFF52, 0xFF53, 0xFF90

_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""Chunks of a PNG's pixels."""


@dataclass(frozen=True)
class JpegMarkers:
    """The markers of a JPEG file's first image."""

    offsets: Mapping[int, int]  # of the data of the last marker of each kind
    scans: int


def markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker of a file's first image with the offset of its data, up to the end marker."""
    at = 2
    while (found := _MARKER.search(content, at)) is not None:
        marker = content[found.start() + 1]
        yield marker, found.end()
        if marker == END:
            return
        # A segment starts with its length; after a scan's header follow its data, which contain no marker.
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])


def jpeg_markers(content: bytes) -> JpegMarkers:
    """Return the markers of a JPEG file; little is kept, because a hostile file has millions."""
    offsets, scans = {}, 0
    for marker, at in markers(content):
        offsets[marker] = at
        scans += marker == START_OF_SCAN
    return JpegMarkers(offsets, scans)


def unsupported_jpeg(content: bytes) -> str:
    """Return what a JPEG is that libjpeg does not decode; empty for other JPEGs, and other content."""
    for marker, at in markers(content if content.startswith(JPEG_SIGNATURE) else b""):
        if marker in _FRAMES:
            bits = content[at + 2] if at + 2 < len(content) else 8
            return f"a JPEG with {bits} bits per colour" if bits != 8 else _FRAMES[marker]
    return ""


def resolutions(content: bytes) -> int:
    """Return how often the decoder can halve an image, 0 if the header does not tell.

    The least of the image's decomposition levels and those of single components.
    """
    at = content.find(_CODESTREAM) + 2
    levels: list[int] = []
    wide = False
    while at >= 2 and at + 4 <= len(content):
        marker, length = int.from_bytes(content[at : at + 2]), int.from_bytes(content[at + 2 : at + 4])
        if marker == _TILE or marker < 0xFF00:
            break
        data = content[at + 4 : at + 2 + length]
        if marker == _SIZE and len(data) >= 36:
            wide = int.from_bytes(data[34:36]) >= 257
        elif marker == _STYLE and len(data) >= 6:
            levels.append(data[5])
        elif marker == _COMPONENT_STYLE and len(data) >= 3 + wide:
            levels.append(data[2 + wide])
        at += 2 + length
    return min(levels, default=0)


def only_pixels(content: bytes) -> bytes:
    """Return a PNG with the chunks of its pixels and a sound EXIF chunk; other content is returned unchanged.

    A text or colour profile that is too large or has a wrong checksum says nothing about the pixels. The checksums of
    the chunks that are kept stay as they are.
    """
    if not content.startswith(PNG_SIGNATURE):
        return content
    kept, at = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        chunk = content[at : at + 12 + length]
        sound = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
        if kind in _NEEDED or (kind == b"eXIf" and sound):
            kept.append(chunk)
        at += 12 + length
    return b"".join(kept)
