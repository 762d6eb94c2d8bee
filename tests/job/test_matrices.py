"""Tests of job/matrices.py."""

import numpy as np
import pyarrow as pa

from job.matrices import list_column, matrix, row_products


def test_a_matrix_becomes_a_column_of_lists_without_a_copy() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)

    column = list_column(rows)

    assert column.to_pylist() == rows.tolist()
    assert column.values.buffers()[1].address == rows.ctypes.data
    np.testing.assert_array_equal(matrix(pa.chunked_array([column])), rows)


def test_product_of_a_row_ignores_other_rows() -> None:
    random = np.random.default_rng(1)
    rows, weights = random.normal(size=(700, 385)), random.normal(size=(49, 385))
    shift = random.normal(size=385)

    at_once = row_products(rows, weights, shift)

    in_parts = [row_products(part, weights, shift) for part in np.split(rows, [1, 14, 301, 600])]
    np.testing.assert_array_equal(np.concatenate(in_parts), at_once)
    np.testing.assert_allclose(at_once, (rows - shift) @ weights.T, rtol=0, atol=1e-11)
