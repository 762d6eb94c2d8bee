"""Fit the distance of photos from the training photos, and its limit, in closed form."""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from job.classifiers.discriminant import each_fold, shrunken, whitening_of
from job.classifiers.distance import Distance, Floats
from job.classifiers.tuning import Sample
from job.matrices import row_products
from job.pca import Classes, Moments, PrincipalComponents, Projection
from job.pca.components import upper_triangle

KEPT = 0.95
"""Share of held-out training photos that are within the limit."""

SHRINKAGE = 0.5
"""Of the covariance within the labels; measured in docs/decisions/0142-unknown.md."""


@dataclass(frozen=True)
class Fitted:
    """The fit of a run."""

    moments: Moments  # of the features of the training photos, by label
    components: PrincipalComponents
    kept: int  # components


def fit(fitted: Fitted, sample: Sample) -> Distance:
    """Return the distance of components, with a limit from held-out photos of the sample.

    ``sample``: features of training photos.
    """
    moments = rotated_moments(fitted)
    distances = held_out_distances(moments, rotated(fitted, sample), fitted.kept)
    limit = float(np.quantile(distances, KEPT, method="inverted_cdf")) if len(distances) else np.inf
    return solve(moments, np.eye(fitted.kept, len(moments.shift)), limit)


def held_out_distances(moments: Moments, sample: Sample, kept: int) -> Floats:
    """Return the distance of each row of the sample whose label has photos in other folds, fold by fold.

    The components are fitted without the fold too. Components that were fitted to photos separate them from others:
    with few photos, their distances would be far too large.

    ``moments``, ``sample``: of all components.
    """

    def distances_of(rest: Moments, rows: Floats, _: Classes) -> Floats:
        if rest.count < 2:
            return np.empty(0)
        # A copy: NumPy multiplies reversed rows without BLAS.
        directions = np.linalg.eigh(rest.covariance())[1].T[::-1][: min(kept, rest.count - 1)].copy()
        return solve(rest, directions).of(row_products(rows, directions))

    return np.concatenate([np.empty(0), *each_fold(moments, sample, distances_of)])


def solve(moments: Moments, directions: Floats, limit: float = np.inf) -> Distance:
    """Return the distance along some directions, under the shrunken covariance within the classes.

    ``directions``: orthonormal rows, of shape (k, dimensions).
    """
    with threadpool_limits(1, "blas"):
        covariance = shrunken(directions @ moments.within_covariance() @ directions.T, SHRINKAGE)
        means = moments.class_means()[moments.class_counts > 0] @ directions.T
        whitening = whitening_of(covariance)
        return Distance(whitening, means @ whitening.T, limit)


def rotated_moments(fitted: Fitted) -> Moments:
    """Return the moments of all components of the training photos: their mean is zero, and they do not correlate."""
    moments, components = fitted.moments, fitted.components
    count = len(components.variance)
    products = np.diag((moments.count - 1) * components.variance)[upper_triangle(count)]
    present = moments.class_counts > 0
    totals = np.zeros((len(present), count))
    with threadpool_limits(1, "blas"):
        means = row_products(moments.class_means()[present], components.components / components.scale, components.mean)
    totals[present] = means * moments.class_counts[present, np.newaxis]
    return Moments(np.zeros(count), moments.count, np.zeros(count), products, moments.class_counts, totals)


def rotated(fitted: Fitted, sample: Sample) -> Sample:
    """Return a sample of features as all their components."""
    components = fitted.components
    with threadpool_limits(1, "blas"):
        rows = Projection(components.mean, components.scale, components.components).project(sample.rows)
    return Sample(rows, sample.classes, sample.folds)
