"""Read the training photos on which the settings of a classifier are compared."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark import SparkContext

from job.classifiers.tuning import FOLDS, Rows, Sample, draw_sample
from job.images import TRAIN, groups, of_split
from job.matrices import matrix
from job.pca import Classes
from job.pca.passes import SumTask, classes_of
from job.results import DataFile
from job.spark import session, workers
from job.spark.slices import training_rows


def sampled_paths(listing: pa.Table) -> dict[str, int]:
    """Return the fold of each training photo in the sample, by path; a group is in one fold."""
    training = of_split(listing, TRAIN)
    labels, names = training["label"].to_pylist(), training["group"].to_pylist()
    grouped = None
    if not training["group"].null_count:
        fold_of = groups.cut(groups.sizes(names, labels), FOLDS, 0)
        grouped = [fold_of[name] for name in names]
    folds = draw_sample(labels, grouped=grouped)
    paths = zip(training["path"].to_pylist(), folds.tolist(), strict=True)
    return {path: fold for path, fold in paths if fold >= 0}


def read_sample(context: SparkContext, task: SumTask, files: Sequence[DataFile], folds: Mapping[str, int]) -> Sample:
    """Return the sampled training photos in the order of the files.

    ``files``: in the order of the listing, so that no bit depends on how the photos are cut into files.
    """
    shared = context.broadcast(folds)
    tasks = session.spread(context, files).flatMap(lambda file: _read_file(task, file, shared.value))
    rows, classes, numbers = (np.concatenate(parts) for parts in zip(*tasks.collect(), strict=True))
    return Sample(rows, classes, numbers)


def _read_file(task: SumTask, file: DataFile, folds: Mapping[str, int]) -> list[tuple[Rows, Classes, Classes]]:
    """Return the rows, classes and folds of the sampled photos in a file; nothing of a file without any."""
    with workers.ended_if_silent():
        table = training_rows(task.output, file.path, task.prepare)
        numbers = np.array([folds.get(path, -1) for path in table["path"].to_pylist()], np.intp)
        chosen = table.take(np.flatnonzero(numbers >= 0))
        if not len(chosen):
            return []
        rows = matrix(chosen[task.column]).copy()
        return [(rows, classes_of(chosen, task.labels), numbers[numbers >= 0])]
