"""Tests of job/classifiers/unknown.py and distance.py, compared with distances to means by the formula."""

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits

from job.classifiers import Distance, discriminant, unknown, with_unknown
from job.classifiers.discriminant import FOLDS
from tests.job.classifiers.test_discriminant import Rows, moments_of, photos, sample_of

Floats = np.typing.NDArray[np.float64]


def by_formula(rows: Rows, classes: np.typing.NDArray[np.intp], measured: Rows, shrinkage: float) -> Floats:
    """Return the distance of each measured row to the nearest mean of a class of the rows."""
    values = rows.astype(np.float64)
    means = np.array([values[classes == number].mean(axis=0) for number in np.unique(classes)])
    centred = values - means[np.searchsorted(np.unique(classes), classes)]
    covariance = discriminant.shrunken(centred.T @ centred / len(rows), shrinkage)
    away = measured.astype(np.float64)[:, np.newaxis] - means
    squares = np.einsum("nci,ij,ncj->nc", away, np.linalg.inv(covariance), away)
    return np.sqrt(squares.min(axis=1))


@pytest.mark.parametrize("shrinkage", [0.01, 0.5])
def test_distance_is_to_the_nearest_mean(shrinkage: float) -> None:
    rows, classes = photos(4)
    others = photos(3)[0]

    distance = unknown.solve(moments_of(rows, classes), shrinkage)

    np.testing.assert_allclose(distance.of(others), by_formula(rows, classes, others, shrinkage), rtol=1e-6)


def test_a_photo_at_a_mean_has_no_distance() -> None:
    rows, classes = photos(3)
    moments = moments_of(rows, classes)

    np.testing.assert_allclose(unknown.solve(moments, 0.1).of(moments.class_means()), 0, atol=1e-5)


def test_held_out_distances_are_measured_without_the_fold() -> None:
    rows, classes = photos(4)
    sample = sample_of(rows, classes)

    found = unknown.held_out_distances(moments_of(rows, classes), sample, 0.1)

    expected = [
        by_formula(rows[sample.folds != fold], classes[sample.folds != fold], rows[sample.folds == fold], 0.1)
        for fold in range(FOLDS)
    ]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-6)


def test_limit_keeps_95_percent_of_held_out_photos() -> None:
    rows, classes = photos(4)
    moments, sample = moments_of(rows, classes), sample_of(rows, classes)

    limit = unknown.fit(moments, sample).limit

    shrinkage = discriminant.choose(moments, sample).shrinkage
    held_out = unknown.held_out_distances(moments, sample, shrinkage)
    assert limit in held_out
    assert (held_out <= limit).sum() == 0.95 * len(held_out)


def test_one_photo_a_label_gives_no_limit() -> None:
    rows, classes = photos(4, rows=4)

    distance = unknown.fit(moments_of(rows, classes), sample_of(rows, classes))

    assert distance.limit == np.inf
    assert np.isfinite(distance.of(rows)).all()


def test_fit_has_the_same_bytes_for_any_number_of_threads() -> None:
    rows, classes = photos(5, rows=600, dimensions=100)
    moments, sample = moments_of(rows, classes), sample_of(rows, classes)
    fitted = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, "blas"):
            fitted.append(unknown.fit(moments, sample).to_file())

    assert len(set(fitted)) == 1


def test_file_gives_the_distance_back() -> None:
    rows, classes = photos(3)
    distance = unknown.solve(moments_of(rows, classes), 0.1, limit=4.5)

    back = Distance.from_file(distance.to_file())

    assert back.limit == 4.5
    assert back.of(rows).tobytes() == distance.of(rows).tobytes()


def test_improbable_and_distant_photos_are_unknown() -> None:
    table = pa.table(
        {
            "predicted": ["a", "b", "c", "d"],
            "probability": pa.array([0.5, 0.49, 0.9, 0.9], pa.float32()),
            "distance": pa.array([3, 1, 3.1, None], pa.float32()),
        }
    )

    assert with_unknown(table, 0.5, 3)["predicted"].to_pylist() == ["a", "unknown", "unknown", "d"]
    assert with_unknown(table, 0, 3)["predicted"].to_pylist() == ["a", "b", "unknown", "d"]
