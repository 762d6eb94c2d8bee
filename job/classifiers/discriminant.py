"""Fit a linear discriminant with a shrunken covariance in closed form, and choose the shrinkage.

Formulas as in scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)``: every label has the same
covariance, the pooled covariance W within the labels, replaced by ``(1 - s) W + s trace(W) / dimensions I``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from job.classifiers.models import Floats, LinearModel
from job.pca import Classes, Moments

SHRINKAGES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Candidates for the shrinkage."""

FOLDS = 5
"""Parts into which the sample is cut to compare shrinkages."""

LARGEST_SAMPLE = 10_000
"""Training photos on which shrinkages are compared, at most."""


@dataclass(frozen=True)
class Sample:
    """Training photos on which shrinkages are compared."""

    rows: npt.NDArray[np.float32]  # shape (rows, dimensions)
    classes: Classes  # shape (rows,)
    folds: npt.NDArray[np.intp]  # shape (rows,): 0 to FOLDS - 1


def fit(moments: Moments, shrinkage: float) -> LinearModel:
    """Return the discriminant of rows summed by class; a class without rows gets probability 0."""
    return _solve(moments, _shrunken(moments.within_covariance(), shrinkage))


def losses(moments: Moments, sample: Sample, shrinkages: Sequence[float] = SHRINKAGES) -> list[float]:
    """Return the mean log-loss of the sample for each shrinkage, each fold predicted by a fit without it.

    ``moments``: of all training rows, the sample's among them.
    """
    totals = np.zeros(len(shrinkages))
    counted = 0
    for fold in range(FOLDS):
        members = sample.folds == fold
        rows, classes = sample.rows[members], sample.classes[members]
        held = Moments.nothing(moments.shift, len(moments.class_counts))
        with threadpool_limits(1, "blas"):
            held.add_rows(rows, classes)
        rest = moments.without(held)
        # A label whose photos are all in the fold is predicted by no fit without them.
        known = rest.class_counts[classes] > 0
        if not known.any():
            continue
        covariance = rest.within_covariance()
        for number, shrinkage in enumerate(shrinkages):
            model = _solve(rest, _shrunken(covariance, shrinkage))
            totals[number] += _loss(model, rows[known].astype(np.float64), classes[known])
        counted += int(known.sum())
    return [float(total) for total in totals / max(counted, 1)]


def choose(moments: Moments, sample: Sample) -> tuple[float, Mapping[str, Any]]:
    """Return the shrinkage with the least log-loss, and the loss of each candidate by shrinkage."""
    found = losses(moments, sample)
    best = SHRINKAGES[int(np.argmin(found))]
    return best, {f"{shrinkage:g}": loss for shrinkage, loss in zip(SHRINKAGES, found, strict=True)}


def draw_sample(labels: Sequence[str], largest: int = LARGEST_SAMPLE) -> npt.NDArray[np.intp]:
    """Return the fold of each training photo, of shape (photos,); -1 for photos outside the sample.

    The photos of a label are cut into ``FOLDS`` runs in the order of the listing, and each fold takes the first photos
    of a run: frames of one object, which usually follow each other, are mostly in the same fold.

    ``labels``: of all training photos, in the order of the listing.
    """
    share = min(1.0, largest / max(len(labels), 1))
    numbers = np.unique(np.array(labels, object), return_inverse=True)[1]
    folds = np.full(len(labels), -1, np.intp)
    for number in range(int(numbers.max(initial=-1)) + 1):
        members = np.flatnonzero(numbers == number)
        for fold, run in enumerate(np.array_split(members, FOLDS)):
            folds[run[: int(np.ceil(share * len(run)))]] = fold
    return folds


def _shrunken(covariance: Floats, shrinkage: float) -> Floats:
    shrunken = (1 - shrinkage) * covariance
    shrunken.flat[:: len(covariance) + 1] += shrinkage * np.trace(covariance) / len(covariance)
    return shrunken


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


def _loss(model: LinearModel, rows: Floats, classes: Classes) -> float:
    with threadpool_limits(1, "blas"):
        scores = rows @ model.coefficients.T + model.intercepts
    largest = scores.max(axis=1)
    logarithms = largest + np.log(np.exp(scores - largest[:, np.newaxis]).sum(axis=1))
    return float((logarithms - scores[np.arange(len(classes)), classes]).sum())
