"""Tests of job/images/decode.py."""

import gc
import io
import re
import weakref
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from job.images import EXACT, OVERSAMPLING, SCALED, RejectedPhotoError, decode_at_own_size, open_photo, resized
from job.images import decode as decoding
from job.images.decode import decode
from tests.error_report import values
from tests.job.hostile_photos import ENCODERS, Encode, png_chunk, with_exif
from tests.job.hostile_photos import encoded as encoded_as

WIDTH, HEIGHT = 32, 24


def encoded(photo: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    return encoded_as(photo, kind, **options)


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.dstack([4 * x, 6 * y, 255 - 4 * x]).astype(np.uint8))


def decoded(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return decode(content, WIDTH, HEIGHT)


def test_resizes_with_pillows_default_filter() -> None:
    photo = gradient()

    pixels = decoded(encoded(photo))

    assert pixels.dtype == np.uint8
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(pixels, np.asarray(photo.resize((WIDTH, HEIGHT))))


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("1", "BMP"), ("YCbCr", "JPEG")]
)
def test_converts_other_modes_to_rgb(mode: str, kind: str) -> None:
    content = encoded(gradient().convert(mode), kind)

    pixels = decoded(content)

    expected = Image.open(io.BytesIO(content)).convert("RGB").resize((WIDTH, HEIGHT))
    np.testing.assert_array_equal(pixels, np.asarray(expected))


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG")])
def test_lays_transparency_over_white(mode: str, kind: str) -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0)).convert(mode)

    assert (decoded(encoded(clear, kind)) == 255).all()


def test_lays_transparent_palette_over_white() -> None:
    clear = Image.new("P", (10, 10), 1)
    clear.putpalette([0, 0, 0, 200, 0, 0])

    assert (decoded(encoded(clear)) == [200, 0, 0]).all()
    assert (decoded(encoded(clear, transparency=1)) == 255).all()


def test_scales_16_bit_greys() -> None:
    greys = Image.fromarray(np.full((10, 10), 0x8080, np.uint16))

    assert (decoded(encoded(greys)) == 0x80).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_photo_upright(kind: str, orientation: int) -> None:
    content = with_exif(gradient(), kind, orientation)

    with Image.open(io.BytesIO(content)) as lying:
        upright = ImageOps.exif_transpose(lying).convert("RGB").resize((WIDTH, HEIGHT))
    np.testing.assert_array_equal(decoded(content), np.asarray(upright))


# The test itself opens the photo, where Pillow warns; the job suppresses the warning.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("notes", [b"Exif\0\0", b"Exif\0\0hello", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_uses_photo_with_unreadable_exif_unturned(notes: bytes) -> None:
    content = encoded(gradient(), "JPEG", exif=notes)

    with Image.open(io.BytesIO(content)) as lying:
        expected = lying.resize((WIDTH, HEIGHT))
    np.testing.assert_array_equal(decoded(content), np.asarray(expected))


