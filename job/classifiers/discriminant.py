"""Fit a linear discriminant with a shrunken covariance in closed form, and choose the shrinkage.

Formulas as in scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)``: every label has the same
covariance, the pooled covariance W within the labels, replaced by ``(1 - s) W + s trace(W) / dimensions I``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from job.classifiers.models import DiscriminantModel, Floats, softmax_and_logarithms
from job.pca import Classes, Moments

SHRINKAGES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Candidates for the shrinkage."""

FOLDS = 5
"""Parts into which the sample is cut to compare shrinkages."""

LARGEST_SAMPLE = 5_000
"""Training photos on which shrinkages are compared, at most."""

TEMPERATURES = (0.1, 10_000.0)
"""Range of the temperature."""

SMALLEST_EIGENVALUE = 1e-12
"""Eigenvalues of a covariance are raised to this share of the largest one, before rows are divided by their roots."""

SEARCH_STEPS = 20
"""Steps of the search for a temperature: each leaves 0.62 of the range, so 20 find it to 0.1 %."""

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """Training photos on which shrinkages are compared."""

    rows: npt.NDArray[np.float32]  # shape (rows, dimensions)
    classes: Classes  # shape (rows,)
    folds: npt.NDArray[np.intp]  # shape (rows,): 0 to FOLDS - 1


@dataclass(frozen=True)
class Choice:
    """The shrinkage with the least log-loss on held-out photos, and the temperature that goes with it."""

    shrinkage: float
    temperature: float
    losses: Mapping[str, float]  # the log-loss of each candidate, by shrinkage


def fit(moments: Moments, shrinkage: float, temperature: float = 1.0) -> DiscriminantModel:
    """Return the discriminant of rows summed by class; a class without rows gets probability 0."""
    return _solve(moments, shrunken(moments.within_covariance(), shrinkage), temperature)


def choose(moments: Moments, sample: Sample) -> Choice:
    """Return the shrinkage and temperature with the least mean log-loss of the sample.

    Each fold is predicted by a fit without it. The temperature divides the scores: the estimated covariance is too
    small in directions that few photos vary in, so that undivided scores are far too large.

    ``moments``: of all training rows, the sample's among them.
    """
    scores, classes = held_out_scores(moments, sample, SHRINKAGES)
    found = [best_temperature(one, classes) for one in scores]
    losses = [loss for _, loss in found]
    best = int(np.argmin(losses))
    by_shrinkage = {f"{shrinkage:g}": loss for shrinkage, loss in zip(SHRINKAGES, losses, strict=True)}
    return Choice(SHRINKAGES[best], found[best][0], by_shrinkage)


def held_out_scores(moments: Moments, sample: Sample, shrinkages: Sequence[float]) -> tuple[list[Floats], Classes]:
    """Return for each shrinkage the scores of the sample, of shape (rows, classes), and the rows' classes.

    Each fold's rows are scored by a fit without them; see ``each_fold`` for rows that are left out.
    """

    def scores_of(rest: Moments, rows: Floats, classes: Classes) -> tuple[list[Floats], Classes]:
        covariance = rest.within_covariance()
        models = (_solve(rest, shrunken(covariance, shrinkage)) for shrinkage in shrinkages)
        return [rows @ model.coefficients.T + model.intercepts for model in models], classes

    nothing = [np.empty((0, len(moments.class_counts))) for _ in shrinkages], np.empty(0, np.intp)
    scores, classes = zip(nothing, *each_fold(moments, sample, scores_of), strict=True)
    return [np.concatenate(parts) for parts in zip(*scores, strict=True)], np.concatenate(classes)


def each_fold(moments: Moments, sample: Sample, held_out: Callable[[Moments, Floats, Classes], T]) -> list[T]:
    """Return what a function gives for the moments of all rows outside a fold, and the fold's rows and classes.

    Rows are left out whose label has all its photos in one fold: no fit without the fold knows it. So are folds
    without other rows. Folds are computed at the same time, one on each core.
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

    # The number of threads of a product changes the last bits; the number of folds at a time does not.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(FOLDS, os.cpu_count() or 1)) as pool:
        return [outcome for outcomes in pool.map(of_fold, range(FOLDS)) for outcome in outcomes]


def best_temperature(scores: Floats, classes: Classes) -> tuple[float, float]:
    """Return the temperature with the least mean log-loss, and that loss; 1 and 0 without rows.

    The loss is convex in 1 / temperature, so a golden-section search finds its minimum.
    """
    if not len(classes):
        return 1.0, 0.0
    low, high = np.log(TEMPERATURES)
    golden = (np.sqrt(5) - 1) / 2

    def loss(logarithm: float) -> float:
        return log_loss(scores, classes, np.exp(logarithm))

    left, right = high - golden * (high - low), low + golden * (high - low)
    losses = loss(left), loss(right)
    for _ in range(SEARCH_STEPS):
        # The golden ratio makes one of the two points of the next step one of this step.
        if losses[0] <= losses[1]:
            high, right = right, left
            left = high - golden * (high - low)
            losses = loss(left), losses[0]
        else:
            low, left = left, right
            right = low + golden * (high - low)
            losses = losses[1], loss(right)
    temperature = float(np.exp((low + high) / 2))
    return temperature, log_loss(scores, classes, temperature)


def log_loss(scores: Floats, classes: Classes, temperature: float) -> float:
    """Return the mean negative logarithm of the probability of the rows' classes."""
    scaled = scores / temperature
    _, logarithms = softmax_and_logarithms(scaled)
    return float((logarithms - scaled[np.arange(len(classes)), classes]).mean())


def draw_sample(
    labels: Sequence[str], largest: int = LARGEST_SAMPLE, grouped: Sequence[int] | None = None
) -> npt.NDArray[np.intp]:
    """Return the fold of each training photo, of shape (photos,); -1 for photos outside the sample.

    Without groups, the photos of a label are cut into ``FOLDS`` runs in the order of the listing, and each fold takes
    the first photos of a run: frames of one object, which usually follow each other, are mostly in the same fold. With
    groups, each fold takes photos at equal distances of those that are in it.

    ``labels``: of all training photos, in the order of the listing; ``grouped``: the fold of each photo's group.
    """
    share = min(1.0, largest / max(len(labels), 1))
    numbers = np.unique(np.array(labels, object), return_inverse=True)[1]
    folds = np.full(len(labels), -1, np.intp)
    for number in range(int(numbers.max(initial=-1)) + 1):
        members = np.flatnonzero(numbers == number)
        if grouped is None:
            for fold, run in enumerate(np.array_split(members, FOLDS)):
                folds[run[: int(np.ceil(share * len(run)))]] = fold
            continue
        for fold in range(FOLDS):
            run = members[np.array(grouped)[members] == fold]
            wanted = int(np.ceil(share * len(run)))
            folds[run[np.arange(wanted) * len(run) // max(wanted, 1)]] = fold
    return folds


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


def _solve(moments: Moments, covariance: Floats, temperature: float = 1.0) -> DiscriminantModel:
    present = moments.class_counts > 0
    means = moments.class_means()[present]
    coefficients = np.zeros((len(present), len(covariance)))
    intercepts = np.full(len(present), -np.inf)
    # The number of threads changes the last bits.
    with threadpool_limits(1, "blas"):
        coefficients[present] = np.linalg.solve(covariance, means.T).T
    priors = moments.class_counts[present] / moments.count
    intercepts[present] = np.log(priors) - 0.5 * (means * coefficients[present]).sum(axis=1)
    return DiscriminantModel(coefficients, intercepts, temperature)
