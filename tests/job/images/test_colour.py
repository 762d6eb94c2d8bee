"""Tests of job/images/colour.py."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from job.images import decode_at_own_size
from job.images.colour import profile_of
from tests.job.hostile_photos import encoded

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_other_primaries() -> bytes:
    """Return an RGB profile whose red and green primaries are exchanged."""
    profile = bytearray(SRGB)
    count = int.from_bytes(profile[128:132])
    entries = {bytes(profile[at : at + 4]): at + 4 for at in range(132, 132 + 12 * count, 12)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile)


EXCHANGED = with_other_primaries()
PHOTO = Image.new("RGB", (20, 20), (200, 40, 10))


def colour_of(content: bytes) -> list[int]:
    pixels: list[int] = np.asarray(decode_at_own_size(content, 100))[10, 10].tolist()
    return pixels


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_converts_to_srgb_by_embedded_profile(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}

    red, green, blue = colour_of(encoded(PHOTO, kind, icc_profile=EXCHANGED, **options))

    assert (abs(red - 40) < 8, abs(green - 200) < 8, abs(blue - 10) < 8) == (True, True, True)


def test_photo_with_srgb_profile_keeps_its_pixels() -> None:
    assert colour_of(encoded(PHOTO, "PNG", icc_profile=SRGB)) == [200, 40, 10]


@pytest.mark.parametrize(
    "profile", [b"", b"no profile", EXCHANGED[:300], b"\0" * 500, EXCHANGED[:16] + b"CMYK" + EXCHANGED[20:]]
)
def test_ignores_unusable_profile(profile: bytes) -> None:
    assert colour_of(encoded(PHOTO, "PNG", icc_profile=profile)) == [200, 40, 10]


def test_lays_transparency_over_white_before_converting() -> None:
    clear = Image.new("RGBA", (20, 20), (200, 40, 10, 0))

    assert colour_of(encoded(clear, "PNG", icc_profile=EXCHANGED)) == [255, 255, 255]


def test_profile_must_describe_the_photos_own_mode() -> None:
    grey = Image.new("L", (20, 20), 100)
    grey.info["icc_profile"] = EXCHANGED
    palette = PHOTO.quantize(2)
    palette.info["icc_profile"] = EXCHANGED

    assert profile_of(grey) == b""
    assert profile_of(palette) == EXCHANGED


def test_converts_copies_of_one_photo_alike() -> None:
    once, again = (encoded(PHOTO, "JPEG", icc_profile=EXCHANGED, quality=95) for _ in range(2))

    first, second = (np.asarray(decode_at_own_size(photo, 100)) for photo in (once, again))
    np.testing.assert_array_equal(first, second)
