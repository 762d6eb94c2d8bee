"""Tests of job/images/jpeg_scan.py: damage inside a scan, which libjpeg fills with grey."""

import io

import numpy as np
import pytest
from PIL import Image

from job.images import RejectedPhotoError, open_photo
from job.images.headers import START_OF_SCAN, markers
from tests.job.hostile_photos import encoded


def noisy_photo(width: int = 400, height: int = 300) -> Image.Image:
    noise = np.random.default_rng(0).integers(-12, 13, (height, width, 3))
    smooth = np.linspace(60, 200, width)[None, :, None]
    return Image.fromarray((smooth + noise).astype(np.uint8))


CONTENT = encoded(noisy_photo(), "JPEG")
MIDDLE = (dict(markers(CONTENT))[START_OF_SCAN] + len(CONTENT)) // 2


@pytest.mark.parametrize("photo", [noisy_photo(), Image.new("RGB", (300, 200), "white"), Image.new("L", (16, 16))])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"subsampling": "4:4:4"}, {"comment": b"\xff\xd9" * 9}])
def test_watching_changes_no_pixel(photo: Image.Image, options: dict[str, object]) -> None:
    content = encoded(photo, "JPEG", **options)

    with Image.open(io.BytesIO(content)) as opened:
        np.testing.assert_array_equal(np.asarray(open_photo(content)), np.asarray(opened.convert("RGB")))


@pytest.mark.parametrize(
    "content",
    [
        CONTENT[:MIDDLE] + b"\xff\xd9",
        CONTENT[:MIDDLE] + bytes(512) + CONTENT[MIDDLE + 512 :],
        CONTENT[:MIDDLE] + bytes(4096) + CONTENT[MIDDLE + 4096 :],
        CONTENT[:MIDDLE] + CONTENT[MIDDLE + 512 :],
    ],
    ids=["cut and ended", "512 zeros", "4096 zeros", "512 bytes missing"],
)
def test_rejects_scan_that_ends_before_the_pixels(content: bytes) -> None:
    with pytest.raises(RejectedPhotoError, match=r"^damaged: .* before "):
        open_photo(content)


def test_rejects_scan_that_goes_on_after_the_pixels() -> None:
    with pytest.raises(RejectedPhotoError, match=r"^damaged: .* after "):
        open_photo(CONTENT[:MIDDLE] + CONTENT[MIDDLE - 400 :])


@pytest.mark.parametrize(
    "content",
    [
        CONTENT[:-2] + bytes(40) + CONTENT[-2:],
        CONTENT + bytes(5000),
        encoded(noisy_photo(), "JPEG", progressive=True),
        encoded(noisy_photo(), "JPEG", restart_marker_blocks=4),
        encoded(noisy_photo(), "MPO", save_all=True, append_images=[noisy_photo()]),
        encoded(noisy_photo(8, 8), "JPEG"),
    ],
    ids=["padded", "trailing bytes", "progressive", "restarting", "MPO", "narrow"],
)
def test_uses_sound_jpeg_of_every_structure(content: bytes) -> None:
    assert open_photo(content).mode == "RGB"
