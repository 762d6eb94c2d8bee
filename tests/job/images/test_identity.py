"""Tests of job/images/identity.py."""

import io

import numpy as np
from PIL import Image

from job.images import EXACT, THUMBNAIL_SIDE, decode_views, grey_levels, identify

GREYS = np.add.outer(np.arange(96), np.arange(96)).astype(np.uint8)
PHOTO = Image.fromarray(GREYS).convert("RGB")


def test_digest_is_that_of_the_bytes() -> None:
    one, same, other = (identify(content, PHOTO).digest for content in (b"1", b"1", b"2"))

    assert one == same != other
    assert len(one) == 32


def test_thumbnail_has_the_mean_of_each_block() -> None:
    grey = grey_levels(identify(b"", PHOTO).thumbnail)

    blocks = GREYS.reshape(THUMBNAIL_SIDE, 6, THUMBNAIL_SIDE, 6).mean(axis=(1, 3))
    np.testing.assert_allclose(grey.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE), blocks, atol=1)


def test_photo_of_odd_sides_has_the_mean_of_equal_blocks() -> None:
    halves = Image.fromarray(np.repeat([[0, 200]], 33, axis=0).repeat(17, axis=1).astype(np.uint8)).convert("RGB")

    grey = grey_levels(identify(b"", halves).thumbnail).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)

    assert [set(grey[:, column].tolist()) for column in (0, -1)] == [{0}, {200}]


def test_copy_of_lower_quality_has_nearly_the_same_thumbnail() -> None:
    def thumbnail(quality: int, side: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        file = io.BytesIO()
        PHOTO.resize((side, side)).save(file, "JPEG", quality=quality)
        whole = decode_views(file.getvalue(), 224, 224, 3, EXACT).views[0]
        return grey_levels(identify(b"", whole).thumbnail).astype(np.float64)

    difference = thumbnail(95, 96) - thumbnail(70, 64)
    assert np.sqrt((difference**2).mean()) < 2
