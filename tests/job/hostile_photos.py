"""Writes some 400 broken, hostile and odd photos into a folder, the same ones from the same seed.

Each file's fate is known where it must be known: to be used, to be set aside, or - where it was damaged at random -
one of the two, for whoever damages a photo at random may leave one that can be read.
"""

import io
import os
import random
import struct
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

Encode = Callable[[Image.Image], bytes]


class Fate(Enum):
    """What has to become of a photo."""

    USED = "used"
    SET_ASIDE = "set aside"
    EITHER = "either"


@dataclass(frozen=True)
class Hostile:
    """A file.

    Parameters
    ----------
    inside
        Its path inside the folder.
    content
        Its bytes.
    fate
        What has to become of it.
    """

    inside: str
    content: bytes
    fate: Fate


def encoded(photo: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a photo as a file of a format that Pillow writes, or as HEIC."""
    content = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(photo).save(content, **options)
    else:
        photo.save(content, kind, **options)
    return content.getvalue()


ENCODERS: dict[str, tuple[str, Encode]] = {
    "baseline": (".jpg", lambda photo: encoded(photo, "JPEG")),
    "progressive": (".jpg", lambda photo: encoded(photo, "JPEG", progressive=True)),
    "png": (".png", lambda photo: encoded(photo, "PNG")),
    "webp": (".webp", lambda photo: encoded(photo, "WEBP")),
    "bmp": (".bmp", lambda photo: encoded(photo, "BMP")),
    "gif": (".gif", lambda photo: encoded(photo, "GIF")),
    "tiff": (".tif", lambda photo: encoded(photo, "TIFF", compression="tiff_lzw")),
    "avif": (".avif", lambda photo: encoded(photo, "AVIF", speed=9)),
    "jpeg2000": (".jp2", lambda photo: encoded(photo, "JPEG2000")),
    "heic": (".heic", lambda photo: encoded(photo, "HEIC")),
}
"""The forms in which a photo is damaged: ending and encoder."""


def hostile_photos(photo: Image.Image, seed: int) -> Iterator[Hostile]:
    """Yield all files that are nothing but bytes; what a file system alone can hold is ``write_traps``'s.

    Parameters
    ----------
    photo
        An RGB photo with keypoints, from which most are made; some 100 pixels wide.
    seed
        Another seed damages other bytes.
    """
    yield from _truncated(photo)
    yield from _damaged(photo, seed)
    yield from _mistaken(photo, seed)
    yield from _bombs(photo)
    yield from _animated(photo)
    yield from _turned(photo)
    yield from _modes(photo)
    yield from _shapes()
    yield from _named(encoded(photo, "JPEG"))


def mutations(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Yield damaged copies of a file: cut, with bits flipped, bytes overwritten, parts left out, doubled or swapped."""
    draw = random.Random(seed)  # noqa: S311 - damage, not secrets
    for _ in range(count):
        damaged = bytearray(content)
        kind = draw.randrange(6)
        at, length = draw.randrange(len(content)), draw.randrange(1, 64)
        if kind == 0:
            del damaged[at:]
        elif kind == 1:
            for _ in range(draw.randrange(1, 20)):
                damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        elif kind == 2:
            # Headers decide most: half of the damage goes there.
            at = draw.randrange(min(len(content), 64)) if draw.random() < 0.5 else at
            damaged[at : at + length] = draw.choice([b"\xff", b"\x00", b"\x7f"]) * length
        elif kind == 3:
            del damaged[at : at + length]
        elif kind == 4:
            damaged[at:at] = damaged[max(0, at - length) : at] * draw.randrange(1, 40)
        else:
            other = draw.randrange(len(content))
            damaged[at : at + length], damaged[other : other + length] = (
                damaged[other : other + length],
                damaged[at : at + length],
            )
        yield bytes(damaged)


def write_traps(folder: Path) -> dict[str, str]:
    """Write what only a file system holds; return the reasons for which each has to be set aside, by path inside."""
    traps = folder / "traps"
    (traps / "folder.jpg").mkdir(parents=True)
    (traps / "loop.jpg").symlink_to("loop.jpg")
    (traps / "one.jpg").symlink_to("two.jpg")
    (traps / "two.jpg").symlink_to("one.jpg")
    (traps / "nowhere.jpg").symlink_to("nothing here.jpg")
    (traps / "parent").symlink_to("..")
    (traps / "endless.jpg").symlink_to("/dev/zero")
    os.mkfifo(traps / "waits for ever.jpg")
    name = os.fsencode(traps) + b"/caf\xe9.jpg"
    Path(os.fsdecode(name)).write_bytes(b"no matter")
    return {
        "traps/loop.jpg": "a link that leads nowhere",
        "traps/one.jpg": "a link that leads nowhere",
        "traps/two.jpg": "a link that leads nowhere",
        "traps/nowhere.jpg": "a link that leads nowhere",
        "traps/endless.jpg": "not a file",
        "traps/waits for ever.jpg": "not a file",
        "traps/caf\\xe9.jpg": "its name is not UTF-8",
    }


def run_length_encoded(width: int, height: int, data: bytes) -> bytes:
    """Return a BMP of 8 bits a pixel in run lengths, whose data may be anything."""
    start = 14 + 40 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + bytes(1024) + data


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, bits: int = 1, colours: int = 0) -> bytes:
    """Return a PNG of some size in its header, whatever follows."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def many_scans(photo: Image.Image, times: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    content = encoded(photo, "JPEG", progressive=True)
    last_scan = content[content.rfind(b"\xff\xc4") : -2]
    return content[:-2] + last_scan * times + content[-2:]


def with_exif(photo: Image.Image, kind: str, orientation: int) -> bytes:
    """Return a photo with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(photo, kind, exif=exif)


