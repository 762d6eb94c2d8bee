"""Tests of job/pca/components.py."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from job.errors import TooFewPhotosError
from job.pca import Moments, PrincipalComponents, Projection, components

Rows = npt.NDArray[np.float32]


def correlated(rows: int, dimensions: int, seed: int = 0) -> Rows:
    """Return rows whose variance spans many orders of magnitude, as in features."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(dimensions, dimensions)) * np.logspace(0, -4, dimensions)[:, np.newaxis]
    return (random.normal(size=(rows, dimensions)) @ mixing + 3).astype(np.float32)


def moments_of(*parts: Rows) -> Moments:
    moments = Moments.nothing(parts[0][0].astype(np.float64))
    for part in parts:
        moments.add_rows(part)
    return moments


def fitted_by_scikit_learn(rows: Rows) -> tuple[StandardScaler, PCA]:
    scaler = StandardScaler().fit(rows.astype(np.float64))
    # scikit-learn divides by n where Spark and we divide by n - 1.
    scaler.scale_ *= math.sqrt(len(rows) / (len(rows) - 1))
    return scaler, PCA(svd_solver="full").fit(scaler.transform(rows.astype(np.float64)))


@pytest.mark.parametrize(("rows", "dimensions"), [(500, 60), (40, 60), (3000, 200)])
def test_explained_variance_and_components_equal_scikit_learns(rows: int, dimensions: int) -> None:
    data = correlated(rows, dimensions)

    fitted = components.fit(moments_of(data), standardize=True)

    scaler, reference = fitted_by_scikit_learn(data)
    count = len(fitted.variance)
    expected = reference.explained_variance_[:count]
    counted = expected > 1e-9 * expected[0]
    np.testing.assert_allclose(fitted.variance[counted], expected[counted], rtol=1e-6)
    np.testing.assert_allclose(fitted.ratio[counted], reference.explained_variance_ratio_[:count][counted], rtol=1e-6)
    assert scaler.scale_ is not None
    np.testing.assert_allclose(fitted.scale, scaler.scale_, rtol=1e-9)
    np.testing.assert_allclose(fitted.components[:10], reference.components_[:10], atol=1e-6)


def test_component_count_is_min_of_rows_less_one_and_dimensions() -> None:
    assert len(components.fit(moments_of(correlated(20, 50)), standardize=True).variance) == 19
    assert len(components.fit(moments_of(correlated(50, 20)), standardize=True).variance) == 20


def test_large_means_do_not_cancel_small_spreads() -> None:
    # Given a spread of 1 around 100,000, which float32 still tells apart
    data = (np.random.default_rng(0).normal(size=(4000, 5)) + 1e5).astype(np.float32)

    variance = np.diag(moments_of(data).covariance())

    np.testing.assert_allclose(variance, data.astype(np.float64).var(axis=0, ddof=1), rtol=1e-10)


