"""Tests of job/classifiers/calibration.py."""

import pyarrow as pa
import pytest

from job.classifiers.calibration import Calibration, calibration_of


def table(rows: list[tuple[str, str, float]]) -> pa.Table:
    """Return predictions of test photos: true label, predicted label, probability; and of a photo to predict."""
    labels, predicted, probabilities = zip(*rows, strict=True)
    return pa.table(
        {
            "label": pa.array([*labels, None], pa.string()),
            "split": ["test"] * len(rows) + ["predict"],
            "predicted": [*predicted, "a"],
            "probability": pa.array([*probabilities, 0.1], pa.float32()),
        }
    )


ROWS = [("a", "a", 1.0), ("a", "b", 0.95), ("b", "b", 0.5), ("b", "b", 0.55), ("new", "a", 0.25)]


def test_error_is_the_mean_difference_in_a_bin_by_photos() -> None:
    calibration = calibration_of(table(ROWS)).as_metrics()

    assert calibration is not None
    assert calibration["ece"] == pytest.approx((0.25 + 0.95 + 0.95) / 5, abs=1e-6)
    assert calibration["bins"] == [
        {"from": 0.2, "to": 0.3, "photos": 1, "probability": 0.25, "accuracy": 0.0},
        {"from": 0.5, "to": 0.6, "photos": 2, "probability": 0.525, "accuracy": 1.0},
        {"from": 0.9, "to": 1.0, "photos": 2, "probability": 0.975, "accuracy": 0.5},
    ]


def test_calibrations_of_parts_add_up() -> None:
    parts = [calibration_of(table(ROWS[:2])), calibration_of(table(ROWS[2:]))]

    assert sum(parts, Calibration()).as_metrics() == calibration_of(table(ROWS)).as_metrics()


def test_photos_to_predict_alone_have_no_calibration() -> None:
    assert calibration_of(table(ROWS).slice(len(ROWS))).as_metrics() is None
    assert Calibration().as_metrics() is None
