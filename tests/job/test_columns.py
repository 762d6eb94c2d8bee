"""Tests of job/columns.py."""

import numpy as np

from job.columns import list_column, matrix


def test_a_matrix_becomes_a_column_of_lists_without_a_copy() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)

    column = list_column(rows)

    assert column.to_pylist() == rows.tolist()
    assert column.values.buffers()[1].address == rows.ctypes.data
    np.testing.assert_array_equal(matrix(column), rows)
