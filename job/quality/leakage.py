"""Find the training photo that is nearest to each test photo, by the cosine of their features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import SparkContext

from job.classifiers.tuning import evenly
from job.images import TEST, of_split
from job.matrices import matrix
from job.results import DataFile, layout
from job.spark import session, slices, workers
from job.spark.slices import Slice

Rows = npt.NDArray[np.float32]

THRESHOLD = 0.95
"""A training photo with at least this cosine is a near-duplicate of a test photo."""

LARGEST = 4_000_000_000_000
"""Multiplications, about 100 core-seconds: of more test photos, an even sample is examined."""

TEST_ROWS = 4096
"""Test photos of a task: 21 MB of 1,280 float32 values."""

BLOCK = 1024
"""Photos on each side of a product, padded with zeros: at the edges of other shapes, OpenBLAS adds in another order,
and equal photos in different files would differ in the last bit."""

TASKS_A_SLOT = 2


@dataclass(frozen=True)
class Nearest:
    """The training photo that is nearest to each examined test photo, in the order of the listing."""

    paths: Sequence[str]  # of the test photos
    labels: Sequence[str]
    nearest: Sequence[str]  # paths of training photos
    nearest_labels: Sequence[str]
    cosines: npt.NDArray[np.float64]

    def near_duplicates(self) -> npt.NDArray[np.bool_]:
        """Return which test photos have a near-duplicate in training."""
        near: npt.NDArray[np.bool_] = self.cosines >= THRESHOLD
        return near


@dataclass(frozen=True)
class _Task:
    """A range of the examined test photos, and some of the training photos."""

    start: int  # of the test photos
    tests: Sequence[tuple[str, npt.NDArray[np.intp]]]  # features files, and the test rows to examine in each
    order: int  # of the training photos among all
    trainings: Sequence[list[Slice]]  # a block of training photos each


@dataclass(frozen=True)
class _Found:
    start: int
    order: int
    tests: pa.Table  # path and label
    nearest: pa.Table  # path and label
    cosines: npt.NDArray[np.float64]


def find(
    context: SparkContext, output: str, files: Sequence[tuple[DataFile, int, int]], dimensions: int
) -> Nearest | None:
    """Return the nearest training photo of each test photo; None without training or test photos.

    A task holds some test photos, one block of training photos and one product at a time.

    Parameters
    ----------
    files
        Features files in the order of the listing, each with its numbers of training and test rows.
    """
    training = [(file.path, train) for file, train, _ in files if train]
    wanted = examined([test for _, _, test in files], sum(train for _, train in training) * dimensions)
    tests = [(file.path, rows) for (file, _, _), rows in zip(files, wanted, strict=True) if len(rows)]
    if not training or not tests:
        return None
    tasks = list(_tasks(tests, slices.cut(training, BLOCK), TASKS_A_SLOT * session.slots(context)))
    found = context.parallelize(tasks, len(tasks)).map(lambda task: _nearest(output, task)).collect()
    best: dict[int, _Found] = {}
    for part in sorted(found, key=lambda part: (part.start, part.order)):
        best[part.start] = _better(best[part.start], part) if part.start in best else part
    tested = pa.concat_tables(part.tests for part in best.values())
    nearest = pa.concat_tables(part.nearest for part in best.values())
    paths, labels, nearest_paths, nearest_labels = (
        rows[name].to_pylist() for rows in (tested, nearest) for name in ("path", "label")
    )
    cosines = np.concatenate([part.cosines for part in best.values()])
    return Nearest(paths, labels, nearest_paths, nearest_labels, cosines)


def examined(tests: Sequence[int], cost: int, largest: int = LARGEST) -> list[npt.NDArray[np.intp]]:
    """Return which of the test rows in each file are examined: all, or as many as are affordable, evenly.

    ``cost``: multiplications of one test photo.
    """
    chosen = evenly(max(1, largest // max(cost, 1)), sum(tests))
    ends = np.cumsum([0, *tests])
    return [
        chosen[np.searchsorted(chosen, start) : np.searchsorted(chosen, stop)] - start for start, stop in pairwise(ends)
    ]


def unit_rows(rows: Rows) -> Rows:
    """Return rows divided by their length; rows of zeros stay."""
    lengths = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    divided: Rows = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return divided


def best_products(tests: Rows, training: Rows) -> tuple[npt.NDArray[np.intp], Rows]:
    """Return the training row with the largest product with each test row, the first of equal ones, and the product.

    ``tests``: shape (a multiple of ``BLOCK``, dimensions); ``training``: shape (rows, dimensions), at least one row.
    """
    places, largest = np.zeros(len(tests), np.intp), np.full(len(tests), -np.inf, np.float32)
    for start in range(0, len(training), BLOCK):
        part = training[start : start + BLOCK]
        padded = _padded(part)
        for first in range(0, len(tests), BLOCK):
            products = (tests[first : first + BLOCK] @ padded.T)[:, : len(part)]
            columns = products.argmax(axis=1)
            values = products[np.arange(BLOCK), columns]
            better = values > largest[first : first + BLOCK]
            largest[first : first + BLOCK][better] = values[better]
            places[first : first + BLOCK][better] = start + columns[better]
    return places, largest


def _tasks(
    tests: Sequence[tuple[str, npt.NDArray[np.intp]]], trainings: Sequence[list[Slice]], wanted: int
) -> Iterator[_Task]:
    """Cut the test photos into ranges, and the training photos into as many parts as make enough tasks."""
    pieces = [
        (path, rows[start : start + TEST_ROWS]) for path, rows in tests for start in range(0, len(rows), TEST_ROWS)
    ]
    ranges: list[list[tuple[str, npt.NDArray[np.intp]]]] = [[]]
    for path, rows in pieces:
        if sum(len(each) for _, each in ranges[-1]) + len(rows) > TEST_ROWS:
            ranges.append([])
        ranges[-1].append((path, rows))
    parts = min(len(trainings), -(-wanted // len(ranges)))
    start = 0
    for some in ranges:
        for number in range(parts):
            share = trainings[number * len(trainings) // parts : (number + 1) * len(trainings) // parts]
            yield _Task(start, some, number, share)
        start += sum(len(rows) for _, rows in some)


def _nearest(output: str, task: _Task) -> _Found:
    with workers.ended_if_silent() as heartbeat:
        tables = []
        for path, rows in task.tests:
            tables.append(of_split(layout.read_parquet(output, path), TEST).take(pa.array(rows)))
        examined_rows = pa.concat_tables(tables)
        tests = _padded(unit_rows(matrix(examined_rows["features"])))
        del tables
        count = len(examined_rows)
        best = np.full(len(tests), -np.inf, np.float32)
        nearest: list[dict[str, str]] = [{}] * count
        pieces = slices.read(output, [piece for block in task.trainings for piece in block])
        for block in task.trainings:
            table = pa.concat_tables(islice(pieces, len(block)))
            places, values = best_products(tests, unit_rows(matrix(table["features"])))
            better = np.flatnonzero(values[:count] > best[:count])
            best[better] = values[better]
            rows_there = table.select(["path", "label"]).take(pa.array(places[better])).to_pylist()
            for row, entry in zip(better.tolist(), rows_there, strict=True):
                nearest[row] = entry
            heartbeat()
        schema = pa.schema([pa.field("path", pa.string()), pa.field("label", pa.string())])
        return _Found(
            task.start,
            task.order,
            examined_rows.select(["path", "label"]).cast(schema),
            pa.Table.from_pylist(nearest, schema=schema),
            best[:count].astype(np.float64),
        )


def _better(one: _Found, other: _Found) -> _Found:
    """Return the nearer of the photos that two tasks have found for the same test photos."""
    better = other.cosines > one.cosines
    both = pa.concat_tables([one.nearest, other.nearest])
    rows = np.where(better, np.arange(len(better)) + len(better), np.arange(len(better)))
    cosines = np.where(better, other.cosines, one.cosines)
    return _Found(one.start, one.order, one.tests, both.take(pa.array(rows)), cosines)


def _padded(rows: Rows) -> Rows:
    padded = np.zeros((-(-len(rows) // BLOCK) * BLOCK, rows.shape[1]), np.float32)
    padded[: len(rows)] = rows
    return padded
