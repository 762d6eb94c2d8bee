"""Tests of job/classifiers/unknown.py and distance.py, compared with distances to means by the formula."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits

from job.classifiers import Distance, Floats, discriminant, unknown, with_unknown
from job.classifiers.tuning import FOLDS
from job.classifiers.unknown import SHRINKAGE, Fitted
from job.pca import Classes, Moments, components
from tests.job.classifiers.test_discriminant import Rows, moments_of, photos, sample_of


def by_formula(rows: Floats, classes: Classes, measured: Floats) -> Floats:
    """Return the distance of each measured row to the nearest mean of a class of the rows."""
    numbers, places = np.unique(classes, return_inverse=True)
    means = np.array([rows[classes == number].mean(axis=0) for number in numbers])
    centred = rows - means[places]
    covariance = discriminant.shrunken(centred.T @ centred / len(rows), SHRINKAGE)
    away = measured[:, np.newaxis] - means
    squares = np.einsum("nci,ij,ncj->nc", away, np.linalg.inv(covariance), away)
    distances: Floats = np.sqrt(squares.min(axis=1))
    return distances


def fitted(rows: Rows, classes: Classes, kept: int = 5) -> Fitted:
    moments = moments_of(rows, classes)
    return Fitted(moments, components.fit(moments, standardize=True), kept)


def projected(fit: Fitted, rows: Rows) -> Floats:
    """Return the kept components of rows of features."""
    found: Floats = (rows - fit.components.mean) / fit.components.scale @ fit.components.components[: fit.kept].T
    return found


def test_distance_is_to_the_nearest_mean() -> None:
    rows, classes = photos(4)
    fit, others = fitted(rows, classes), projected(fitted(rows, classes), photos(3)[0])

    distance = unknown.fit(fit, sample_of(rows, classes))

    np.testing.assert_allclose(distance.of(others), by_formula(projected(fit, rows), classes, others), rtol=1e-6)


def test_a_photo_at_a_mean_has_no_distance() -> None:
    rows, classes = photos(3)
    fit = fitted(rows, classes)
    means = np.array([projected(fit, rows[classes == number]).mean(axis=0) for number in range(3)])

    np.testing.assert_allclose(unknown.fit(fit, sample_of(rows, classes)).of(means), 0, atol=1e-5)


def test_held_out_distances_fit_components_without_the_fold() -> None:
    rows, classes = photos(4)
    fit, sample = fitted(rows, classes), sample_of(rows, classes)

    found = unknown.held_out_distances(unknown.rotated_moments(fit), unknown.rotated(fit, sample), fit.kept)

    expected = []
    standardized = (rows - fit.components.mean) / fit.components.scale
    for fold in range(FOLDS):
        rest, held = standardized[sample.folds != fold], standardized[sample.folds == fold]
        directions = np.linalg.svd(rest - rest.mean(axis=0))[2][: fit.kept].T
        expected.append(by_formula(rest @ directions, classes[sample.folds != fold], held @ directions))
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-4)


def test_limit_keeps_95_percent_of_held_out_photos() -> None:
    rows, classes = photos(4)
    fit, sample = fitted(rows, classes), sample_of(rows, classes)

    limit = unknown.fit(fit, sample).limit

    held_out = unknown.held_out_distances(unknown.rotated_moments(fit), unknown.rotated(fit, sample), fit.kept)
    assert (held_out <= limit).sum() == 0.95 * len(held_out)


def test_photos_like_those_trained_on_are_within_the_limit() -> None:
    # With more features than photos, components are fitted to each photo.
    rows, classes = photos(4, rows=400, dimensions=250)
    trained = np.arange(400) % 2 == 0
    fit = fitted(rows[trained], classes[trained], kept=100)

    distance = unknown.fit(fit, sample_of(rows[trained], classes[trained]))

    kept = (distance.of(projected(fit, rows[~trained])) <= distance.limit).mean()
    assert kept == pytest.approx(0.95, abs=0.04)
    assert (distance.of(projected(fit, rows[~trained] + 9)) > distance.limit).all()


def test_one_photo_a_label_gives_no_limit() -> None:
    rows, classes = photos(4, rows=4)
    fit = fitted(rows, classes, kept=3)

    distance = unknown.fit(fit, sample_of(rows, classes))

    assert distance.limit == np.inf
    assert np.isfinite(distance.of(projected(fit, rows))).all()


def test_labels_without_photos_are_never_near() -> None:
    rows, classes = photos(3)
    fit, sample = fitted(rows, classes), sample_of(rows, classes)
    more = Moments.nothing(fit.moments.shift, 4)
    more.add_rows(rows, classes)

    distance = unknown.fit(replace(fit, moments=more), sample)

    assert distance.to_file() == unknown.fit(fit, sample).to_file()


def test_fit_has_the_same_bytes_for_any_number_of_threads() -> None:
    rows, classes = photos(5, rows=600, dimensions=100)
    fit, sample = fitted(rows, classes, kept=60), sample_of(rows, classes)
    found = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, "blas"):
            found.append(unknown.fit(fit, sample).to_file())

    assert len(set(found)) == 1


def test_file_gives_the_distance_back() -> None:
    distance = Distance(np.eye(2) * 3, np.array([[0.5, 1], [2, 3]]), 4.5)

    back = Distance.from_file(distance.to_file())

    assert back.limit == 4.5
    np.testing.assert_allclose(back.of(np.array([[1, 1], [0, 0]])), [1, np.sqrt(1.25)])


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
