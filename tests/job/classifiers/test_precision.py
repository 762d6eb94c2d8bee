"""Tests of job/classifiers/precision.py."""

import numpy as np
import pyarrow as pa
import pytest

from job.classifiers import precision
from job.classifiers.precision import HeldOut
from job.errors import PrecisionNotReachedError


def held_out(probability: list[float], right: list[int]) -> HeldOut:
    return HeldOut(np.array(probability, np.float32), np.array(right, np.bool_))


def test_threshold_that_keeps_most_photos_is_chosen() -> None:
    # Precision from the top: 1, 1/2, 2/3, 3/4, 3/5, 3/6
    photos = held_out([0.5, 0.9, 0.7, 0.8, 0.6, 0.4], [0, 1, 1, 0, 1, 0])

    chosen = precision.choose(photos, 0.75)

    assert chosen.reject_below == np.float32(0.6)
    assert (chosen.precision, chosen.kept, chosen.photos) == (0.75, 4 / 6, 6)
    assert (photos.probability >= np.float32(chosen.reject_below)).sum() == 4
    assert chosen.as_metrics() == {"wanted_precision": 0.75, "precision": 0.75, "kept": 4 / 6, "photos": 6}
    assert "75.00%" in chosen.sentence()


def test_photos_of_equal_probability_are_kept_together() -> None:
    photos = held_out([1, 1, 1, 1, 0.5], [1, 1, 0, 0, 1])

    chosen = precision.choose(photos, 0.6)

    assert (chosen.reject_below, chosen.precision, chosen.kept) == (0.5, 0.6, 1)


def test_threshold_must_keep_enough_photos_to_tell() -> None:
    # One mistake among 9 photos is more than a precision of 90 % allows
    nine = held_out([0.9] * 9 + [0.1] * 9, [1] * 9 + [0] * 9)
    ten = held_out([0.9] * 10 + [0.1] * 10, [1] * 10 + [0] * 10)

    with pytest.raises(PrecisionNotReachedError, match=r"--wanted-precision 0\.5\b"):
        precision.choose(nine, 0.9)
    assert precision.choose(ten, 0.9).kept == 0.5


@pytest.mark.parametrize("photos", [held_out([], []), held_out([0.9, 0.8], [0, 0])])
def test_precision_out_of_reach_is_refused(photos: HeldOut) -> None:
    with pytest.raises(PrecisionNotReachedError, match="leave out --wanted-precision"):
        precision.choose(photos, 0.5)


def test_hint_asks_for_what_can_be_reached() -> None:
    with pytest.raises(PrecisionNotReachedError) as caught:
        precision.choose(held_out([0.9] * 30, [1] * 20 + [0] * 10), 0.8)

    wanted = float(caught.value.hint.rpartition(" ")[2])
    assert wanted == 0.66
    assert precision.choose(held_out([0.9] * 30, [1] * 20 + [0] * 10), wanted).kept == 1


def test_predictions_of_parts_are_joined() -> None:
    columns = {"label": ["a", "b"], "predicted": ["a", "a"], "probability": pa.array([0.5, 0.75], pa.float32())}
    part = HeldOut.of(pa.table(columns))

    joined = HeldOut.joined([part, HeldOut.nothing(), part])

    assert joined.probability.tolist() == [0.5, 0.75] * 2
    assert joined.right.tolist() == [True, False] * 2
    assert len(HeldOut.joined([]).right) == 0
