"""Float matrices: stored as Arrow columns of lists, and multiplied so that no row depends on the others."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FLOAT_LIST = pa.list_(pa.field("element", pa.float32()))
"""The Arrow type of a column with one row of a matrix in each cell."""

BLOCK_ROWS, BLOCK_COLUMNS = 256, 16
"""``row_products`` multiplies blocks of this many rows, and weights in multiples of this many rows, padded with zeros.
At the edges of other shapes OpenBLAS adds in another order."""


def list_column(rows: npt.NDArray[np.float32]) -> pa.ListArray:
    """Return a float32 matrix as an Arrow column of lists, one a row, sharing the matrix's memory."""
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    values = pa.array(np.ascontiguousarray(rows).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=FLOAT_LIST)


def matrix(rows: pa.ListArray) -> npt.NDArray[np.float32]:
    """Return an Arrow array of equally long lists as a float32 matrix, one row a list, sharing its memory."""
    values: npt.NDArray[np.float32] = rows.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(rows), -1)


def row_products(
    rows: npt.NDArray[np.number[Any]], weights: npt.NDArray[np.float64], shift: npt.NDArray[np.float64] | float = 0.0
) -> npt.NDArray[np.float64]:
    """Return ``(rows - shift) @ weights.T`` in float64, each row bit-identical whichever rows it comes with.

    Parameters
    ----------
    rows
        Shape (n, dimensions).
    weights
        Shape (m, dimensions).
    shift
        Shape (dimensions,): subtracted from every row.

    Returns
    -------
    Shape (n, m).
    """
    count, dimensions = weights.shape
    padded = np.zeros((-(-count // BLOCK_COLUMNS) * BLOCK_COLUMNS, dimensions))
    padded[:count] = weights
    products = np.empty((len(rows), count))
    for start in range(0, len(rows), BLOCK_ROWS):
        part = rows[start : start + BLOCK_ROWS]
        block = np.zeros((BLOCK_ROWS, dimensions))
        block[: len(part)] = part - shift
        products[start : start + len(part)] = (block @ padded.T)[: len(part), :count]
    return products
