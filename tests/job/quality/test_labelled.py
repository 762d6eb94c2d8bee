"""Tests of job/quality/labelled.py."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark import SparkContext

from job.images import PREDICT, TEST, TRAIN
from job.matrices import list_column
from job.pca import Projection
from job.quality import labelled
from job.results import DataFile, layout, resume

ROWS = np.arange(8, dtype=np.float32).reshape(4, 2)
SUM = Projection(np.zeros(2), np.ones(2), np.ones((1, 2)))


def written(folder: Path) -> list[DataFile]:
    """Write two files: a training and a predicted photo, and two test photos of an earlier version."""
    columns = [list("abcd"), ["x", None, "x", "y"], [TRAIN, PREDICT, TEST, TEST], list_column(ROWS)]
    photos = pa.table(columns, schema=layout.FEATURES_SCHEMA)
    stamps = pa.table([["1", "2"], ["digest a", "digest b"], ["grey a", "grey b"]], schema=resume.ROWS_SCHEMA)
    return [
        layout.write_parquet(str(folder), "features/one.parquet", photos[:2], resume.stamp({}, stamps)),
        layout.write_parquet(str(folder), "features/two.parquet", photos[2:]),
    ]


def test_reads_labelled_photos_in_the_order_of_the_files(spark: SparkContext, tmp_path: Path) -> None:
    read = labelled.read(spark, str(tmp_path), written(tmp_path), SUM)

    assert read.photos.to_pydict() == {
        "path": ["a", "c", "d"],
        "label": ["x", "x", "y"],
        "split": [TRAIN, TEST, TEST],
        "digest": ["digest a", None, None],
        "thumbnail": ["grey a", None, None],
    }
    np.testing.assert_array_equal(read.components, [[1], [9], [13]])


def test_reads_no_features_without_a_projection(spark: SparkContext, tmp_path: Path) -> None:
    read = labelled.read(spark, str(tmp_path), written(tmp_path))

    assert read.photos["path"].to_pylist() == ["a", "c", "d"]
    assert read.components.shape == (3, 0)
