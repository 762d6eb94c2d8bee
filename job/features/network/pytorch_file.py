"""Read the tensors of a PyTorch weights file without PyTorch, and without running what the file asks for.

The format is the older one of ``torch.save`` (``_legacy_save`` in torch/serialization.py): three pickles with a magic
number, the version and the sizes of types; a pickle of the state dictionary, whose tensors refer to storages; a pickle
with the keys of the storages; then for each key the number of values as int64, and the values, little-endian.
"""

import pickle
from collections import OrderedDict
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from job.errors import BackboneError, UnsafeWeightsError

ENDING = ".pth"

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
VERSION = 1001

Tensor = npt.NDArray[Any]

_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""The storages that may be named, with their values in NumPy's notation."""

_HINT = "Give a state dictionary saved with torch.save(..., _use_new_zipfile_serialization=False)."


class _Storage(NamedTuple):
    """Values of one type in a row."""

    dtype: str
    key: str
    length: int


class _View(NamedTuple):
    """A tensor: the part of a storage that it shows, as pickled; nothing of it has been checked."""

    storage: Any
    offset: Any
    shape: Any
    strides: Any


class _RefusedNameError(Exception):
    """A pickle names something that is not part of a tensor."""


class _TensorsOnly(pickle.Unpickler):
    """An unpickler that makes nothing but numbers, texts, containers and tensors.

    What it returns for a name can be called by the pickle, or be given attributes, without any effect outside.
    """

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - of the interface
        """Return what a name stands for; refuse every name that is not part of a tensor."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._view
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise _RefusedNameError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401 - of the interface
        """Return the storage that a tensor refers to; its values follow the pickles."""
        kind, dtype, key, _, length, view = pid
        if kind != "storage" or dtype not in _DTYPES.values() or view is not None:
            raise ValueError("a reference that is not a storage")
        return _Storage(dtype, str(key), int(length))

    def _view(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _View:  # noqa: ANN401
        return _View(storage, offset, shape, strides)


def read_tensors(file: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a state dictionary by name: float32 and int64.

    Raises
    ------
    UnsafeWeightsError
        If the file names anything that is not part of a tensor.
    BackboneError
        If it is not a state dictionary in this format, or is damaged.
    """
    try:
        with Path(file).open("rb") as stream:
            return _read(stream)
    except _RefusedNameError as error:
        raise UnsafeWeightsError(
            f"A weights file must contain tensors only, '{file}' names {error}.",
            "Nothing in it was run. Use a file from a source that you trust, or --weights imagenet.",
        ) from error
    except Exception as error:  # a damaged pickle raises errors of many kinds
        raise BackboneError(
            f"Cannot read '{file}' as PyTorch weights: {error or type(error).__name__}", _HINT
        ) from error


def _read(stream: BinaryIO) -> dict[str, Tensor]:
    if (_load(stream), _load(stream)) != (MAGIC_NUMBER, VERSION):
        raise ValueError("it has another format")
    if not _load(stream)["little_endian"]:
        raise ValueError("it is big-endian")
    views, keys = _load(stream), _load(stream)
    if not all(isinstance(name, str) and isinstance(view, _View) for name, view in views.items()):
        raise ValueError("it is not a dictionary of tensors")
    storages = {view.storage.key: view.storage for view in views.values()}
    values = {key: _values(stream, storages[key]) for key in keys}
    if stream.read(1):
        raise ValueError("bytes follow the last tensor")
    return {name: _tensor(view, values[view.storage.key]) for name, view in views.items()}


def _load(stream: BinaryIO) -> Any:  # noqa: ANN401 - what the pickle holds
    return _TensorsOnly(stream).load()


def _values(stream: BinaryIO, storage: _Storage) -> Tensor:
    (length,) = np.frombuffer(stream.read(8), "<i8")
    if length != storage.length:
        raise ValueError(f"a storage has {length} values instead of {storage.length}")
    size = np.dtype(storage.dtype).itemsize
    content = stream.read(length * size) if length > 0 else b""
    if len(content) != storage.length * size:
        raise ValueError("it ends too early")
    return np.frombuffer(content, storage.dtype)


def _tensor(view: _View, values: Tensor) -> Tensor:
    """Return a tensor as a contiguous array; its strides count values, not bytes."""
    offset, shape, strides = view.offset, tuple(view.shape), tuple(view.strides)
    if len(shape) != len(strides) or not all(isinstance(n, int) and n >= 0 for n in (offset, *shape, *strides)):
        raise ValueError("a tensor has an impossible shape")
    # Both hold for every tensor that was saved whole; without the second, strides of 0 could ask for any memory.
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if last >= len(values) or prod(shape) > len(values):
        raise ValueError("a tensor exceeds its storage")
    size = values.itemsize
    return np.lib.stride_tricks.as_strided(values[offset:], shape, [stride * size for stride in strides]).copy()