def test_sums_over_parts_equal_sums_over_the_whole() -> None:
    data = correlated(3000, 30)

    whole, first, second = moments_of(data), moments_of(data[:1000]), Moments.nothing(data[0].astype(np.float64))
    second.add_rows(data[1000:])
    first.add(second)

    assert first.count == whole.count == 3000
    np.testing.assert_allclose(first.covariance(), whole.covariance(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(first.mean(), data.astype(np.float64).mean(axis=0), rtol=1e-12)


def test_constant_dimensions_are_counted_with_scale_one() -> None:
    data = correlated(100, 4)
    data[:, 2] = 0.1

    fitted = components.fit(moments_of(data), standardize=True)

    assert fitted.constant == 1
    assert fitted.scale[2] == 1.0
    assert np.isfinite(fitted.components).all()
    np.testing.assert_allclose(fitted.variance.sum(), 3.0)


def test_without_standardisation_scale_is_one() -> None:
    data = correlated(300, 6)

    fitted = components.fit(moments_of(data), standardize=False)

    assert fitted.scale.tolist() == [1.0] * 6
    np.testing.assert_allclose(fitted.variance.sum(), data.astype(np.float64).var(axis=0, ddof=1).sum(), rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 9])
def test_refuses_one_row_and_equal_rows(rows: int) -> None:
    with pytest.raises(TooFewPhotosError):
        components.fit(moments_of(np.full((rows, 3), 0.7, np.float32)), standardize=True)


def test_largest_loading_of_each_component_is_positive() -> None:
    fixed = components.fix_signs(np.array([[0.6, -0.8], [0.8, 0.6]]))

    assert fixed.tolist() == [[-0.6, 0.8], [0.8, 0.6]]


@pytest.mark.parametrize(("share", "needed"), [(0.5, 1), (0.6, 1), (0.61, 2), (0.9, 2), (0.95, 3), (1.0, 3)])
def test_keeps_the_fewest_components_for_a_share(share: float, needed: int) -> None:
    assert components.components_for(np.array([0.6, 0.9, 1 - 1e-16]), share) == needed


@pytest.mark.parametrize(
    ("wanted", "photos", "most"),
    [(100, 50, 49), (1281, 5000, 1280), (0, 50, 49)],
)
def test_refuses_impossible_component_count_with_range(wanted: int, photos: int, most: int) -> None:
    with pytest.raises(TooFewPhotosError) as raised:
        components.require_components(wanted, photos, 1280)

    assert f"1 and {most} " in raised.value.message
    assert f"got {wanted}." in raised.value.message


def test_projected_rows_have_explained_variance_uncorrelated() -> None:
    data = correlated(2500, 12)
    fitted = components.fit(moments_of(data), standardize=True)

    projected = Projection(fitted.mean, fitted.scale, fitted.components[:5]).project(data)

    assert projected.dtype == np.float32
    covariance = np.cov(projected.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(covariance, np.diag(fitted.variance[:5]), atol=1e-5)


def test_every_component_has_a_row_of_explained_variance() -> None:
    fitted = PrincipalComponents(np.zeros(2), np.ones(2), np.array([3.0, 1.0]), np.eye(2), 0)

    assert components.explained_variance(fitted).to_pylist() == [
        {"component": 1, "variance": 3.0, "ratio": 0.75, "cumulative": 0.75},
        {"component": 2, "variance": 1.0, "ratio": 0.25, "cumulative": 1.0},
    ]


def test_components_of_a_row_ignore_other_rows() -> None:
    random = np.random.default_rng(7)
    rows = random.normal(size=(700, 130)).astype(np.float32)
    projection = Projection(random.normal(size=130), random.random(130) + 0.5, random.normal(size=(37, 130)))

    at_once = projection.project(rows)
    in_parts = [projection.project(part) for part in np.split(rows, [1, 14, 301, 600])]

    np.testing.assert_array_equal(np.concatenate(in_parts), at_once)


def test_projecting_does_not_change_the_projection_file() -> None:
    projection = Projection(np.zeros(3), np.full(3, 2.0), np.eye(2, 3))
    before = projection.to_file()

    projection.project(np.ones((1, 3), np.float32))

    assert projection.to_file() == before


@pytest.mark.parametrize("count", [1, 2, 7, 8, 13])
def test_sums_of_aligned_groups_are_bit_equal(count: int) -> None:
    random = np.random.default_rng(count)
    values = random.normal(size=(count, 3)) * 10.0 ** random.integers(-8, 8, (count, 1))

    def sums(some: np.ndarray[Any, np.dtype[np.float64]]) -> list[Moments]:
        found = []
        for number, value in enumerate(some):
            found.append(Moments.nothing(np.zeros(3), classes=2))
            found[-1].add_rows(value[np.newaxis].astype(np.float32), np.array([number % 2]))
        return found

    at_once = components.add_in_pairs(sums(values))
    in_groups = components.add_in_pairs(
        components.add_in_pairs(sums(values[start : start + 4])) for start in range(0, count, 4)
    )

    assert at_once.count == in_groups.count == count
    np.testing.assert_array_equal(at_once.total, in_groups.total)
    np.testing.assert_array_equal(at_once.products, in_groups.products)
    np.testing.assert_array_equal(at_once.class_totals, in_groups.class_totals)
    assert at_once.class_counts.tolist() == in_groups.class_counts.tolist()


def test_components_do_not_depend_on_the_number_of_threads() -> None:
    moments = components.Moments.nothing(np.zeros(300))
    moments.add_rows(np.random.default_rng(1).normal(size=(400, 300)).astype(np.float32))
    fitted = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, "blas"):
            fitted.append(components.fit(moments, standardize=True))

    assert len({(one.variance.tobytes(), one.components.tobytes()) for one in fitted}) == 1
