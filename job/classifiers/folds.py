"""Cross-validate a run: fit standardization, components and classifier again for each fold, without its photos."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast, SparkContext

from job.classifiers.calibration import Calibration, calibration_of
from job.classifiers.evaluate import Evaluation, Pairs, evaluate
from job.classifiers.models import COMPONENTS, FEATURES, Classifier
from job.classifiers.precision import HeldOut
from job.classifiers.predict import count_pairs, predictions_table
from job.classifiers.stage import train_classifier
from job.classifiers.training import Training
from job.images import TEST, TRAIN, of_split, with_column
from job.pca import PrincipalComponents, Projection, components, passes
from job.pca.passes import SumTask, components_table
from job.results import DataFile, layout
from job.results.progress import Progress
from job.spark import session, slices, workers

Choose = Callable[[PrincipalComponents], int]
"""Returns how many components to keep."""


@dataclass(frozen=True)
class FoldContext:
    """What every fit without some of the photos needs."""

    spark: SparkContext
    output: str
    files: Sequence[DataFile]  # all features files, in the order of the listing
    choose: Choose
    standardize: bool


@dataclass(frozen=True)
class Folds:
    """The fold of each tested photo."""

    count: int
    paths: pa.StringArray
    numbers: npt.NDArray[np.intp]  # shape (paths,): 0 to count - 1

    def of(self, paths: pa.ChunkedArray) -> npt.NDArray[np.intp]:
        """Return the fold of each photo, -1 for photos that are not tested."""
        places = pc.fill_null(pc.index_in(paths, value_set=self.paths), -1).to_numpy()
        numbers: npt.NDArray[np.intp] = np.append(self.numbers, -1)[places]
        return numbers


@dataclass(frozen=True)
class Side:
    """Turns the training rows of a features file into those of a fold: its photos are test photos."""

    folds: "Broadcast[Folds]"
    number: int
    projection: "Broadcast[Projection] | None" = None  # adds the components of the fold's fit

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the rows with the fold's splits and, after its fit, components."""
        table = of_split(table, TRAIN)
        held = self.folds.value.of(table["path"]) == self.number
        table = with_column(table, "split", pc.if_else(pa.array(held), TEST, TRAIN))
        return table if self.projection is None else components_table(table, self.projection.value)


@dataclass(frozen=True)
class FileCounts:
    """The number of training rows of a features file, by fold and label; fold -1 is tested nowhere."""

    file: DataFile
    rows: Counter[tuple[int, str]]

    def outside(self, fold: int) -> Counter[str]:
        """Return the number of rows outside a fold by label."""
        rows: Counter[str] = Counter()
        for (number, label), count in self.rows.items():
            if number != fold:
                rows[label] += count
        return rows


def of_listing(photos: pa.Table, numbers: Sequence[int], count: int) -> Folds:
    """Return the folds of a listing's photos, whose numbers ``job.images.groups.assign`` returns."""
    assigned = np.array(numbers, np.intp)
    tested = np.flatnonzero(assigned >= 0)
    return Folds(count, photos["path"].combine_chunks().take(pa.array(tested)), assigned[tested])


@dataclass(frozen=True)
class Outcome:
    """What one fold has given."""

    labels: tuple[str, ...]  # that it was trained on
    trained_on: int
    components: int | None  # None if the classifier reads features
    pairs: Pairs  # of the tested photos whose label it was trained on
    # calibration, held_out: of the same photos
    calibration: Calibration
    held_out: HeldOut = field(default_factory=HeldOut.nothing)

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation of the fold's photos."""
        return evaluate(self.labels, self.pairs)


def cross_validate(context: FoldContext, folds: Folds, asked: Training, progress: Progress) -> list[Outcome]:
    """Return the outcome of each fold of a cross-validation.

    ``asked``: the training of the final classifier.
    """
    shared, done = context.spark.broadcast(folds), context.spark.accumulator(0)
    with progress.counted_stage("folds", len(folds.paths), done):
        counted = count_files(context, shared)
        outcomes = []
        for number in range(folds.count):
            outcomes.append(test(context, prepare(context, counted, Side(shared, number), asked)))
            done.add(int((folds.numbers == number).sum()))
    return outcomes


def summary(outcomes: Sequence[Outcome], labels: Sequence[str]) -> dict[str, Any]:
    """Return the outcome of all folds, as ``metrics.json`` has it under "folds".

    Folds without a tested photo have no accuracy and do not count.
    """
    each = [
        {
            "trained_on": outcome.trained_on,
            "evaluated_on": outcome.evaluation.photos,
            "components": outcome.components,
            "accuracy": outcome.evaluation.accuracy,
            "macro_f1": outcome.evaluation.macro_f1,
        }
        for outcome in outcomes
    ]
    pairs = sum((outcome.pairs for outcome in outcomes), Counter[tuple[str, str]]())
    tested = {true for true, _ in pairs}
    return {
        "folds": len(outcomes),
        "evaluated_on": pairs.total(),
        **{name: _mean_and_spread([entry[name] for entry in each]) for name in ("accuracy", "macro_f1")},
        "calibration": sum((outcome.calibration for outcome in outcomes), Calibration()).as_metrics(),
        "untested_labels": [label for label in labels if label not in tested],
        "per_label": evaluate(labels, pairs).per_label(),
        "each": each,
    }