def _truncated(photo: Image.Image) -> Iterator[Hostile]:
    for name, (ending, encode) in ENCODERS.items():
        content = encode(photo)
        for part in range(16):
            # A JPEG decodes for as long as nothing but its end marker is missing; half a file is never whole.
            length = len(content) * part // 16
            fate = Fate.SET_ASIDE if part <= 8 else Fate.EITHER
            yield Hostile(f"truncated/{name} {part:02d}{ending}", content[:length], fate)


def _damaged(photo: Image.Image, seed: int) -> Iterator[Hostile]:
    for name, (ending, encode) in ENCODERS.items():
        for number, content in enumerate(mutations(encode(photo), seed, 24)):
            yield Hostile(f"damaged/{name} {number:02d}{ending}", content, Fate.EITHER)


def _mistaken(photo: Image.Image, seed: int) -> Iterator[Hostile]:
    """Yield files that are not what their name says."""
    for name, (_, encode) in ENCODERS.items():
        content = encode(photo)
        yield Hostile(f"mistaken/{name} by its name a jpg.JPG", content, Fate.USED)
        yield Hostile(f"mistaken/{name} by its name a png.Png", content, Fate.USED)
        yield Hostile(f"mistaken/{name} without its first bytes.jpg", bytes(16) + content[16:], Fate.SET_ASIDE)
        yield Hostile(f"mistaken/{name} behind a line.jpg", b"HTTP/1.1 200 OK\r\n\r\n" + content, Fate.SET_ASIDE)
    for kind in ("GIF", "TIFF", "AVIF", "JPEG2000", "HEIC"):
        yield Hostile(f"mistaken/{kind}.jpg", encoded(photo, kind), Fate.USED)
    for kind in ("PPM", "ICO", "PDF", "EPS", "TGA", "PCX", "SGI"):
        yield Hostile(f"mistaken/{kind}.jpg", encoded(photo, kind), Fate.SET_ASIDE)
    for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg"):
        content = encoded(photo, "TIFF", compression=compression)
        yield Hostile(f"mistaken/{compression}.jpg", content, Fate.USED)
    texts = {
        "empty": b"",
        "one byte": b"\xff",
        "text": b"hello",
        "page": b"<!doctype html><title>404</title>",
        "drawing": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
        "zeros": bytes(1000),
        "archive": b"PK\x05\x06" + bytes(18),
        "program": b"\x7fELF" + bytes(100),
        "PostScript": b"%!PS\n(/etc/passwd) (r) file\n",
        "only markers": b"\xff\xd8\xff\xd9",
        "pointer to a large file": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    }
    for name, content in texts.items():
        yield Hostile(f"mistaken/{name}.jpg", content, Fate.SET_ASIDE)
    draw = random.Random(seed)  # noqa: S311
    for start in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x10\x00\x00WEBPVP8 ", b"BM"):
        yield Hostile(f"mistaken/noise after {start.hex()}.jpg", start + draw.randbytes(4000), Fate.SET_ASIDE)


