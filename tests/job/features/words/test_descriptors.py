"""Tests of job/features/words/descriptors.py: what it says of a photo is what OpenCV says, called directly."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from job.errors import NotInstalledError
from job.features.words import KINDS, require_opencv
from job.features.words.descriptors import LARGEST_SIDE, ORB_BORDER, describer
from job.images import RejectedPhotoError, decode_at_own_size

OpenCV: Any = cv2
"""Without its types, which lack half of it."""


def noise(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a photo as a file without loss, so that every decoder reads the same pixels."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    blurred = cv2.GaussianBlur(noise(120, 160), (0, 0), 2.5)
    cv2.imwrite(str(path), OpenCV.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX))
    return path


def test_orb_equals_opencv_called_directly(photo: Path) -> None:
    grey = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2GRAY)
    _, expected = OpenCV.ORB_create(nfeatures=50, edgeThreshold=ORB_BORDER).detectAndCompute(grey, None)

    found = describer(KINDS["orb"], 50)(np.asarray(decode_at_own_size(photo.read_bytes(), LARGEST_SIDE)))

    assert found.dtype == np.uint8
    assert found.shape[1] == 32
    assert 40 <= len(found) <= 50
    np.testing.assert_array_equal(found, expected)


def test_sift_equals_opencv_without_loss_as_bytes(photo: Path) -> None:
    grey = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2GRAY)
    _, expected = OpenCV.SIFT_create(nfeatures=50).detectAndCompute(grey, None)

    found = describer(KINDS["sift"], 50)(np.asarray(decode_at_own_size(photo.read_bytes(), LARGEST_SIDE)))

    assert found.dtype == np.uint8
    assert found.shape[1] == 128
    assert len(found) >= 50
    np.testing.assert_array_equal(found.astype(np.float32), expected)


def test_orb_bits_order_by_euclid_as_by_hamming() -> None:
    pair = noise(2, 32)[:, :, 0]

    numbers = KINDS["orb"].as_numbers(pair).astype(np.int64)

    assert numbers.shape == (2, 256)
    assert ((numbers[0] - numbers[1]) ** 2).sum() == cv2.norm(pair[0], pair[1], cv2.NORM_HAMMING)


def test_the_numbers_of_sift_stay_as_they_are() -> None:
    rows = noise(3, 128)[:, :, 0]

    assert KINDS["sift"].as_numbers(rows) is rows


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 1024), (1024, 1), (2, 2), (3, 40)])
def test_a_photo_too_small_for_keypoints_has_none(kind: str, height: int, width: int) -> None:
    found = describer(KINDS[kind], 50)(noise(height, width))

    assert found.shape == (0, KINDS[kind].width)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_photo_of_one_colour_has_no_keypoints(kind: str) -> None:
    assert len(describer(KINDS[kind], 50)(np.full((100, 100, 3), 200, np.uint8))) == 0


def test_photo_that_opencv_fails_on_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an OpenCV that fails on every photo: none is known that this one fails on
    describe = describer(KINDS["orb"], 50)

    def fail(*_: object) -> None:
        raise cv2.error("out of\nluck")

    monkeypatch.setattr(cv2, "cvtColor", fail)

    with pytest.raises(RejectedPhotoError) as raised:
        describe(noise(9, 9))

    assert "out of luck" in str(raised.value)


def test_without_opencv_the_remedy_names_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(NotInstalledError) as raised:
        require_opencv()

    assert "requirements.txt" in raised.value.hint
    assert "visual_words=true" in raised.value.hint
