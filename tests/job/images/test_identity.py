"""Tests of job/images/identity.py."""

import io

import numpy as np
from PIL import Image

from job.images import THUMBNAIL_SIDE, grey_levels, identify
from job.images.decode import decode

PHOTO = np.add.outer(np.arange(96), np.arange(96)).astype(np.uint8)[:, :, np.newaxis].repeat(3, axis=2)


def test_digest_is_that_of_the_bytes() -> None:
    one, same, other = (identify(content, PHOTO).digest for content in (b"1", b"1", b"2"))

    assert one == same != other
    assert len(one) == 32


def test_thumbnail_has_the_mean_of_each_block() -> None:
    grey = grey_levels(identify(b"", PHOTO).thumbnail)

    blocks = PHOTO[:, :, 0].reshape(THUMBNAIL_SIDE, 6, THUMBNAIL_SIDE, 6).mean(axis=(1, 3))
    np.testing.assert_allclose(grey.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE), blocks, atol=1)


def test_views_share_the_thumbnail_of_the_whole_photo() -> None:
    whole = identify(b"", PHOTO).thumbnail

    assert identify(b"", np.stack([PHOTO, PHOTO[::-1]])).thumbnail == whole
    assert identify(b"", PHOTO[:, :, 0]).thumbnail == whole


def test_copy_of_lower_quality_has_nearly_the_same_thumbnail() -> None:
    def thumbnail(quality: int, side: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        file = io.BytesIO()
        Image.fromarray(PHOTO).resize((side, side)).save(file, "JPEG", quality=quality)
        return grey_levels(identify(b"", decode(file.getvalue(), 224, 224)).thumbnail).astype(np.float64)

    difference = thumbnail(95, 96) - thumbnail(70, 64)
    assert np.sqrt((difference**2).mean()) < 2
