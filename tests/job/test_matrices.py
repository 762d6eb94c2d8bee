"""Tests of job/matrices.py."""

import io

import numpy as np
import pyarrow as pa
import pytest

from job.matrices import from_npz, list_column, matrix, row_products, to_npz


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


@pytest.mark.parametrize("compressed", [False, True])
def test_npz_keeps_arrays_and_their_types(compressed: bool) -> None:
    arrays = {"rows": np.arange(6, dtype=np.float32).reshape(2, 3), "limit": np.array(np.inf)}

    content = to_npz(arrays, compressed=compressed)

    back = from_npz(content)
    assert content == to_npz(arrays, compressed=compressed)
    assert {name: (array.dtype.name, array.tolist()) for name, array in back.items()} == {
        "rows": ("float32", [[0, 1, 2], [3, 4, 5]]),
        "limit": ("float64", np.inf),
    }


def test_npz_with_a_pickle_is_refused() -> None:
    archive = io.BytesIO()
    np.savez(archive, rows=np.array([{}], object))

    with pytest.raises(ValueError, match="allow_pickle"):
        from_npz(archive.getvalue())
