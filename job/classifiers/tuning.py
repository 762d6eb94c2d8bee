"""Choose a setting of a classifier, and the temperature of its probabilities, on held-out training photos."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from job.classifiers.distance import Floats
from job.classifiers.models import Model, softmax_and_logarithms
from job.pca import Classes

FOLDS = 5
"""Parts into which the sample is cut."""

LARGEST_SAMPLE = 5_000
"""Training photos on which settings are compared, at most."""

TEMPERATURES = (0.1, 10_000.0)
"""Range of the temperature."""

SEARCH_STEPS = 20
"""Steps of the search for a temperature: each leaves 0.62 of the range, so 20 find it to 0.1 %."""

Rows = npt.NDArray[np.float32]
Scored = tuple[Sequence[Floats], Classes]
"""The scores of held-out photos for each setting, of shape (photos, classes), and their classes."""
T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """Training photos on which settings are compared."""

    rows: Rows  # shape (rows, dimensions)
    classes: Classes  # shape (rows,)
    folds: npt.NDArray[np.intp]  # shape (rows,): 0 to FOLDS - 1


@dataclass(frozen=True)
class Choice:
    """The setting with the least log-loss on held-out photos, and the temperature that goes with it."""

    setting: float
    temperature: float
    losses: Mapping[str, float]  # the log-loss of each candidate, by setting


def choose(settings: Sequence[float], scored: Sequence[Scored]) -> Choice:
    """Return the setting and temperature with the least mean log-loss; without photos, the first setting and 1.

    ``scored``: the held-out photos of each fold.
    """
    found = [best_temperature(*joined(scored, number)) for number in range(len(settings))]
    losses = {f"{setting:g}": loss for setting, (_, loss) in zip(settings, found, strict=True)}
    best = min(range(len(found)), key=lambda number: found[number][1])
    return Choice(settings[best], found[best][0], losses)


def joined(scored: Sequence[Scored], number: int = 0) -> tuple[Floats, Classes]:
    """Return the scores of the held-out photos of all folds for one setting, and their classes."""
    if not scored:
        return np.empty((0, 1)), np.empty(0, np.intp)
    return np.concatenate([scores[number] for scores, _ in scored]), np.concatenate([classes for _, classes in scored])


def fold_scores(sample: Sample, fold: int, fit: Callable[[Rows, Classes], Sequence[Model]]) -> list[Scored]:
    """Return how models that are fitted without a fold score it; nothing if it cannot be tested.

    Rows are left out whose label has all its photos in the fold: no fit without the fold knows it.

    ``fit``: returns a model for each setting.
    """
    held = sample.folds == fold
    rows, classes = sample.rows[~held], sample.classes[~held]
    held &= np.isin(sample.classes, classes)
    if not held.any():
        return []
    inputs = sample.rows[held].astype(np.float64)
    return [([model.scores(inputs) for model in fit(rows, classes)], sample.classes[held])]


def each_fold(of_fold: Callable[[int], list[T]]) -> list[T]:
    """Return what a function gives for each fold, computed at the same time, one on each core."""
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
            folds[run[evenly(int(np.ceil(share * len(run))), len(run))]] = fold
    return folds


def evenly(most: int, rows: int) -> npt.NDArray[np.intp]:
    """Return at most so many of some rows, at equal distances."""
    count = min(most, rows)
    return np.arange(count) * rows // max(count, 1)
