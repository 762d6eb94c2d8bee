"""Store float matrices as Arrow columns and .npz files, and multiply them so that rows are independent."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FLOAT_LIST = pa.list_(pa.field("element", pa.float32()))
"""Arrow type of a column with one matrix row in each cell."""

BLOCK_ROWS, BLOCK_COLUMNS = 64, 16
"""Shapes that ``row_products`` pads to: rows to blocks of 64, weights to multiples of 16.
At the edges of other shapes, OpenBLAS adds in another order."""


def list_column(rows: npt.NDArray[np.float32]) -> pa.ListArray:
    """Return a float32 matrix as an Arrow column with a list for each row, sharing memory."""
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    values = pa.array(np.ascontiguousarray(rows).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=FLOAT_LIST)


def matrix(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """Return a table's column of equally long lists as a float32 matrix, sharing memory with a column of one chunk.

    Without rows, the shape is (0, 0).
    """
    rows = column.combine_chunks()
    values: npt.NDArray[np.float32] = rows.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(rows), -1 if len(rows) else 0)


def to_npz(arrays: Mapping[str, npt.NDArray[Any]], *, compressed: bool = False) -> bytes:
    """Return arrays by name as the content of an .npz file, the same bytes for the same arrays."""
    archive = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(archive, **arrays)
    return archive.getvalue()


def from_npz(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an .npz file by name; raise ValueError if one is a pickle, which could run any code."""
    with np.load(io.BytesIO(content), allow_pickle=False) as saved:
        return dict(saved)


def row_products(
    rows: npt.NDArray[np.number[Any]], weights: npt.NDArray[np.float64], shift: npt.NDArray[np.float64] | float = 0.0
) -> npt.NDArray[np.float64]:
    """Return ``(rows - shift) @ weights.T`` in float64; no bit of a row depends on the other rows.

    Parameters
    ----------
    rows
        Shape (n, dimensions).
    weights
        Shape (m, dimensions).
    shift
        Shape (dimensions,): subtracted from each row.

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
