"""Turns float32 matrices into Arrow columns of lists, as the results' files hold them, and back, without a copy."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from job import results


def list_column(rows: npt.NDArray[np.float32]) -> pa.ListArray:
    """Return a float32 matrix as an Arrow column of lists, one a row, sharing the matrix's memory."""
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    values = pa.array(np.ascontiguousarray(rows).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=results.FEATURES_SCHEMA.field("features").type)


def matrix(rows: pa.ListArray) -> npt.NDArray[np.float32]:
    """Return an Arrow array of equally long lists as a float32 matrix, one row a list, sharing its memory."""
    values: npt.NDArray[np.float32] = rows.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(rows), -1)
