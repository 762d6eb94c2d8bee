"""Cut the training rows of a run's files into slices of one size, independent of the files' sizes.

How photos are distributed to files depends on the cluster, on the photos to test among them, and on the files of an
earlier run. The order of the training rows does not, so a sum slice by slice is the same to the last bit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import pyarrow as pa

from job.images import TRAIN, of_split
from job.results import layout

Prepare = Callable[[pa.Table], pa.Table]
"""Changes a file's rows before they are used, for instance their splits; pickled and sent to the executors."""


def as_written(table: pa.Table) -> pa.Table:
    """Return the rows of a file unchanged."""
    return table


@dataclass(frozen=True)
class Slice:
    """A range of a file's training rows, counted among the training rows only."""

    path: str
    start: int
    stop: int


def cut(files: Sequence[tuple[str, int]], size: int) -> list[list[Slice]]:
    """Cut files, by path and number of training rows, into parts of so many rows; the last part may have fewer."""
    parts: list[list[Slice]] = []
    room = 0
    for path, rows in files:
        start = 0
        while start < rows:
            if room == 0:
                parts.append([])
                room = size
            stop = min(rows, start + room)
            parts[-1].append(Slice(path, start, stop))
            room -= stop - start
            start = stop
    return parts


def read(output: str, slices: Sequence[Slice], prepare: Prepare = as_written) -> Iterator[pa.Table]:
    """Yield the training rows of each slice; a file of several consecutive slices is read once."""
    for path, pieces in groupby(slices, attrgetter("path")):
        training = training_rows(output, path, prepare)
        for piece in pieces:
            yield training.slice(piece.start, piece.stop - piece.start)
        # Free the memory before the next file is read, not after it.
        del training


def training_rows(output: str, path: str, prepare: Prepare = as_written) -> pa.Table:
    """Return the training rows of a file."""
    return of_split(prepare(layout.read_parquet(output, path)), TRAIN)
