"""Tests of job/reading.py."""

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from job import reading
from job.errors import TryAgainError
from job.photo_limits import RejectedPhotoError
from job.reading import decode, read_ahead
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


@pytest.mark.parametrize("notes", [b"Exif\0\0", b"Exif\0\0hello", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_a_photo_whose_exif_cannot_be_read_is_used_as_it_lies(notes: bytes) -> None:
    content = encoded(gradient(), "JPEG", exif=notes)

    with Image.open(io.BytesIO(content)) as lying:
        expected = lying.resize((WIDTH, HEIGHT))
    np.testing.assert_array_equal(decoded(content), np.asarray(expected))


def test_a_colour_that_stands_for_transparency_is_laid_over_white() -> None:
    red = Image.new("RGB", (10, 10), "red")

    assert (decoded(encoded(red, transparency=(255, 0, 0))) == 255).all()
    assert (decoded(encoded(red, transparency=(0, 255, 0))) == [255, 0, 0]).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_a_large_photo_is_converted_strip_by_strip_to_the_same_pixels(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = gradient().convert("L").convert("I;16") if mode == "I;16" else gradient().convert(mode)
    at_once = reading.to_rgb(photo)

    monkeypatch.setattr(reading, "CONVERTED_AT_A_TIME", 7 * photo.width)

    np.testing.assert_array_equal(np.asarray(reading.to_rgb(photo)), np.asarray(at_once))


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


def test_a_photo_of_too_many_pixels_is_rejected_before_it_is_decoded() -> None:
    content = encoded(Image.new("1", (10_001, 10_000)))

    reason = "^10,001 x 10,000 pixels are 100,010,000, more than the 100,000,000 allowed$"
    with pytest.raises(RejectedPhotoError, match=reason):
        decoded(content)


def test_a_photo_that_even_pillow_refuses_is_rejected_for_its_size() -> None:
    content = encoded(Image.new("1", (20_000, 20_000)))

    with pytest.raises(RejectedPhotoError, match=r"^more than 100,000,000 pixels$"):
        decoded(content)


def test_contents_come_in_the_order_of_the_paths() -> None:
    paths = [str(number) for number in range(100)]

    assert list(read_ahead(paths, str.encode)) == [path.encode() for path in paths]


def test_the_next_photos_are_read_while_one_is_used() -> None:
    # Given reads that end only once as many as may be in flight have begun
    all_begun = threading.Barrier(reading.READ_AHEAD, timeout=20)

    def read(path: str) -> bytes:
        all_begun.wait()
        return path.encode()

    contents = list(read_ahead([str(number) for number in range(reading.READ_AHEAD)], read))

    assert len(contents) == reading.READ_AHEAD


def test_no_more_is_read_ahead_than_fits() -> None:
    begun: list[str] = []

    def read(path: str) -> bytes:
        begun.append(path)
        return b"x"

    contents = read_ahead([str(number) for number in range(1000)], read)
    next(contents)

    assert len(begun) <= reading.READ_AHEAD + 1
    contents.close()  # type: ignore[attr-defined]


def test_of_large_files_only_as_many_are_in_flight_as_fit_into_memory() -> None:
    begun: list[str] = []

    def read(path: str) -> bytes:
        begun.append(path)
        return b"x"

    sizes = [reading.READ_AHEAD_BYTES // 2] * 3 + [2 * reading.READ_AHEAD_BYTES, 1, 1]
    contents = read_ahead([str(number) for number in range(6)], read, sizes)

    # At first two, then one more, and the largest by itself
    seen = [len(begun) for _ in contents]
    assert all(begun_by_then <= most for begun_by_then, most in zip(seen, [2, 3, 3, 4, 6, 6], strict=True))


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "EPS"])
def test_another_kind_of_image_is_no_photo_whatever_its_name_says(kind: str) -> None:
    with pytest.raises(RejectedPhotoError, match=r"^not a photo, whatever its name says$"):
        decoded(encoded(gradient(), kind))


def test_a_storage_that_does_not_answer_fails_the_task_instead_of_the_photo() -> None:
    def read(_path: str) -> bytes:
        raise OSError("AWS Error NETWORK_CONNECTION during GetObject operation")

    with pytest.raises(TryAgainError) as raised:
        list(read_ahead(["s3://bucket/photo.jpg"], read))

    assert raised.value.what == (
        "The photo 's3://bucket/photo.jpg' could not be read: AWS Error NETWORK_CONNECTION during GetObject operation."
    )
    assert raised.value.exit_code == 75


def test_a_photo_that_has_gone_is_told_apart_from_one_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()

    gone, unreadable = read_ahead([str(tmp_path / "gone.jpg"), str(tmp_path / "folder.jpg")])

    assert str(gone) == "not there any more when it was read"
    assert str(unreadable).startswith("cannot be read: ")
