"""Tests of job/spark/slices.py."""

from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pytest

from job.images import PREDICT, TEST, TRAIN
from job.results import layout
from job.spark import slices
from job.spark.slices import Slice


def test_training_rows_are_cut_into_parts_of_a_size_across_files() -> None:
    parts = slices.cut([("a", 5), ("none", 0), ("b", 2), ("c", 4)], size=4)

    assert parts == [
        [Slice("a", 0, 4)],
        [Slice("a", 4, 5), Slice("b", 0, 2), Slice("c", 0, 1)],
        [Slice("c", 1, 4)],
    ]


def test_slices_hold_training_rows_and_read_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = {"one": [TRAIN, TEST, TRAIN, PREDICT, TRAIN], "two": [TEST, TRAIN]}
    for name, of in splits.items():
        rows = [{"path": f"{name}/{row}", "split": split} for row, split in enumerate(of)]
        layout.write_parquet(str(tmp_path), name, pa.Table.from_pylist(rows))
    counted = Mock(side_effect=layout.read_parquet)
    monkeypatch.setattr(layout, "read_parquet", counted)

    read = list(slices.read(str(tmp_path), [Slice("one", 0, 2), Slice("one", 2, 3), Slice("two", 0, 1)]))

    assert [table["path"].to_pylist() for table in read] == [["one/0", "one/2"], ["one/4"], ["two/1"]]
    assert counted.call_count == 2
