"""Make two passes over the features files: sum moments for the fit, then project every photo."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator, Broadcast, SparkContext

from job.matrices import list_column, matrix
from job.pca.components import Classes, Matrix, Moments, Projection, add_in_pairs
from job.results import DataFile, layout
from job.spark import slices, workers
from job.spark.slices import Prepare, Slice, as_written

ROWS_IN_A_SLICE = 1024
"""Training rows in each sum: adding the sums of two slices takes a tenth of the time to sum one."""

MOMENTS_AT_A_TIME = 8
"""Sums added by one task of the next round, and at most by the driver; a power of two."""

TASKS_A_SLOT = 2
"""Maximum number of tasks of a pass for each task slot."""


@dataclass(frozen=True)
class SumTask:
    """Settings of the tasks that sum training rows."""

    output: str
    column: str  # of the files: "features" or "components"
    labels: tuple[str, ...] = ()  # sorted; the classes to sum by, none if empty
    prepare: Prepare = as_written


@dataclass(frozen=True)
class ProjectionTask:
    """Settings of the projection tasks."""

    output: str
    csv: bool


@dataclass(frozen=True)
class ProjectionReport:
    """Files written for one features file."""

    components: DataFile
    csv: DataFile | None


def sum_moments(
    context: SparkContext,
    task: SumTask,
    files: Sequence[tuple[DataFile, int]],
    slots: int,
    done: Accumulator[int],
) -> Moments:
    """Return the moments of all training rows in features or components files, shifted by the first one.

    Slices of the training rows are summed, and the slices added as a binary tree. The same training rows in the same
    order give the same result, bit for bit, for any other rows between them, any files and any number of tasks.

    Parameters
    ----------
    files
        In the order of the listing, each with its number of training rows; at least one row in total.
    """
    parts = slices.cut([(file.path, rows) for file, rows in files], ROWS_IN_A_SLICE)
    shift = matrix(next(slices.read(task.output, parts[0], task.prepare))[task.column])[0].astype(np.float64)
    blocks = group_in_twos(parts, TASKS_A_SLOT * slots)
    tasks = context.parallelize(list(enumerate(blocks)), len(blocks)).map(
        lambda block: (block[0], _moments_of_slices(task, block[1], shift, done))
    )
    count = len(blocks)
    while count > MOMENTS_AT_A_TIME:
        count = -(-count // MOMENTS_AT_A_TIME)
        tasks = tasks.map(lambda item: (item[0] // MOMENTS_AT_A_TIME, item)).groupByKey(count).mapValues(_added)
    return _added(tasks.collect())


def group_in_twos(parts: Sequence[list[Slice]], most: int) -> list[Sequence[list[Slice]]]:
    """Return the parts in groups of 1, 2, 4, 8, ...: the smallest size that makes at most ``most`` groups."""
    size = 1
    while -(-len(parts) // size) > most:
        size *= 2
    return [parts[start : start + size] for start in range(0, len(parts), size)]


def group_by_rows(files: Sequence[DataFile], groups: int) -> list[list[DataFile]]:
    """Return the files in groups of about equal rows: the next largest file joins the smallest group."""
    dealt: list[list[DataFile]] = [[] for _ in range(min(groups, len(files)))]
    rows = [0] * len(dealt)
    for file in sorted(files, key=lambda file: (-file.rows, file.path)):
        smallest = rows.index(min(rows))
        dealt[smallest].append(file)
        rows[smallest] += file.rows
    return dealt


def project_files(
    context: SparkContext,
    task: ProjectionTask,
    projection: Projection,
    files: Sequence[DataFile],
    slots: int,
    done: Accumulator[int],
) -> list[ProjectionReport]:
    """Write the components of every photo, one file for each features file; return the reports in the same order.

    A task projects several files, because starting it takes longer than projecting one. A few tasks per slot let all
    slots finish close together.
    """
    shared = context.broadcast(projection)
    groups = group_by_rows(files, TASKS_A_SLOT * slots)
    tasks = context.parallelize(groups, len(groups)).map(
        lambda group: [(file.path, _project_file(task, shared, file, done)) for file in group]
    )
    reports = dict(report for reports in tasks.collect() for report in reports)
    return [reports[file.path] for file in files]


def classes_of(table: pa.Table, labels: Sequence[str]) -> Classes:
    """Return the index of each row's label in the sorted labels, of shape (rows,)."""
    numbers = pc.index_in(table["label"].combine_chunks(), value_set=pa.array(labels, pa.string()))
    classes: Classes = numbers.to_numpy(zero_copy_only=False).astype(np.intp)
    return classes


def components_table(table: pa.Table, projection: Projection) -> pa.Table:
    """Return the components of the rows of a features file."""
    rows = projection.project(matrix(table["features"]))
    columns = [table["path"], table["label"], table["split"], list_column(rows)]
    return pa.table(columns, schema=layout.COMPONENTS_SCHEMA)


def csv_table(components: pa.Table) -> pa.Table:
    """Return a components table with a column for each component: path, label, split, pc_1, pc_2, ..."""
    values = matrix(components["components"])
    columns = {name: components[name] for name in ("path", "label", "split")}
    for index in range(values.shape[1]):
        columns[f"pc_{index + 1}"] = pa.array(np.ascontiguousarray(values[:, index]))
    return pa.table(columns)


def _moments_of_slices(
    task: SumTask, parts: Sequence[Sequence[Slice]], shift: Matrix, done: Accumulator[int]
) -> Moments:
    workers.settle()
    tables = slices.read(task.output, [piece for part in parts for piece in part], task.prepare)

    def moments_of(part: Sequence[Slice]) -> Moments:
        moments = Moments.nothing(shift, len(task.labels))
        table = pa.concat_tables(islice(tables, len(part)))
        moments.add_rows(matrix(table[task.column]), classes_of(table, task.labels) if task.labels else None)
        done.add(moments.count)
        heartbeat()
        return moments

    with workers.ended_if_silent() as heartbeat:
        return add_in_pairs(moments_of(part) for part in parts)


def _added(numbered: Iterable[tuple[int, Moments]]) -> Moments:
    return add_in_pairs(moments for _, moments in sorted(numbered, key=lambda item: item[0]))


def _project_file(
    task: ProjectionTask, shared: "Broadcast[Projection]", file: DataFile, done: Accumulator[int]
) -> ProjectionReport:
    workers.settle()
    with workers.ended_if_silent():
        components = components_table(layout.read_parquet(task.output, file.path), shared.value)
        name = layout.derived_file_name(layout.COMPONENTS, file.path)
        written = layout.write_parquet(task.output, name, components)
        csv = None
        if task.csv:
            csv_name = layout.derived_file_name(layout.COMPONENTS_CSV, file.path, "csv")
            csv = layout.write_csv(task.output, csv_name, csv_table(components))
    done.add(file.rows)
    return ProjectionReport(written, csv)
