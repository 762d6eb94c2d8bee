"""The image formats: which are decoded, by which file endings they are found, and how other files are named.

This is the only list: the job, `orchard upload`, the preflight check and `orchard classify` read it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from job.images.headers import JPEG_SIGNATURE, unsupported_jpeg


@dataclass(frozen=True)
class PhotoFormat:
    """A format that is decoded.

    Parameters
    ----------
    decoder
        Pillow's name of it.
    endings
        Of file names, in lower case.
    """

    name: str
    decoder: str
    endings: tuple[str, ...]


PHOTO_FORMATS = (
    PhotoFormat("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo")),
    PhotoFormat("PNG", "PNG", (".png", ".apng")),
    PhotoFormat("WebP", "WEBP", (".webp",)),
    PhotoFormat("BMP", "BMP", (".bmp",)),
    PhotoFormat("GIF", "GIF", (".gif",)),
    PhotoFormat("TIFF", "TIFF", (".tif", ".tiff")),
    PhotoFormat("AVIF", "AVIF", (".avif",)),
    PhotoFormat("JPEG 2000", "JPEG2000", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")),
    PhotoFormat("HEIC", "HEIF", (".heic", ".heif", ".hif")),
)
"""Formats whose decoders run no external program: Pillow's, and libheif for HEIC (decision 0128)."""

FORMATS = tuple(each.decoder for each in PHOTO_FORMATS)
"""Decoders that are tried, by the content and not the name of a file."""

FORMAT_NAMES = ", ".join(each.name for each in PHOTO_FORMATS[:-1]) + f" or {PHOTO_FORMATS[-1].name}"
"""For messages."""

PHOTO_ENDINGS = tuple(ending for each in PHOTO_FORMATS for ending in each.endings)
"""Endings of a photo's file name, compared in lower case."""

_RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
    *(".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f"),
)

OTHER_IMAGES = {
    **dict.fromkeys(_RAW, "camera raw"),
    **dict.fromkeys((".svg", ".svgz"), "SVG drawing"),
    **dict.fromkeys((".pbm", ".pgm", ".ppm", ".pnm"), "portable anymap"),
    **dict.fromkeys((".eps", ".ps"), "PostScript"),
    **dict.fromkeys((".fli", ".flc"), "FLIC animation"),
    **dict.fromkeys((".jxr", ".wdp", ".hdp"), "JPEG XR"),
    **dict.fromkeys((".ico", ".cur"), "icon"),
    **dict.fromkeys((".heics", ".heifs", ".avifs"), "image sequence"),
    ".jxl": "JPEG XL",
    ".psd": "Photoshop document",
    ".xcf": "GIMP document",
    ".dcm": "DICOM",
    ".exr": "OpenEXR",
    ".hdr": "Radiance HDR",
    ".tga": "Targa",
    ".pcx": "PCX",
    ".dds": "DDS",
    ".icns": "icon",
    ".dib": "DIB",
    ".pdf": "PDF",
}
"""Image formats that are not decoded, by ending."""

NO_ENDING = "(none)"
"""Counted for files whose name has no ending."""

_SHOWN = 10

_SIGNATURES = (
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (4, b"JXL \x0d\x0a\x87\x0a", "a JPEG XL image"),
    (0, b"II\xbc", "a JPEG XR image"),
    (128, b"DICM", "a DICOM file"),
    (0, b"v/1\x01", "an OpenEXR image"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"FUJIFILMCCD-RAW", "a camera raw file"),
    (8, b"CR\x02", "a camera raw file"),
    (4, b"ftypcrx", "a camera raw file"),
    (0, b"\x89PNG", "a damaged PNG"),
    (0, b"GIF8", "a damaged GIF"),
    (0, b"II*\0", "a TIFF that is damaged, or has unusual pixels"),
    (0, b"MM\0*", "a TIFF that is damaged, or has unusual pixels"),
    *((4, b"ftyp" + brand, "a damaged HEIC or AVIF image") for brand in (b"hei", b"hev", b"avi", b"mif1", b"msf1")),
    (4, b"ftyp", "a video, or an image in a container that is not supported"),
    (0, b"RIFF", "a RIFF file without a readable WebP image"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"version https://git-lfs", "a pointer of Git LFS instead of the file: run `git lfs pull`"),
)
"""Offset and first bytes of other kinds of content."""


def is_photo(name: str) -> bool:
    """Return whether the ending of a file's name is one of a photo."""
    return name.lower().endswith(PHOTO_ENDINGS)


def ending(name: str) -> str:
    """Return the ending of a file's name in lower case, or ``NO_ENDING``."""
    stem, dot, last = name.rpartition("/")[2].rpartition(".")
    return f".{last.lower()}" if dot and stem and last else NO_ENDING


def count_endings(names: Iterable[str]) -> Counter[str]:
    """Return how many names have each ending."""
    return Counter(ending(name) for name in names)


def describe_ignored(endings: Mapping[str, int]) -> str:
    """Return one line on files that are not photos, counted by ``count_endings``; empty if there are none.

    For instance ``Ignored 46 files: 40 .cr2 (camera raw, not supported), 6 .txt.``
    """
    if not endings:
        return ""
    ordered = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
    parts = [
        f"{count:,} {'without an ending' if name == NO_ENDING else name}"
        + (f" ({OTHER_IMAGES[name]}, not supported)" if name in OTHER_IMAGES else "")
        for name, count in ordered[:_SHOWN]
    ]
    others = sum(count for _, count in ordered[_SHOWN:])
    parts += [f"{others:,} with other endings"] if others else []
    total = sum(endings.values())
    return f"Ignored {total:,} {'file' if total == 1 else 'files'}: {', '.join(parts)}."


def describe_content(content: bytes) -> str:
    """Return what a file is that no decoder accepts, as far as its first bytes tell."""
    if content.startswith(JPEG_SIGNATURE):
        return unsupported_jpeg(content) or "a damaged JPEG"
    for offset, start, kind in _SIGNATURES:
        if content.startswith(start, offset):
            return kind
    text = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if b"<svg" in text:
        return "an SVG drawing"
    if text and all(byte >= 32 or byte in b"\t\r\n\f" for byte in text):
        return "a text file"
    return "unknown content"