def sentence(outcome: Mapping[str, Any], grouped: bool) -> str:
    """Return the line that the run prints on a cross-validation."""
    accuracy, by = outcome["accuracy"], "group" if grouped else "photo"
    if accuracy["mean"] is None:
        return f"Cross-validation by {by}: no photo could be tested."
    line = (
        f"Cross-validation by {by}, {outcome['folds']} folds: accuracy {accuracy['mean']:.1%} "
        f"(standard deviation of the folds {accuracy['std']:.1%}) on {outcome['evaluated_on']:,} photos."
    )
    untested = outcome["untested_labels"]
    return line + (f" Not tested, because they have a single {by}: {', '.join(untested)}." if untested else "")


def _mean_and_spread(values: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "std": None}
    return {"mean": float(np.mean(known)), "std": float(np.std(known, ddof=1)) if len(known) > 1 else 0.0}


@dataclass(frozen=True)
class Fold:
    """A fold whose components are fitted, so that classifiers can be trained without its photos and tested on them."""

    side: Side
    asked: Training
    rest: Sequence[tuple[DataFile, int]]  # features files, each with its number of rows outside the fold
    tested: Sequence[DataFile]  # features files that have rows of the fold
    components: int | None  # None if the classifier reads features


def prepare(context: FoldContext, counted: Sequence[FileCounts], side: Side, asked: Training) -> Fold:
    """Fit the components of a fold, if its classifiers read them."""
    outside = [entry.outside(side.number) for entry in counted]
    photos = sum(outside, Counter[str]())
    rest = [(entry.file, rows.total()) for entry, rows in zip(counted, outside, strict=True)]
    width, kept = asked.width, None
    if asked.classify_on == COMPONENTS:
        task = SumTask(context.output, FEATURES, (), side)
        slots, done = session.slots(context.spark), context.spark.accumulator(0)
        fitted = components.fit(passes.sum_moments(context.spark, task, rest, slots, done), context.standardize)
        width = kept = context.choose(fitted)
        projection = Projection(fitted.mean, fitted.scale, fitted.components[:kept])
        side = replace(side, projection=context.spark.broadcast(projection))
    held = side.folds.value.of(asked.listing["path"]) == side.number
    listing = with_column(asked.listing, "split", pc.if_else(pa.array(held), TEST, asked.listing["split"]))
    training = replace(asked, photos=photos, width=width, listing=listing, moments=None, sample=None, prepare=side)
    tested = [entry.file for entry in counted if any(number == side.number for number, _ in entry.rows)]
    return Fold(side, training, rest, tested, kept)


def test(context: FoldContext, fold: Fold) -> Outcome:
    """Train the classifier of a fold, and predict the fold's photos with it."""
    asked, side, output = fold.asked, fold.side, context.output
    model = context.spark.broadcast(train_classifier(context.spark, output, fold.rest, asked))
    reports = session.spread(context.spark, fold.tested).map(lambda file: _tested(output, file, side, model)).collect()
    pairs = sum((report.pairs for report in reports), Counter[tuple[str, str]]())
    calibration = sum((report.calibration for report in reports), Calibration())
    held_out = HeldOut.joined([report.held_out for report in reports])
    return Outcome(asked.labels, sum(asked.photos.values()), fold.components, pairs, calibration, held_out)


def hold_out(context: FoldContext, folds: Folds, asked: Training) -> Fold:
    """Return fold 0 alone, prepared."""
    shared = context.spark.broadcast(folds)
    return prepare(context, count_files(context, shared), Side(shared, 0), asked)


def count_files(context: FoldContext, shared: "Broadcast[Folds]") -> list[FileCounts]:
    """Return the number of training rows of each features file, by fold and label."""
    output = context.output
    return list(session.spread(context.spark, context.files).map(lambda file: _count(output, file, shared)).collect())


def _count(output: str, file: DataFile, shared: "Broadcast[Folds]") -> FileCounts:
    with workers.ended_if_silent():
        table = slices.training_rows(output, file.path)
        numbers = shared.value.of(table["path"]).tolist()
        return FileCounts(file, Counter(zip(numbers, table["label"].to_pylist(), strict=True)))


@dataclass(frozen=True)
class _Tested:
    """How the fold's photos in a file are predicted."""

    pairs: Pairs
    calibration: Calibration
    held_out: HeldOut


def _tested(output: str, file: DataFile, side: Side, model: "Broadcast[Classifier]") -> _Tested:
    """Return how the fold's photos in a file are predicted, without those of labels that were not trained."""
    with workers.ended_if_silent():
        table = side(layout.read_parquet(output, file.path))
        predictions = predictions_table(of_split(table, TEST), model.value)
        known = predictions.filter(pc.is_in(predictions["label"], pa.array(model.value.labels, pa.string())))
        return _Tested(count_pairs(known), calibration_of(known), HeldOut.of(known))
