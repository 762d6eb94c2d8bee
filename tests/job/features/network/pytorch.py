"""Write weights files as PyTorch's older format has them, without PyTorch."""

import pickle
import sys
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
import pytest

from job.features.network.pytorch_file import MAGIC_NUMBER, VERSION

Array = np.ndarray[Any, Any]


class Saved:
    """A tensor as PyTorch pickles it: a call with a storage, an offset, a shape and strides counted in values."""

    def __init__(self, values: Array, key: str, **changed: Any) -> None:
        self.values, self.key = values, key
        self.dtype = "LongStorage" if values.dtype == np.int64 else "FloatStorage"
        strides = tuple(stride // values.itemsize for stride in values.strides)
        self.view = {"offset": 0, "shape": values.shape, "strides": strides, **changed}

    @property
    def storage(self) -> bytes:
        """The values in the order of the memory."""
        return self.values.ravel("K").tobytes()


def write_weights(file: Path, tensors: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, rest: bytes = b"") -> Path:
    """Write arrays, ``Saved`` or any other objects as a state dictionary; return the file.

    ``rest``: bytes after the last value.
    """
    saved = {
        name: Saved(values, str(number)) if isinstance(values, np.ndarray) else values
        for number, (name, values) in enumerate(tensors.items())
    }
    state = OrderedDict(saved)
    state._metadata = OrderedDict(version=1)  # type: ignore[attr-defined] # as PyTorch adds it
    storages = {each.key: each for each in saved.values() if isinstance(each, Saved)}
    with monkeypatch.context() as patched, file.open("wb") as stream:
        _name_pytorch(patched)
        for header in (MAGIC_NUMBER, VERSION, {"little_endian": True}):
            pickle.dump(header, stream, protocol=2)
        _Pickler(stream).dump(state)
        pickle.dump(list(storages), stream, protocol=2)
        for each in storages.values():
            stream.write(np.int64(each.values.size).tobytes() + each.storage)
        stream.write(rest)
    return file


def _name_pytorch(patched: pytest.MonkeyPatch) -> None:
    """Let pickle write the names of PyTorch."""
    for module, name in (("torch", "FloatStorage"), ("torch", "LongStorage"), ("torch._utils", "_rebuild_tensor_v2")):
        named = type(name, (), {"__module__": module})
        if module not in sys.modules:
            patched.setitem(sys.modules, module, ModuleType(module))
        patched.setattr(sys.modules[module], name, named, raising=False)


class _Storage:
    def __init__(self, saved: Saved) -> None:
        self.saved = saved


class _Pickler(pickle.Pickler):
    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, protocol=2)

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, _Storage):
            return None
        saved = obj.saved
        return "storage", getattr(sys.modules["torch"], saved.dtype), saved.key, "cpu", saved.values.size, None

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, Saved):
            return NotImplemented
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (_Storage(obj), *obj.view.values(), False, OrderedDict())