def _bombs(photo: Image.Image) -> Iterator[Hostile]:
    """Yield small files that ask for much memory or time."""
    jpeg, webp = encoded(photo, "JPEG"), bytearray(encoded(photo, "WEBP", lossless=True))
    size = jpeg.index(b"\xff\xc0") + 5
    webp[21:25] = struct.pack("<I", 16382 | 16382 << 14)
    bitmap = bytearray(encoded(photo, "BMP"))
    bitmap[18:26] = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    one_colour = zlib.compress(bytes(2_000_000))
    bombs = {
        "pixels.png": encoded(Image.new("1", (20_000, 20_000)), "PNG"),
        "just too many.png": png(10_001, 10_000),
        "header.png": png(2**31 - 1, 2**31 - 1),
        "header.jpg": jpeg[:size] + b"\xff\xff\xff\xff" + jpeg[size + 4 :],
        "header.webp": bytes(webp),
        "header.bmp": bytes(bitmap),
        "line.png": png(90_000_000, 1),
        "column.png": png(1, 65_536),
        "nothing.png": png(0, 0),
        "no width.png": png(0, 5),
        "text.png": png(8, 8, png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(5_000_000)))),
        "profile.png": png(8, 8, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(5_000_000)))),
        "too little.png": png(9_000, 9_000, png_chunk(b"IDAT", one_colour[:40])),
        "no data.png": png(9_000, 9_000),
        "scans.jpg": many_scans(photo, 200),
        "run lengths.bmp": run_length_encoded(5_000, 5_000, b"\1\1\0\0" * 5_000),
        "far delta.bmp": run_length_encoded(60_000, 50_000, b"\0\2\xff\xff" * 9),
        "upside down.bmp": run_length_encoded(5, -5, b""),
    }
    for name, content in bombs.items():
        yield Hostile(f"bombs/{name}", content, Fate.SET_ASIDE)


def _animated(photo: Image.Image) -> Iterator[Hostile]:
    frames: dict[str, Any] = {"save_all": True, "append_images": [photo.rotate(9), photo.rotate(18)], "duration": 9}
    yield Hostile("animated/three.webp", encoded(photo, "WEBP", **frames), Fate.USED)
    yield Hostile("animated/three.png", encoded(photo, "PNG", **frames), Fate.USED)
    yield Hostile("animated/default image.png", encoded(photo, "PNG", default_image=True, **frames), Fate.USED)
    yield Hostile("animated/three.gif.jpg", encoded(photo, "GIF", **frames), Fate.USED)
    several = {"save_all": True, "append_images": [photo]}
    yield Hostile("animated/several.jpg", encoded(photo, "MPO", **several), Fate.USED)


