"""Tests of job/objects/backdrop.py: the plain background of training photos."""

import numpy as np
import numpy.typing as npt

from job.objects.backdrop import Backdrop, find


def photos(count: int, grey: int, first: int, after: int) -> npt.NDArray[np.uint8]:
    """Return thumbnails with a dark square from one pixel up to another, on grey."""
    made = np.full((count, 16, 16), grey, np.uint8)
    made[:, first:after, first:after] = 60
    return made.reshape(count, -1)


def test_finds_grey_level_and_filled_share() -> None:
    assert find(photos(10, 250, 2, 14)) == Backdrop(250, 12 / 16)


def test_few_other_photos_are_allowed() -> None:
    others = np.random.default_rng(0).integers(0, 256, (2, 256), np.uint8)

    assert find(np.concatenate([photos(10, 255, 4, 12), others])) == Backdrop(255, 0.5)


def test_photos_of_many_greys_have_no_background() -> None:
    assert find(np.random.default_rng(0).integers(0, 256, (20, 256), np.uint8)) is None
    assert find(np.concatenate([photos(10, 255, 4, 12), photos(10, 0, 4, 12)])) is None


def test_without_thumbnails_there_is_no_background() -> None:
    assert find(np.empty((0, 256), np.uint8)) is None
