"""Tests of job/objects/windows.py: windows over a photo, and their pixels."""

import numpy as np
import pytest
from PIL import Image

from job.objects import windows


def test_largest_windows_cover_the_shorter_side() -> None:
    assert windows.grid(300, 200)[:2].tolist() == [[100, 100, 200], [200, 100, 200]]


def test_windows_of_each_scale_reach_all_edges() -> None:
    found = windows.grid(310, 200)

    boxes = windows.boxes_of(found)
    for side in np.unique(found[:, 2]):
        of_scale = boxes[found[:, 2] == side]
        assert of_scale.min(axis=0)[:2] == pytest.approx([0, 0])
        assert of_scale.max(axis=0)[2:] == pytest.approx([310, 200])


def test_neighbours_overlap_by_half_or_more() -> None:
    found = windows.grid(310, 200)

    smallest = found[found[:, 2] == found[:, 2].min()]
    steps = np.diff(np.unique(smallest[:, 0]))
    assert steps.max() <= smallest[0, 2] / 2 + 1e-9


def test_smallest_windows_are_a_seventh_of_the_side() -> None:
    sides = np.unique(windows.grid(1000, 700)[:, 2])

    assert sides[0] >= 0.14 * 700
    assert np.diff(np.log(sides)) == pytest.approx(np.log(1.5))


def test_cut_marks_what_is_outside_the_photo() -> None:
    photo = Image.new("RGB", (40, 40), (10, 20, 30))

    pixels, inside = windows.cut(photo, np.array([[0.0, 20.0, 20.0]]), 10)

    assert pixels.shape == (1, 10, 10, 3)
    assert inside[0].tolist() == [[False] * 5 + [True] * 5] * 10
    assert pixels[0, :, 6:].reshape(-1, 3).tolist() == [[10, 20, 30]] * 40


def test_square_around_a_box_keeps_its_centre() -> None:
    boxes = np.array([[10.0, 20.0, 50.0, 40.0]])

    assert windows.square(boxes).tolist() == [[30, 30, 40]]
    assert windows.boxes_of(windows.square(boxes)).tolist() == [[10, 10, 50, 50]]
