"""Tests of job/images/views.py: the windows of a photo, and how they are decoded."""

import io

import numpy as np
import pytest
from PIL import Image

from job.images import EXACT, SCALED, WINDOWS, decode_views
from job.images.decode import decode


def photo(width: int, height: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def test_one_view_equals_decode() -> None:
    content = photo(60, 40)

    np.testing.assert_array_equal(decode_views(content, 32, 32, 1, EXACT).pixels(), [decode(content, 32, 32)])


@pytest.mark.parametrize("views", WINDOWS)
def test_windows_are_distinct_and_inside_the_photo(views: int) -> None:
    windows = WINDOWS[views]

    assert len(set(windows)) == views
    assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in windows)


def test_nine_views_include_the_five_and_the_three() -> None:
    assert set(WINDOWS[3]) < set(WINDOWS[5]) < set(WINDOWS[9])


def test_centre_view_is_the_middle_half_of_both_sides() -> None:
    content = photo(80, 40)

    half = decode_views(content, 40, 20, 3, EXACT).pixels()[2]

    with Image.open(io.BytesIO(content)) as whole:
        np.testing.assert_array_equal(half, np.asarray(whole.crop((20, 10, 60, 30))))


def test_scaled_decoding_oversamples_the_smallest_view() -> None:
    content = photo(1600, 1600, "JPEG")

    exact, scaled = (decode_views(content, 100, 100, 3, method).pixels() for method in (EXACT, SCALED))

    # 2 x 100 / 0.5 pixels are needed: JPEG scales by 4 to 400, where one view alone would scale by 8
    with Image.open(io.BytesIO(content)) as small:
        small.draft(None, (400, 400))
        assert small.size == (400, 400)
        np.testing.assert_array_equal(scaled[0], np.asarray(small.resize((100, 100))))
    assert np.abs(exact.astype(int) - scaled).mean() < 16
