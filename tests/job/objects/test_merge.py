"""Tests of job/objects/merge.py: which windows are one object, and which are none."""

import numpy as np
import pytest

from job.objects.merge import distinct, merge, overlaps

Lists = list[list[float]]


def merged(boxes: list[list[float]], certainties: list[float], labels: list[int]) -> tuple[Lists, Lists]:
    """Return the boxes and probabilities of the objects that windows of certain labels show."""
    probabilities = np.eye(3)[labels].reshape(-1, 3)
    found = merge(np.array(boxes, float).reshape(-1, 4), probabilities, np.array(certainties, float))
    return found[0].tolist(), found[1].tolist()


def test_agreeing_windows_are_one_weighted_object() -> None:
    boxes, labels = merged([[0, 0, 100, 100], [8, 0, 108, 100]], [0.25, 0.75], [1, 2])

    assert boxes == [pytest.approx([6, 0, 106, 100])]
    assert labels == [pytest.approx([0, 0.25, 0.75])]


def test_worse_window_beside_has_no_say() -> None:
    assert merged([[0, 0, 100, 100], [40, 0, 140, 100]], [0.8, 0.7], [1, 2]) == ([[0, 0, 100, 100]], [[0, 1, 0]])


def test_window_inside_a_better_one_is_dropped() -> None:
    assert merged([[0, 0, 100, 100], [10, 10, 40, 40]], [0.9, 0.8], [1, 2]) == ([[0, 0, 100, 100]], [[0, 1, 0]])


def test_window_around_a_better_one_is_dropped() -> None:
    assert merged([[0, 0, 100, 100], [10, 10, 40, 40]], [0.8, 0.9], [1, 1]) == ([[10, 10, 40, 40]], [[0, 1, 0]])


def test_neighbours_with_the_same_label_are_two_objects() -> None:
    boxes, labels = merged([[0, 0, 100, 100], [90, 0, 190, 100]], [0.8, 0.9], [1, 1])

    assert boxes == [[90, 0, 190, 100], [0, 0, 100, 100]]
    assert labels == [[0, 1, 0]] * 2


def test_no_window_is_no_object() -> None:
    assert merged([], [], []) == ([], [])


def test_distinct_boxes_keep_the_best_of_alike_ones() -> None:
    boxes = np.array([[0, 0, 100, 100], [5, 0, 105, 100], [200, 0, 300, 100]], float)

    assert distinct(boxes, np.array([0.1, 0.3, 0.2]), 0.8).tolist() == [1, 2]
    assert distinct(boxes, np.array([0.1, 0.3, 0.2]), 0.95).tolist() == [1, 2, 0]


def test_overlaps_are_shares_of_union_and_smaller_box() -> None:
    union, smaller = overlaps(np.array([[0, 0, 100, 100], [50, 0, 100, 100], [200, 200, 300, 300]], float))

    assert union[0].tolist() == [1, 0.5, 0]
    assert smaller[0].tolist() == [1, 1, 0]
