"""Tests of job/images/decode.py."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from job.images import RejectedPhotoError, decode_at_own_size
from job.images import decode as decoding
from job.images.decode import decode
from tests.job.hostile_photos import encoded as encoded_as
from tests.job.hostile_photos import with_exif

WIDTH, HEIGHT = 32, 24


def encoded(photo: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    return encoded_as(photo, kind, **options)


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.dstack([4 * x, 6 * y, 255 - 4 * x]).astype(np.uint8))


def decoded(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return decode(content, WIDTH, HEIGHT)


def test_a_photo_is_resized_by_pillows_default_filter() -> None:
    photo = gradient()

    pixels = decoded(encoded(photo))

    assert pixels.dtype == np.uint8
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(pixels, np.asarray(photo.resize((WIDTH, HEIGHT))))


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("1", "BMP"), ("YCbCr", "JPEG")]
)
def test_a_photo_of_another_mode_is_converted_to_rgb(mode: str, kind: str) -> None:
    content = encoded(gradient().convert(mode), kind)

    pixels = decoded(content)

    expected = Image.open(io.BytesIO(content)).convert("RGB").resize((WIDTH, HEIGHT))
    np.testing.assert_array_equal(pixels, np.asarray(expected))


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG")])
def test_transparency_is_laid_over_white(mode: str, kind: str) -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0)).convert(mode)

    assert (decoded(encoded(clear, kind)) == 255).all()


def test_a_transparent_palette_is_laid_over_white() -> None:
    clear = Image.new("P", (10, 10), 1)
    clear.putpalette([0, 0, 0, 200, 0, 0])

    assert (decoded(encoded(clear)) == [200, 0, 0]).all()
    assert (decoded(encoded(clear, transparency=1)) == 255).all()


def test_sixteen_bit_greys_are_scaled_not_clipped() -> None:
    greys = Image.fromarray(np.full((10, 10), 0x8080, np.uint16))

    assert (decoded(encoded(greys)) == 0x80).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(kind: str, orientation: int) -> None:
    content = with_exif(gradient(), kind, orientation)

    with Image.open(io.BytesIO(content)) as lying:
        upright = ImageOps.exif_transpose(lying).convert("RGB").resize((WIDTH, HEIGHT))
    np.testing.assert_array_equal(decoded(content), np.asarray(upright))


# Pillow warns where the photo is opened here, for comparison; the job keeps that to itself.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("notes", [b"Exif\0\0", b"Exif\0\0hello", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_a_photo_whose_exif_cannot_be_read_is_used_as_it_lies(notes: bytes) -> None:
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


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    assert (decoded(content) == [255, 0, 0]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_extreme_shapes_are_used(size: tuple[int, int]) -> None:
    assert (decoded(encoded(Image.new("RGB", size, "red"))) == [255, 0, 0]).all()


def test_an_empty_file_is_rejected() -> None:
    with pytest.raises(RejectedPhotoError, match=r"^the file is empty$"):
        decoded(b"")


def test_a_file_that_is_no_photo_is_rejected() -> None:
    with pytest.raises(RejectedPhotoError, match=r"^not a photo, whatever its name says$"):
        decoded(b"hello")


def test_a_truncated_photo_is_rejected_with_pillows_reason() -> None:
    content = encoded(gradient(), "JPEG")

    with pytest.raises(RejectedPhotoError, match=r"^damaged: image file is truncated"):
        decoded(content[:-100])


def test_rejects_too_many_pixels_before_decoding() -> None:
    content = encoded(Image.new("1", (10_001, 10_000)))

    reason = "^10,001 x 10,000 pixels are 100,010,000, more than the 100,000,000 allowed$"
    with pytest.raises(RejectedPhotoError, match=reason):
        decoded(content)


def test_rejects_decompression_bomb_for_its_size() -> None:
    content = encoded(Image.new("1", (20_000, 20_000)))

    with pytest.raises(RejectedPhotoError, match=r"^more than 100,000,000 pixels$"):
        decoded(content)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "EPS"])
def test_rejects_other_image_format_whatever_its_name(kind: str) -> None:
    with pytest.raises(RejectedPhotoError, match=r"^not a photo, whatever its name says$"):
        decoded(encoded(gradient(), kind))


def test_decode_at_own_size_bounds_both_sides() -> None:
    assert decode_at_own_size(encoded(Image.new("L", (3000, 1500))), 1024).shape == (512, 1024, 3)
    assert decode_at_own_size(encoded(Image.new("L", (1, 20_000))), 1024).shape == (1024, 1, 3)
    assert decode_at_own_size(encoded(Image.new("L", (30, 15))), 1024).shape == (15, 30, 3)