def test_lays_transparent_colour_over_white() -> None:
    red = Image.new("RGB", (10, 10), "red")

    assert (decoded(encoded(red, transparency=(255, 0, 0))) == 255).all()
    assert (decoded(encoded(red, transparency=(0, 255, 0))) == [255, 0, 0]).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_converts_large_photo_by_strips_to_same_pixels(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = gradient().convert("L").convert("I;16") if mode == "I;16" else gradient().convert(mode)
    at_once = decoding.to_rgb(photo)

    monkeypatch.setattr(decoding, "CONVERTED_AT_A_TIME", 7 * photo.width)

    np.testing.assert_array_equal(np.asarray(decoding.to_rgb(photo)), np.asarray(at_once))


def test_uses_first_frame_of_animation() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    assert (decoded(content) == [255, 0, 0]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_uses_extreme_shapes(size: tuple[int, int]) -> None:
    assert (decoded(encoded(Image.new("RGB", size, "red"))) == [255, 0, 0]).all()


def test_rejects_empty_file() -> None:
    with pytest.raises(RejectedPhotoError, match=r"^the file is empty$"):
        decoded(b"")


def test_rejects_non_image() -> None:
    with pytest.raises(RejectedPhotoError, match=r": a text file$"):
        decoded(b"hello")


def test_rejects_truncated_photo_with_pillows_reason() -> None:
    content = encoded(gradient(), "JPEG")

    with pytest.raises(RejectedPhotoError, match=r"^damaged: image file is truncated"):
        decoded(content[:-100])


def test_rejects_too_many_pixels_before_decoding() -> None:
    content = encoded(Image.new("1", (10_001, 10_000)))

    with pytest.raises(RejectedPhotoError) as raised:
        decoded(content)

    assert values(str(raised.value)) == ["10,001", "10,000", "100,010,000", "100,000,000"]


def test_rejects_decompression_bomb_for_its_size() -> None:
    content = encoded(Image.new("1", (20_000, 20_000)))

    with pytest.raises(RejectedPhotoError, match=r"\b100,000,000\b"):
        decoded(content)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encoded(gradient(), "EPS"), "a PostScript document"),
        (encoded(gradient(), "PDF"), "a PDF document"),
        (encoded(gradient(), "ICO"), "an icon"),
        (b"\xff\x0a" + bytes(50), "a JPEG XL image"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "an SVG drawing"),
        (b"hello", "a text file"),
        (bytes(100), "unknown content"),
        (encoded(gradient(), "HEIC")[:60], "a damaged HEIC or AVIF image"),
        (encoded(gradient(), "TIFF")[:8], "a TIFF that is damaged, or has unusual pixels"),
        (bytes(128) + b"DICM", "a DICOM file"),
        (b"version https://git-lfs.github.com", "a pointer of Git LFS instead of the file: run `git lfs pull`"),
    ],
)
def test_says_what_other_content_is(content: bytes, kind: str) -> None:
    with pytest.raises(RejectedPhotoError, match=f": {re.escape(kind)}$"):
        decoded(content)


@pytest.mark.parametrize(
    ("frame", "bits", "kind"),
    [
        (0xC1, 12, "a JPEG with 12 bits per colour"),
        (0xC3, 8, "a lossless JPEG"),
        (0xC5, 8, "a hierarchical JPEG"),
    ],
)
def test_names_jpegs_that_libjpeg_does_not_decode(frame: int, bits: int, kind: str) -> None:
    content = encoded(gradient(), "JPEG")
    at = content.index(b"\xff\xc0")
    content = content[: at + 1] + bytes([frame]) + content[at + 2 : at + 4] + bytes([bits]) + content[at + 5 :]

    with pytest.raises(RejectedPhotoError) as raised:
        decoded(content)

    assert kind in str(raised.value)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "AVIF", "JPEG2000", "HEIC", "MPO"])
def test_decodes_format(kind: str) -> None:
    # Lossy formats differ by more at the gradient's edges than inside it.
    photo = Image.linear_gradient("L").resize((60, 40)).convert("RGB")

    pixels = decoded(encoded(photo, kind))

    difference = np.abs(pixels.astype(int) - np.asarray(photo.resize((WIDTH, HEIGHT))))
    assert difference.mean() < 3


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_turns_photo_of_container_format_once(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = Image.new("RGB", (64, 32), "red")
    lying.paste("blue", (0, 0, 16, 16))

    photo = open_photo(encoded(lying, kind, exif=exif.tobytes()))

    corners = {1: (8, 8), 3: (56, 24), 6: (24, 8), 8: (8, 56)}
    assert photo.size == ((64, 32) if orientation < 5 else (32, 64))
    red, _, blue = photo.getpixel(corners[orientation])  # type: ignore[misc]
    assert (blue > 200, red < 60) == (True, True)


def test_rejects_pixels_without_a_range() -> None:
    floats = Image.fromarray(np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10))

    with pytest.raises(RejectedPhotoError, match="32 bits"):
        decoded(encoded(floats, "TIFF"))


