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
from pyspark import Broadcast, SparkContext

from job.classifiers import DiscriminantModel, discriminant
from job.classifiers.folds import Folds
from job.classifiers.sample import read_sample
from job.images import PREDICT, TRAIN
from job.matrices import list_column, matrix, row_products
from job.pca import Moments, PrincipalComponents, Projection, passes, project
from job.pca.passes import SumTask, classes_of
from job.results import DataFile, layout
from job.spark import session, workers

FOLDS = 5

DIMENSIONS = 256
"""Components in which photos are judged, at most; independent of how many the run keeps."""

UNUSUAL_DEVIATIONS = 5.0
"""A photo is an outlier if its distance is so many deviations above the median of its label."""

FEWEST = 5
"""Photos of a label with fewer have no outliers."""

NORMAL = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Judge:
    """A discriminant, and the space in which the photos of each of its labels have unit covariance."""

    model: DiscriminantModel
    whitening: Floats  # shape (dimensions, dimensions)
    centres: Floats  # shape (labels, dimensions): whitened means; NaN for labels without photos


@dataclass(frozen=True)
class Rows:
    """Prepares the rows of a features file: its training photos, projected."""

    projection: "Broadcast[Projection]"

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return path, label, split and features, which are now components."""
        return projected(table.filter(pc.equal(table["split"], TRAIN)), self.projection.value)


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


def judge(
    context: SparkContext,
    output: str,
    counted: Sequence[tuple[DataFile, int]],
    listing: pa.Table,
    labels: Sequence[str],
    fitted: PrincipalComponents,
) -> Judged | None:
    """Judge the photos with a label; None if there are too few labels or photos.

    Test photos are judged by a fit of all training photos; photos of labels that no fit knows are left out.

    Parameters
    ----------
    counted
        Features files, in the order of the listing, each with its number of training photos.
    labels
        Of the used training photos, sorted.
    """
    if len(labels) < 2:
        return None
    folds = assigned(listing)
    kept = min(DIMENSIONS, len(fitted.components))
    shared = context.broadcast(folds)
    projection = context.broadcast(Projection(fitted.mean, fitted.scale, fitted.components[:kept]))
    task = SumTask(
        *(output, layout.FEATURES, tuple(labels), Rows(projection)), lambda table: shared.value.of(table["path"]), FOLDS
    )
    slots, done = session.slots(context), context.accumulator(0)
    parts = passes.sum_folds(context, task, counted, slots, done, np.zeros(kept))
    everything = Moments.nothing(np.zeros(kept), len(labels))
    for part in parts:
        everything.add(part)
    files = [file for file, _ in counted]
    sample = read_sample(context, task, files, sampled(folds))
    choice = discriminant.choose(everything, sample)
    rests = [*(everything.without(part) for part in parts), everything]
    judges = context.broadcast([fit(rest, choice.shrinkage, choice.temperature) for rest in rests])
    tasks = session.spread(context, files).map(
        lambda file: _judge_file(output, file, labels, shared, projection, judges)
    )
    paths, *columns = zip(*tasks.collect(), strict=True)
    return Judged([path for some in paths for path in some], tuple(labels), *map(np.concatenate, columns))


def assigned(listing: pa.Table) -> Folds:
    """Return the fold of each training photo: those of a label are dealt to the folds in turn."""
    training = listing.filter(pc.equal(listing["split"], TRAIN))
    numbers = np.empty(len(training), np.intp)
    seen: dict[str, int] = {}
    for row, label in enumerate(training["label"].to_pylist()):
        numbers[row] = seen.get(label, 0) % FOLDS
        seen[label] = seen.get(label, 0) + 1
    return Folds(FOLDS, training["path"].combine_chunks(), numbers)


def sampled(folds: Folds, largest: int = discriminant.LARGEST_SAMPLE) -> dict[str, int]:
    """Return the fold of each photo on which shrinkages are compared, by path: all, or an even sample."""
    count = min(len(folds.paths), largest)
    rows = np.arange(count) * len(folds.paths) // max(count, 1)
    return dict(zip(folds.paths.take(pa.array(rows)).to_pylist(), folds.numbers[rows].tolist(), strict=True))


def fit(moments: Moments, shrinkage: float, temperature: float) -> Judge:
    """Return the judge of rows summed by class."""
    whitening = discriminant.whitening_of(discriminant.shrunken(moments.within_covariance(), shrinkage))
    return Judge(
        discriminant.fit(moments, shrinkage, temperature),
        whitening,
        row_products(moments.class_means(), whitening),
    )


def projected(table: pa.Table, projection: Projection) -> pa.Table:
    """Return the rows of a features file with components in place of the features."""
    rows = project(matrix(table["features"]), projection.mean, projection.scale, projection.components)
    return table.set_column(table.schema.get_field_index("features"), "features", list_column(rows))


def judged_rows(rows: Floats, given: Numbers, judge: Judge) -> tuple[Numbers, Floats, Floats, Floats]:
    """Return the most probable other label of rows, the probabilities of both labels, and the distances."""
    probabilities = judge.model.probabilities(rows)
    places = np.arange(len(rows))
    own = probabilities[places, given]
    probabilities[places, given] = -1
    other = probabilities.argmax(axis=1)
    distance = np.sqrt(((row_products(rows, judge.whitening) - judge.centres[given]) ** 2).sum(axis=1))
    return other, own, probabilities[places, other], distance


def _judge_file(
    output: str,
    file: DataFile,
    labels: Sequence[str],
    folds: "Broadcast[Folds]",
    projection: "Broadcast[Projection]",
    judges: "Broadcast[list[Judge]]",
) -> tuple[list[str], Numbers, Numbers, Floats, Floats, Floats]:
    with workers.ended_if_silent():
        table = layout.read_parquet(output, file.path)
        table = table.filter(pc.not_equal(table["split"], PREDICT))
        table = table.filter(pc.is_in(table["label"], pa.array(labels, pa.string())))
        given = classes_of(table, labels)
        numbers = folds.value.of(table["path"])
        rows = matrix(projected(table, projection.value)["features"]).astype(np.float64)
        found = (np.zeros(len(rows), np.intp), *(np.zeros(len(rows)) for _ in range(3)))
        known = np.zeros(len(rows), bool)
        for number in np.unique(numbers):
            judge = judges.value[number]  # the last one for photos in no fold
            members = np.flatnonzero((numbers == number) & np.isfinite(judge.centres[given, 0]))
            known[members] = True
            for whole, part in zip(found, judged_rows(rows[members], given[members], judge), strict=True):
                whole[members] = part
        paths = table["path"].filter(pa.array(known)).to_pylist()
        return paths, given[known], *(whole[known] for whole in found)
