"""Fit a linear discriminant with a shrunken covariance in closed form, and choose the shrinkage.

Formulas as in scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)``: every label has the same
covariance, the pooled covariance W within the labels, replaced by ``(1 - s) W + s trace(W) / dimensions I``.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from job.classifiers import tuning
from job.classifiers.distance import Floats
from job.classifiers.models import LinearModel
from job.classifiers.tuning import Choice, Sample, Scored
from job.pca import Classes, Moments

SHRINKAGES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Candidates for the shrinkage."""

SMALLEST_EIGENVALUE = 1e-12
"""Eigenvalues of a covariance are raised to this share of the largest one, before rows are divided by their roots."""

T = TypeVar("T")


def fit(moments: Moments, shrinkage: float) -> LinearModel:
    """Return the discriminant of rows summed by class; a class without rows gets probability 0."""
    return _solve(moments, shrunken(moments.within_covariance(), shrinkage))


def choose(moments: Moments, sample: Sample) -> Choice:
    """Return the shrinkage and temperature with the least mean log-loss of the sample.

    Each fold is predicted by a fit without it. The estimated covariance is too small in directions that few photos vary
    in, so that scores that no temperature divides are far too large.

    ``moments``: of all training rows, the sample's among them.
    """
    return tuning.choose(SHRINKAGES, held_out_scores(moments, sample, SHRINKAGES))


def held_out_scores(moments: Moments, sample: Sample, shrinkages: Sequence[float]) -> list[Scored]:
    """Return how fits without a fold score it, with each shrinkage; see ``each_fold`` for rows that are left out."""

    def scores_of(rest: Moments, rows: Floats, classes: Classes) -> Scored:
        covariance = rest.within_covariance()
        return [_solve(rest, shrunken(covariance, shrinkage)).scores(rows) for shrinkage in shrinkages], classes

    return each_fold(moments, sample, scores_of)


def each_fold(moments: Moments, sample: Sample, held_out: Callable[[Moments, Floats, Classes], T]) -> list[T]:
    """Return what a function gives for the moments of all rows outside a fold, and the fold's rows and classes.

    Rows are left out whose label has all its photos in one fold: no fit without the fold knows it. So are folds
    without other rows.
    """

    def of_fold(fold: int) -> list[T]:
        members = sample.folds == fold
        held = Moments.nothing(moments.shift, len(moments.class_counts))
        held.add_rows(sample.rows[members], sample.classes[members])
        rest = moments.without(held)
        members &= rest.class_counts[sample.classes] > 0
        if not members.any():
            return []
        return [held_out(rest, sample.rows[members].astype(np.float64), sample.classes[members])]

    return tuning.each_fold(of_fold)


def shrunken(covariance: Floats, shrinkage: float) -> Floats:
    """Return a covariance, of shape (dimensions, dimensions), moved towards a multiple of the identity."""
    spread = np.trace(covariance) / len(covariance)
    moved: Floats = (1 - shrinkage) * covariance
    # Without any spread within the labels, such as with one photo each, the nearest mean decides.
    moved.flat[:: len(covariance) + 1] += shrinkage * spread if spread > 0 else 1.0
    return moved


def whitening_of(covariance: Floats) -> Floats:
    """Return the matrix after which rows with a covariance, of shape (dimensions, dimensions), have the identity."""
    # The number of threads changes the last bits.
    with threadpool_limits(1, "blas"):
        values, vectors = np.linalg.eigh(covariance)
    # With one photo of nearly every label, what is left of the covariance is rounding, with eigenvalues below 0.
    least = SMALLEST_EIGENVALUE * values[-1] if values[-1] > 0 else 1.0
    whitening: Floats = (vectors / np.sqrt(np.maximum(values, least))).T
    return whitening


def _solve(moments: Moments, covariance: Floats) -> LinearModel:
    present = moments.class_counts > 0
    means = moments.class_means()[present]
    coefficients = np.zeros((len(present), len(covariance)))
    intercepts = np.full(len(present), -np.inf)
    # The number of threads changes the last bits.
    with threadpool_limits(1, "blas"):
        coefficients[present] = np.linalg.solve(covariance, means.T).T
    priors = moments.class_counts[present] / moments.count
    intercepts[present] = np.log(priors) - 0.5 * (means * coefficients[present]).sum(axis=1)
    return LinearModel(coefficients, intercepts)