def test_scales_jpeg_2000_while_decoding() -> None:
    content = encoded(gradient(640, 480), "JPEG2000", num_resolutions=3)

    assert open_photo(content, (160, 120)).size == (160, 120)
    assert open_photo(content, (161, 120)).size == (320, 240)
    assert open_photo(content, (20, 15)).size == (160, 120), "it has no smaller size"


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2_000_000))),
        png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2_000_000))),
        png_chunk(b"tEXt", b"a\0b")[:-1] + b"?",
        png_chunk(b"gAMA", b""),
    ],
    ids=["large text", "large profile", "wrong checksum", "damaged gamma"],
)
def test_uses_png_with_unusable_ancillary_chunk(chunk: bytes) -> None:
    content = encoded(gradient(), "PNG")

    assert (decoded(content[:33] + chunk + content[33:]) == decoded(content)).all()


def test_keeps_orientation_of_png_with_unusable_chunk() -> None:
    content = with_exif(gradient(), "PNG", 6)
    broken = content[:33] + png_chunk(b"tEXt", b"a\0b")[:-1] + b"?" + content[33:]

    assert open_photo(broken).size == (40, 60)


def test_decode_at_own_size_bounds_both_sides() -> None:
    assert decode_at_own_size(encoded(Image.new("L", (3000, 1500))), 1024).size == (1024, 512)
    assert decode_at_own_size(encoded(Image.new("L", (1, 20_000))), 1024).size == (1, 1024)
    assert decode_at_own_size(encoded(Image.new("L", (30, 15))), 1024).size == (30, 15)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 384), (64, 48)),
        ((511, 384), (128, 96)),
        ((260, 260), (65, 65)),
        ((128, 96), (64, 48)),
        ((127, 96), (127, 96)),
        ((20, 10), (20, 10)),
        ((4000, 90), (4000, 90)),
    ],
)
def test_scaled_decoding_keeps_twice_the_output_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    content = encoded(gradient(*size), "JPEG")

    photo = open_photo(content, (OVERSAMPLING * WIDTH, OVERSAMPLING * HEIGHT))

    assert photo.size == expected


@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 8])
def test_scaled_decoding_compares_sides_as_upright(orientation: int) -> None:
    sideways = orientation >= 5
    lying = gradient(*((100, 400) if sideways else (400, 100)))

    photo = open_photo(with_exif(lying, "JPEG", orientation), (100, 25))

    assert photo.size == (100, 25)


def test_scaled_decoding_is_close_to_exact_decoding() -> None:
    content = encoded(gradient(640, 480), "JPEG", quality=90)

    exact, scaled = (decode(content, WIDTH, HEIGHT, method).astype(int) for method in (EXACT, SCALED))

    assert 0 < np.abs(exact - scaled).max() <= 12


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
def test_formats_that_cannot_scale_are_decoded_exactly(kind: str) -> None:
    content = encoded(gradient(640, 480), kind)

    np.testing.assert_array_equal(decode(content, WIDTH, HEIGHT, SCALED), decode(content, WIDTH, HEIGHT, EXACT))


def test_scaled_decoding_at_own_size_keeps_the_bound() -> None:
    content = encoded(Image.new("L", (3000, 1500)), "JPEG")

    assert open_photo(content, (600, 600)).size == (1500, 750)
    assert decode_at_own_size(content, 300, SCALED).size == (300, 150)


def test_resizes_the_part_inside_a_box() -> None:
    photo = gradient()

    pixels = np.asarray(resized(photo, 10, 8, (20, 10, 40, 26)))

    np.testing.assert_array_equal(pixels, np.asarray(photo.crop((20, 10, 40, 26)).resize((10, 8))))


@pytest.mark.parametrize("encode", [encode for _, encode in ENCODERS.values()], ids=ENCODERS)
def test_photo_leaves_memory_without_waiting_for_the_collector(encode: Encode) -> None:
    content = encode(gradient())
    gc.disable()
    try:
        photo = open_photo(content)
        seen = weakref.ref(photo)
        del photo

        assert seen() is None
    finally:
        gc.enable()
