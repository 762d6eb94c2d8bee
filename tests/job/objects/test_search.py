"""Tests of job/objects/search.py and extractor.py: from windows to the objects of a photo."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from job.classifiers import Classifier, Distance, LinearModel
from job.images import Decoded
from job.objects import windows
from job.objects.backdrop import Backdrop
from job.objects.extractor import as_boxes, as_values
from job.objects.proposals import Proposals
from job.objects.search import Judge, Objects, certainty, find
from job.pca import Projection

LABELS = ("blue", "red")


def judge(least: float, backdrop: Backdrop | None) -> Judge:
    """Return a judge of the mean red and blue, which knows 0.6 and 0 on white and in their middle."""
    model = LinearModel(np.array([[-20.0, 20.0], [20.0, -20.0]]), np.zeros(2))
    distance = Distance(np.eye(2), np.array([[0.2, 1.0], [1.0, 0.2]]), 0.3)
    projection = Projection(np.zeros(2), np.ones(2), np.eye(2))
    return Judge(projection, Classifier("logistic", LABELS, 2, {}, model, distance=distance), backdrop, least)


def red_and_blue(windows: Sequence[Decoded]) -> npt.NDArray[np.float32]:
    """Return the shares of red and blue in the middle of each window's first view."""
    middles = [np.asarray(window.views[0])[8:-8, 8:-8] for window in windows]
    return np.array([middle.mean(axis=(0, 1))[[0, 2]] / 255 for middle in middles], np.float32)


def two_discs() -> Image.Image:
    photo = Image.new("RGB", (300, 160), (60, 160, 60))
    ImageDraw.Draw(photo).ellipse((20, 30, 110, 120), (250, 50, 50))
    ImageDraw.Draw(photo).ellipse((180, 40, 260, 120), (50, 50, 250))
    return photo


def test_finds_both_discs_with_their_labels() -> None:
    found = find(two_discs(), judge(0.5, Backdrop(255, 1.0)), red_and_blue, (24, 24), 1)

    boxes = dict(zip((LABELS[index] for index in found.classes), found.boxes.tolist(), strict=True))
    assert boxes == {
        "red": pytest.approx([20, 30, 111, 121], abs=5),
        "blue": pytest.approx([180, 40, 261, 121], abs=5),
    }
    assert found.probabilities.min() > 0.9


def test_whole_near_probable_and_edged_objects_are_more_certain() -> None:
    sides, edges, probabilities, distances = (
        np.array(row, float)
        for row in ([100, 50, 100, 100, 100], [1, 1, 0.5, 1, 1], [1, 1, 1, 0.5, 1], [0.5, 0.5, 0.5, 0.5, 1])
    )
    boxes = np.column_stack([np.zeros((5, 2)), sides, sides / 2])
    proposals = Proposals(boxes, windows.square(boxes), None, edges)

    certain = certainty(proposals, probabilities, distances)

    assert certain / certain[0] == pytest.approx([1, 0.5, 0.5**4, 0.5**0.5, np.exp(-1.5)])


def test_improbable_windows_are_no_objects() -> None:
    assert len(find(two_discs(), judge(1.01, Backdrop(255, 1.0)), red_and_blue, (24, 24), 1).boxes) == 0


def test_plain_photo_has_no_objects() -> None:
    found = find(Image.new("RGB", (100, 80)), judge(0, Backdrop(255, 1.0)), red_and_blue, (24, 24), 1)

    assert (found.boxes.shape, len(found.classes), len(found.probabilities)) == ((0, 4), 0, 0)


def test_windows_are_classified_whole_without_a_background() -> None:
    found = find(two_discs(), judge(0.5, None), red_and_blue, (24, 24), 3)

    assert {LABELS[index] for index in found.classes} == {"blue", "red"}


def test_boxes_are_in_pixels_of_the_photo_before_it_was_reduced() -> None:
    found = Objects(np.array([[10.0, 20.0, 30.0, 50.0]]), np.array([1]), np.array([0.75]))

    values = as_values(found, Decoded([Image.new("RGB", (200, 100))], 800, 400))

    assert as_boxes(values, LABELS) == [
        {
            "left": 40,
            "top": 80,
            "width": 80,
            "height": 120,
            "label": "red",
            "probability": 0.75,
            "photo_width": 800,
            "photo_height": 400,
        }
    ]