def _turned(photo: Image.Image) -> Iterator[Hostile]:
    for kind, ending in (("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")):
        for orientation in (*range(10), 255, 65_535):
            yield Hostile(f"turned/{orientation}{ending}", with_exif(photo, kind, orientation), Fate.USED)
    whole = with_exif(photo, "JPEG", 6)
    notes = {
        "no TIFF": whole.replace(b"MM\0*", b"????").replace(b"II*\0", b"????"),
        "far offset": whole.replace(b"*\0\0\0\x08", b"*\xff\xff\xff\xff").replace(
            b"*\0\x08\0\0\0", b"*\0\xff\xff\xff\xff"
        ),
        "endless": encoded(photo, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x0c\0" * 900),
        "empty": encoded(photo, "JPEG", exif=b"Exif\0\0"),
        "text": encoded(photo, "JPEG", exif=b"Exif\0\0" + b"hello" * 1000),
    }
    for name, content in notes.items():
        yield Hostile(f"turned/notes {name}.jpg", content, Fate.USED)


def _modes(photo: Image.Image) -> Iterator[Hostile]:
    clear = photo.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    palette = photo.quantize(200)
    greys = np.asarray(photo.convert("L"))
    inverted = encoded(photo.convert("CMYK"), "JPEG")
    with_marker = inverted[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x02" + inverted[2:]
    forms: dict[str, bytes] = {
        "CMYK.jpg": inverted,
        "CMYK twice marked.jpg": with_marker,
        "CMYK best.jpg": encoded(photo.convert("CMYK"), "JPEG", quality=95),
        "YCbCr.jpg": encoded(photo.convert("YCbCr"), "JPEG"),
        "subsampled.jpg": encoded(photo, "JPEG", subsampling="4:1:1", quality=10),
        "restarting.jpg": encoded(photo, "JPEG", restart_marker_blocks=1),
        "grey.jpg": encoded(photo.convert("L"), "JPEG"),
        "grey progressive.jpg": encoded(photo.convert("L"), "JPEG", progressive=True),
        "profile.jpg": encoded(photo, "JPEG", icc_profile=b"no profile at all"),
        "comment.jpg": encoded(photo, "JPEG", comment=b"\xff\xda" * 30_000),
        "grey.png": encoded(photo.convert("L"), "PNG"),
        "grey and clear.png": encoded(clear.convert("LA"), "PNG"),
        "clear.png": encoded(clear, "PNG"),
        "clear.webp": encoded(clear, "WEBP"),
        "clear exact.webp": encoded(clear, "WEBP", lossless=True, exact=True),
        "clear.bmp": encoded(clear, "BMP"),
        "palette.png": encoded(palette, "PNG"),
        "palette clear.png": encoded(palette, "PNG", transparency=bytes(range(200))),
        "palette one clear.png": encoded(palette, "PNG", transparency=0),
        "palette.bmp": encoded(palette, "BMP"),
        "palette of two.png": encoded(photo.quantize(2), "PNG", bits=1),
        "one colour clear.png": encoded(photo, "PNG", transparency=(255, 0, 0)),
        "16 bits.png": encoded(Image.fromarray(greys.astype(np.uint16) * 257), "PNG"),
        "16 bits colour.png": _sixteen_bits(photo),
        "1 bit.png": encoded(photo.convert("1"), "PNG"),
        "1 bit.bmp": encoded(photo.convert("1"), "BMP"),
        "grey.bmp": encoded(photo.convert("L"), "BMP"),
        "run lengths.bmp": run_length_encoded(8, 8, b"".join(bytes([8, row, 0, 0]) for row in range(8)) + b"\0\1"),
        "words.png": encoded(photo, "PNG", pnginfo=_words()),
    }
    for name, content in forms.items():
        yield Hostile(f"modes/{name}", content, Fate.USED)


def _sixteen_bits(photo: Image.Image) -> bytes:
    """Return a PNG of 16 bits a colour, which Pillow reads and does not write."""
    pixels = (np.asarray(photo).astype(np.uint16) * 257).byteswap()
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return png(photo.width, photo.height, png_chunk(b"IDAT", zlib.compress(rows)), bits=16, colours=2)


def _words() -> Any:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    words = PngInfo()
    words.add_text("Title", "<script>alert(1)</script>", zip=True)
    return words


def _shapes() -> Iterator[Hostile]:
    for kind, ending in (("PNG", ".png"), ("JPEG", ".jpg"), ("BMP", ".bmp"), ("WEBP", ".webp")):
        longest = 16_383 if kind == "WEBP" else 20_000
        for size in ((1, 1), (2, 1), (1, 2), (3, 3), (1, longest), (longest, 1)):
            photo = Image.new("RGB", size, "red")
            yield Hostile(f"shapes/{size[0]}x{size[1]}{ending}", encoded(photo, kind), Fate.USED)


NAMES = (
    *("with spaces", " leading", "trailing ", "quote'", 'double"quote', "new\nline", "carriage\rreturn", "tab\there"),
    *("emoji 🍎🍏", "100%", "%41", "%2F", "a#b", "a?b=c", "-rf", "--help", "a;b", "a&b", "a|b", "$(HOME)", "`ls`"),
    *("back\\slash", "colon:colon", "star*", "[brackets]", "{braces}", "~", "a,b", "=1+1", "@SUM(1)", "null", "NaN"),
    *(
        "_hidden",
        "part-00000",
        "\x1b[31mred\x1b[0m",
        "\x07bell",
        "مرحبا",
        "日本語",
        "\u202egpj.exe",
        "x" * 200,
        "é" * 100,
    ),
    *(unicodedata.normalize("NFC", "crème"), unicodedata.normalize("NFD", "crème"), "s3:", "file:", "a..b", "end."),
)
"""Names of good photos, without their ending."""

LABELS = (
    *("<script>alert('label')<", "a=b", "=cmd|' ", "+1", "-1", "@x", "two words", 'say "x"', "comma,comma", "100%"),
    *("%2e%2e", "a&amp;b", "new\nline", "\x1b]0;title\x07", "emoji 🍇", "null", "None", "1", "true", "c:"),
    *("__HIVE_DEFAULT_PARTITION__", "_temporary", unicodedata.normalize("NFC", "pêche"), "label=1", "a" * 200),
    unicodedata.normalize("NFD", "pêche"),
)
"""Folders of good photos, all of which have the same name."""


def _named(good: bytes) -> Iterator[Hostile]:
    for name in NAMES:
        yield Hostile(f"names/{name}.jpg", good, Fate.USED)
    for label in LABELS:
        yield Hostile(f"labels/{label}/same name.jpg", good, Fate.USED)
        yield Hostile(f"labels/nested/{label}/same name.jpg", good, Fate.USED)
