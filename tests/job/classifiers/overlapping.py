"""Components or features of photos whose labels overlap, and files of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from job.images import PREDICT, TEST, TRAIN
from job.matrices import list_column
from job.results import DataFile, layout

LABELS = ("apple", "kiwi", "pear")


def overlapping_photos(schema: pa.Schema) -> pa.Table:
    """Return components or features of 240 photos of three labels that overlap; every fourth is not for training."""
    random = np.random.default_rng(3)
    numbers = random.integers(0, 3, 240)
    rows = (random.normal(size=(240, 5)) * [4, 3, 2, 1, 1] + numbers[:, np.newaxis] * [2, -1, 1, 0, 0]).astype("f4")
    splits = [(TRAIN, TRAIN, TRAIN, (TEST, PREDICT)[row % 8 // 4])[row % 4] for row in range(240)]
    labels = [None if split == PREDICT else LABELS[number] for number, split in zip(numbers, splits, strict=True)]
    columns = [[f"/{row}.jpg" for row in range(240)], labels, splits, list_column(rows)]
    return pa.table(columns, schema=schema)


def write_files(folder: Path, table: pa.Table, rows: list[int]) -> tuple[str, list[tuple[DataFile, int]]]:
    """Write a table as files of so many rows each; return the output and the files, with their training rows."""
    files, start = [], 0
    for number, count in enumerate(rows):
        part = table.slice(start, count)
        file = layout.write_parquet(str(folder), f"{table.column_names[3]}/part-{number:05d}.parquet", part)
        files.append((file, part["split"].to_pylist().count(TRAIN)))
        start += count
    return str(folder), files
