"""Find labels that are probably wrong, and photos unlike the others of their label.

A photo's probabilities come from a linear discriminant that was fitted without a fifth of the photos, this one among
them. Confident learning (https://arxiv.org/abs/1911.00068) suspects a label if another one is more probable, and at
least as probable as its mean probability for the photos that have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from job.classifiers import LinearModel, discriminant
from job.classifiers.tuning import LARGEST_SAMPLE, Sample, evenly
from job.images import TRAIN
from job.matrices import row_products
from job.pca import Moments, PrincipalComponents, Projection
from job.pca.passes import classes_of
from job.quality.labelled import Labelled

FOLDS = 5

DIMENSIONS = 256
"""Components in which photos are judged, at most; independent of how many the run keeps."""

UNUSUAL_DEVIATIONS = 5.0
"""A photo is an outlier if its distance is so many deviations above the median of its label."""

MOST_VALUES = 50_000_000
"""Components of all photos that the driver holds, at most: 200 MB."""

TESTED = -1
"""The fold of photos that no fit has seen."""

FEWEST = 5
"""Photos of a label with fewer have no outliers."""

NORMAL = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Judge:
    """A discriminant, and the space in which the photos of each of its labels have unit covariance."""

    model: LinearModel
    temperature: float
    whitening: Floats  # shape (dimensions, dimensions)
    centres: Floats  # shape (labels, dimensions): whitened means; NaN for labels without photos


@dataclass(frozen=True)
class Judged:
    """What was found about each photo with a label; arrays of shape (photos,)."""

    paths: Sequence[str]
    labels: tuple[str, ...]  # of the training photos, sorted
    given: Numbers  # the photo's label
    other: Numbers  # the most probable other label
    own: Floats  # the probability of the photo's label
    others: Floats  # the probability of the most probable other label
    distance: Floats  # to the centre of its label

    def suspected(self) -> Numbers:
        """Return the photos whose label is probably wrong, the most probable first."""
        counts = np.bincount(self.given, minlength=len(self.labels))
        means = np.bincount(self.given, self.own, len(self.labels)) / np.maximum(counts, 1)
        wrong = np.flatnonzero((self.others > self.own) & (self.others >= means[self.other]))
        return wrong[np.argsort(-self.margins()[wrong], kind="stable")]

    def margins(self) -> Floats:
        """Return how much more probable the other label is than the photo's own."""
        return self.others - self.own

    def deviations(self) -> Floats:
        """Return how far each photo is from its label's median distance, in deviations of that label."""
        found = np.zeros(len(self.given))
        for label in range(len(self.labels)):
            members = np.flatnonzero(self.given == label)
            if len(members) < FEWEST:
                continue
            middle = np.median(self.distance[members])
            spread = NORMAL * np.median(np.abs(self.distance[members] - middle))
            found[members] = (self.distance[members] - middle) / spread if spread > 0 else 0.0
        return found

    def typical(self) -> Numbers:
        """Return the photo nearest to the centre of each label, -1 for labels without a judged photo."""
        order = np.argsort(self.distance, kind="stable")[::-1]
        nearest = np.full(len(self.labels), -1, np.intp)
        nearest[self.given[order]] = order
        return nearest


def projection(fitted: PrincipalComponents, labels: Sequence[str], photos: int) -> Projection | None:
    """Return the projection to the components in which so many photos are judged; None if there are too few labels."""
    if len(labels) < 2:
        return None
    kept = max(1, min(DIMENSIONS, len(fitted.components), MOST_VALUES // photos))
    return Projection(fitted.mean, fitted.scale, fitted.components[:kept])


def judge(read: Labelled, labels: Sequence[str]) -> Judged:
    """Judge the photos with a label, read with a ``projection``.

    Test photos are judged by a fit of all training photos; photos of labels that no fit knows are left out.

    Parameters
    ----------
    labels
        Of the used training photos, sorted.
    """
    known = pc.is_in(read.photos["label"], pa.array(labels, pa.string()))
    photos, rows = read.photos.filter(known), read.components[known.to_numpy()]
    training = pc.equal(photos["split"], TRAIN).to_numpy()
    # The number of threads changes the last bits.
    with threadpool_limits(1, "blas"):
        return judge_rows(photos["path"].to_pylist(), tuple(labels), rows, classes_of(photos, labels), training)


def judge_rows(
    paths: Sequence[str],
    labels: tuple[str, ...],
    rows: npt.NDArray[np.float32],
    given: Numbers,
    training: npt.NDArray[np.bool_],
) -> Judged:
    """Judge photos by their components.

    Parameters
    ----------
    rows
        Shape (photos, dimensions), in the order of the listing.
    given
        The photos' labels.
    training
        Whether a photo is a training photo.
    """
    folds = assigned(given, training)
    parts = [Moments.nothing(np.zeros(rows.shape[1]), len(labels)) for _ in range(FOLDS)]
    everything = Moments.nothing(np.zeros(rows.shape[1]), len(labels))
    for number, part in enumerate(parts):
        part.add_rows(rows[folds == number], given[folds == number])
        everything.add(part)
    fitted = np.flatnonzero(training)
    drawn = fitted[evenly(LARGEST_SAMPLE, len(fitted))]
    choice = discriminant.choose(everything, Sample(rows[drawn], given[drawn], folds[drawn]))
    other, own, others, distance = (np.zeros(len(rows), kind) for kind in (np.intp, float, float, float))
    known = np.zeros(len(rows), bool)
    for number in (*range(FOLDS), TESTED):
        rest = everything if number == TESTED else everything.without(parts[number])
        members = np.flatnonzero((folds == number) & (rest.class_counts[given] > 0))
        if not len(members):
            continue
        known[members] = True
        other[members], own[members], others[members], distance[members] = judged_rows(
            rows[members].astype(np.float64), given[members], fit(rest, choice.setting, choice.temperature)
        )
    kept = [path for path, judged in zip(paths, known.tolist(), strict=True) if judged]
    return Judged(kept, labels, *(column[known] for column in (given, other, own, others, distance)))


def assigned(given: Numbers, training: npt.NDArray[np.bool_]) -> Numbers:
    """Return the fold of each photo: training photos of a label are dealt in turn, test photos are ``TESTED``."""
    folds = np.full(len(given), TESTED, np.intp)
    for label in np.unique(given):
        members = np.flatnonzero((given == label) & training)
        folds[members] = np.arange(len(members)) % FOLDS
    return folds


def fit(moments: Moments, shrinkage: float, temperature: float) -> Judge:
    """Return the judge of rows summed by class."""
    whitening = discriminant.whitening_of(discriminant.shrunken(moments.within_covariance(), shrinkage))
    return Judge(
        discriminant.fit(moments, shrinkage),
        temperature,
        whitening,
        row_products(moments.class_means(), whitening),
    )


def judged_rows(rows: Floats, given: Numbers, judge: Judge) -> tuple[Numbers, Floats, Floats, Floats]:
    """Return the most probable other label of rows, the probabilities of both labels, and the distances."""
    probabilities = judge.model.probabilities(rows, judge.temperature)
    places = np.arange(len(rows))
    own = probabilities[places, given]
    probabilities[places, given] = -1
    other = probabilities.argmax(axis=1)
    distance = np.sqrt(((row_products(rows, judge.whitening) - judge.centres[given]) ** 2).sum(axis=1))
    return other, own, probabilities[places, other], distance
