"""Fit the distance of photos from the training photos, and its limit, in closed form."""

import numpy as np
from threadpoolctl import threadpool_limits

from job.classifiers import discriminant
from job.classifiers.discriminant import Sample
from job.classifiers.distance import Distance, Floats
from job.pca import Moments

KEPT = 0.95
"""Share of held-out training photos that are within the limit."""

SMALLEST_VARIANCE = 1e-12
"""Least variance of a direction, as a share of the largest one's."""


def fit(moments: Moments, sample: Sample) -> Distance:
    """Return the distance of components summed by class, with a limit from held-out photos of the sample.

    The shrinkage is the one with which a linear discriminant predicts the held-out photos best. The distance of each
    held-out photo is measured by a fit without its fold.

    ``moments``: of all training rows, the sample's among them.
    """
    shrinkage = discriminant.choose(moments, sample).shrinkage
    distances = held_out_distances(moments, sample, shrinkage)
    limit = float(np.quantile(distances, KEPT, method="inverted_cdf")) if len(distances) else np.inf
    return solve(moments, shrinkage, limit)


def held_out_distances(moments: Moments, sample: Sample, shrinkage: float) -> Floats:
    """Return the distance of each row of the sample whose label has photos in other folds, fold by fold."""
    distances = [np.empty(0)]
    for rest, rows, _ in discriminant.each_fold(moments, sample):
        # The number of threads changes the last bits.
        with threadpool_limits(1, "blas"):
            distances.append(solve(rest, shrinkage).of(rows))
    return np.concatenate(distances)


def solve(moments: Moments, shrinkage: float, limit: float = np.inf) -> Distance:
    """Return the distance under the shrunken covariance within the classes."""
    covariance = discriminant.shrunken(moments.within_covariance(), shrinkage)
    means = moments.class_means()[moments.class_counts > 0]
    with threadpool_limits(1, "blas"):
        variances, directions = np.linalg.eigh(covariance)
        # Rounding may leave a variance of zero slightly negative.
        deviations = np.sqrt(np.maximum(variances, SMALLEST_VARIANCE * variances[-1]))
        whitening = (directions / deviations).T
        return Distance(whitening, means @ whitening.T, limit)
